"""Whether what the config names is in the archive: resources, files, custom variables."""

from collections.abc import Iterator, Mapping
from typing import Any

from coil.archive.bidsmap import fetch_bidsmaps
from coil.archive.client import Archive, part
from coil.archive.contents import OF_SCANS
from coil.archive.questionnaires import list_questionnaires
from coil.doctor.findings import LIMIT, OK, Finding
from coil.doctor.survey import Survey
from coil.planning import wanted_resources

LOOKED_AT = 20
"""So many sessions' resources are asked for, the last ones, a request each."""


def beside(
    archive: Archive, survey: Survey, settings: Mapping[str, Any], name: str
) -> Iterator[Finding]:
    """Resources with files beside the images that the config names and no session has."""
    wanted = wanted_resources(dict(settings))
    of_scans = [label for label in wanted if label.startswith(OF_SCANS)]
    of_sessions = [label for label in wanted if label not in of_scans]
    lacking = [label for label in of_scans if label.removeprefix(OF_SCANS) not in survey.labels]
    looked, there = _of_sessions(archive, survey) if of_sessions else (0, set())
    for label in [*lacking, *(label for label in of_sessions if label not in there)]:
        number = (
            f"none of the {looked} sessions looked at" if label in of_sessions else "no session"
        )
        told, remedy = f"{number} has the resource {label}", "upload it, or correct the config"
        yield Finding("Data", "resources", LIMIT, told, remedy, name)
    if not lacking and set(of_sessions) <= there:
        told = f"{', '.join(wanted)}: there" if wanted else "the config names none"
        yield Finding("Data", "resources", OK, told, project=name)


def _of_sessions(archive: Archive, survey: Survey) -> tuple[int, set[str]]:
    """Of how many sessions it was asked which resources they have, and these."""
    looked = survey.sessions[-LOOKED_AT:]
    there: set[str] = set()
    for one in looked:
        rows = archive.rows(f"/data/experiments/{part(one.id)}/resources", absent_ok=True)
        there |= {row.get("label", "") for row in rows}
    return len(looked), there


def of_project(
    archive: Archive, project: str, settings: Mapping[str, Any], name: str
) -> Iterator[Finding]:
    """Questionnaires and bidsmaps that the config names and the project does not hold."""
    if any(rule.get("use") == "bidsmap" for rule in settings["bids"]["mapping"]):
        fetch_bidsmaps(archive, project)
    phenotype = settings["phenotype"]
    wanted = {
        (entry["resource"], file)
        for entry in phenotype
        if "file" in entry
        for file in (entry["file"], entry["dictionary"])
    }
    found = list_questionnaires(archive, project, phenotype)
    there = {(one["resource"], one["file"]) for one in found}
    for resource, file in sorted(wanted - there):
        told = f"the project's resource {resource} does not hold {file}"
        remedy = "upload it, or correct phenotype"
        yield Finding("Data", "questionnaires", LIMIT, told, remedy, name)
    if wanted and wanted <= there:
        yield Finding("Data", "questionnaires", OK, f"{len(wanted)} files: there", project=name)
