"""Questionnaires and their dictionaries, in resources of the archive's project."""

import logging
from pathlib import Path
from typing import Any

from coil import files
from coil.archive.client import Archive, part
from coil.errors import ArchiveError

logger = logging.getLogger(__name__)


def list_questionnaires(
    archive: Archive, project: str, phenotype: list[dict[str, Any]]
) -> list[dict[str, str]]:
    """Resource, file and digest of each file that the config's `phenotype` names.

    What the archive does not hold is not in the list: one questionnaire that is missing holds
    up nothing else, and the dataset says so.
    """
    wanted: dict[str, set[str]] = {}
    for entry in phenotype:
        if "file" in entry:
            wanted.setdefault(entry["resource"], set()).update((entry["file"], entry["dictionary"]))
    found = []
    for label in sorted(wanted):
        rows = archive.rows(f"{_resource(project, label)}/files", absent_ok=True)
        held = {row["Name"]: row.get("digest") or "" for row in rows}
        found += [
            {"resource": label, "file": name, "digest": held[name]}
            for name in sorted(wanted[label] & set(held))
        ]
    return found


def fetch(
    archive: Archive, project: str, wanted: list[dict[str, str]], out: Path
) -> list[ArchiveError]:
    """Fetch the files that `list_questionnaires` found into `out/<resource>/<file>`, verified.

    One that the archive does not give, or not as it lists it, is left out and holds up no
    other; returns why, for each.
    """
    errors: list[ArchiveError] = []
    for entry in wanted:
        try:
            data = _read(archive, project, entry)
        except ArchiveError as error:
            logger.error("%s: %s", entry["file"], error)
            errors.append(error)
            continue
        files.write_bytes(out / entry["resource"] / entry["file"], data, 0o600)
    return errors


def _read(archive: Archive, project: str, entry: dict[str, str]) -> bytes:
    path = f"{_resource(project, entry['resource'])}/files/{part(entry['file'])}"
    with archive.stream(path) as chunks:
        data = b"".join(chunks)
    if entry["digest"] and files.md5_of([data]) != entry["digest"].lower():
        raise ArchiveError(
            "it arrived with other bytes than the archive lists; try again, or refresh the "
            "resource's catalog in the archive"
        )
    return data


def _resource(project: str, label: str) -> str:
    return f"/data/projects/{part(project)}/resources/{part(label)}"
