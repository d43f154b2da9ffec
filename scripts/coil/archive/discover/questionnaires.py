"""Questionnaires and their dictionaries, in resources of the archive's project."""

from collections.abc import Iterable, Mapping
from typing import Any

from coil.archive.client import Archive, part
from coil.archive.resources import Resource
from coil.records.phenotype import QuestionnaireFile


def list_questionnaires(
    archive: Archive, project: str, phenotype: Iterable[Mapping[str, Any]]
) -> tuple[QuestionnaireFile, ...]:
    """Resource, file and digest of each file that the config's `phenotype` names.

    What the archive does not hold is not in the list: one questionnaire that is missing holds
    up nothing else, and the dataset says so.
    """
    wanted = named_files(phenotype)
    listed: list[QuestionnaireFile] = []
    for label in sorted(wanted):
        address = Resource(label).address(f"/data/projects/{part(project)}")
        rows = archive.rows(f"{address}/files", absent_ok=True)
        held = {row["Name"]: row.get("digest") or "" for row in rows}
        listed += [
            QuestionnaireFile(resource=label, file=name, digest=held[name])
            for name in sorted(wanted[label] & set(held))
        ]
    return tuple(listed)


def named_files(phenotype: Iterable[Mapping[str, Any]]) -> dict[str, set[str]]:
    """The tables and dictionaries that the config's `phenotype` names, by resource."""
    wanted: dict[str, set[str]] = {}
    for entry in phenotype:
        if "file" in entry:
            wanted.setdefault(entry["resource"], set()).update((entry["file"], entry["dictionary"]))
    return wanted
