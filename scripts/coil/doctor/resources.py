"""Whether what the config names is in the archive: resources, files, custom variables."""

from collections.abc import Iterable, Iterator

from coil.archive.client import Archive, part
from coil.archive.contents import OF_SCANS
from coil.archive.discover.bidsmap import fetch_bidsmaps
from coil.archive.discover.questionnaires import list_questionnaires, named_files
from coil.archive.listing import Session
from coil.config.derived import wanted_resources
from coil.doctor.findings import LIMIT, OK, Finding
from coil.doctor.survey import Surveyed
from coil.words import plural

LOOKED_AT = 20
"""So many sessions' resources are asked for, the last ones, a request each."""


def named(project: Surveyed, archive: Archive) -> Iterator[Finding]:
    """Resources with files beside the images that the config names and no session has."""
    wanted = wanted_resources(dict(project.settings))
    of_scans = {label for label in wanted if label.startswith(OF_SCANS)}
    there = {OF_SCANS + label for label in project.survey.labels}
    lacking = dict.fromkeys(of_scans - there, "no session")
    if of_sessions := set(wanted) - of_scans:
        looked = project.taken[-LOOKED_AT:]
        nowhere = f"none of the {plural(len(looked), 'session')} looked at"
        lacking |= dict.fromkeys(of_sessions - _held(archive, looked), nowhere)
    for label, where in sorted(lacking.items()):
        text, remedy = f"{where} has the resource {label}", "upload it, or correct the config"
        yield project.finding("resources", LIMIT, text, remedy)
    if not lacking:
        text = f"{', '.join(wanted)}: there" if wanted else "the config names none"
        yield project.finding("resources", OK, text)


def _held(archive: Archive, sessions: Iterable[Session]) -> set[str]:
    """The labels of the sessions' own resources."""
    labels: set[str] = set()
    for one in sessions:
        rows = archive.rows(f"/data/experiments/{part(one.id)}/resources", absent_ok=True)
        labels |= {row.get("label", "") for row in rows}
    return labels


def of_project(project: Surveyed, archive: Archive) -> Iterator[Finding]:
    """Questionnaires and bidsmaps that the config names and the project does not hold."""
    if any(rule.get("use") == "bidsmap" for rule in project.settings["bids"]["mapping"]):
        fetch_bidsmaps(archive, project.id)
    phenotype = project.settings["phenotype"]
    wanted = {
        (resource, file) for resource, named in named_files(phenotype).items() for file in named
    }
    listed = list_questionnaires(archive, project.id, phenotype)
    there = {(one.resource, one.file) for one in listed}
    for resource, file in sorted(wanted - there):
        text = f"the project's resource {resource} does not hold {file}"
        yield project.finding("questionnaires", LIMIT, text, "upload it, or correct phenotype")
    if wanted and wanted <= there:
        yield project.finding("questionnaires", OK, f"{plural(len(wanted), 'file')}: there")
