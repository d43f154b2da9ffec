"""Questionnaires and their dictionaries, in resources of the archive's project."""

from pathlib import Path
from typing import Any

from coil import files
from coil.archive.client import Archive, part
from coil.errors import ArchiveError, ConfigError


def list_questionnaires(
    archive: Archive, project: str, phenotype: list[dict[str, Any]]
) -> list[dict[str, str]]:
    """Resource, file and digest of each file that the config's `phenotype` names."""
    found = []
    for label in sorted({entry["resource"] for entry in phenotype}):
        rows = archive.rows(f"{_resource(project, label)}/files", absent_ok=True)
        held = {row["Name"]: row.get("digest") or "" for row in rows}
        wanted = {
            name
            for entry in phenotype
            if entry["resource"] == label
            for name in (entry["file"], entry["dictionary"])
        }
        if missing := sorted(wanted - set(held)):
            raise ConfigError(
                f"phenotype: the archive's project resource {label} has no file {missing[0]}; "
                "upload it there, or correct the config"
            )
        found += [{"resource": label, "file": n, "digest": held[n]} for n in sorted(wanted)]
    return found


def fetch(archive: Archive, project: str, wanted: list[dict[str, str]], out: Path) -> None:
    """Fetch the files that `list_questionnaires` found into `out/<resource>/<file>`, verified."""
    for entry in wanted:
        path = f"{_resource(project, entry['resource'])}/files/{part(entry['file'])}"
        with archive.stream(path) as chunks:
            data = b"".join(chunks)
        if entry["digest"] and files.md5_of([data]) != entry["digest"].lower():
            raise ArchiveError(
                f"phenotype: {entry['file']} arrived with other bytes than the archive lists; "
                "try again, or refresh the resource's catalog in the archive"
            )
        files.write_bytes(out / entry["resource"] / entry["file"], data, 0o600)


def _resource(project: str, label: str) -> str:
    return f"/data/projects/{part(project)}/resources/{part(label)}"
