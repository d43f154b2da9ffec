"""What of a project's data the workflow cannot use, by what the archive tells of it."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from coil.archive import contents, selection
from coil.archive.client import Archive, part
from coil.archive.columns import short
from coil.archive.listing import Session
from coil.archive.prearchive import entries
from coil.deid.identities import bids_label
from coil.deid.own_labels import read_own_labels
from coil.doctor.findings import LIMIT, OK, PROBLEM, Finding
from coil.doctor.survey import Survey
from coil.errors import RefusedError
from coil.report.words import plural

EXAMPLES = 3
"""Of so many sessions the files are listed one by one, which takes a request each."""
REFRESH = (
    "refresh the catalogs: POST /data/services/refresh/catalog with resource=/archive/projects/ID "
    "and options=populateStats,checksum"
)
WITHOUT = {
    "last_modified": "a change that the listing does not show is seen by discover=thorough alone",
    "name": "select.scanners cannot go by it",
    "scanner": "select.scanners cannot go by it",
    "manufacturer": "select.scanners cannot go by it",
    "model": "select.scanners cannot go by it",
    "note": "no rule can go by the scan's note",
    "frames": "the preview cannot tell the number of volumes",
    "file_count": "what is held is not known before it is pulled",
    "file_size": "jobs ask for memory as if sessions were small",
    "gender": "sex comes from the headers alone",
    "handedness": "handedness stays n/a",
    "dob": "ages come from the headers alone",
    "yob": "ages come from the headers alone",
}
"""What does not work without a column, by its short name."""


def columns(survey: Survey, name: str) -> Iterator[Finding]:
    """Each column that the archive refuses; else how many it answered."""
    lacking = [(what, path) for what, paths in sorted(survey.refused.items()) for path in paths]
    for what, path in lacking:
        told = f"{what} come without {short(path)}: {WITHOUT.get(short(path), 'it stays empty')}"
        remedy = "ask the administrator whether the server can know it"
        yield Finding("Data", "columns", LIMIT, told, remedy, name)
    if not lacking:
        yield Finding("Data", "columns", OK, f"all {survey.columns} are answered", project=name)


def sessions(survey: Survey, settings: Mapping[str, Any], name: str) -> Iterator[Finding]:
    """How many sessions there are, and how many of them the config takes."""
    there, taken = survey.sessions, selection.select(survey.sessions, settings["select"])
    told = f"{len(there)}, {sum(len(one.scans) for one in there)} scans"
    if not there:
        remedy = "archive one, or correct the project's ID"
        yield Finding("Data", "sessions", LIMIT, "the project holds none yet", remedy, name)
    elif not taken:
        told += ", and the config's select takes none of them"
        yield Finding("Data", "sessions", PROBLEM, told, "correct select", name)
    else:
        told += f"; select takes {len(taken)}" if len(taken) < len(there) else ""
        yield Finding("Data", "sessions", OK, told, project=name)


def catalogs(archive: Archive, survey: Survey, name: str) -> Iterator[Finding]:
    """Sessions of whose files the archive knows neither number nor digest."""
    if survey.uncounted:
        told = (
            f"of {plural(len(survey.uncounted), 'session')} the archive has not counted the files"
        )
        names = sorted(survey.uncounted)
        yield Finding("Data", "catalogs", LIMIT, told, REFRESH, name, names)
    looked = list(islice((one for one in survey.sessions if one.scans), EXAMPLES))
    held = [file for one in looked for file in contents.list_files(archive, one.id, ())]
    blank = sum(not file.digest for file in held)
    if blank:
        told = (
            f"{blank} of {plural(len(held), 'file')} of the first {plural(len(looked), 'session')} "
        )
        told += "have no digest: "
        told += "they are compared by size alone"
        yield Finding("Data", "catalogs", LIMIT, told, REFRESH, name)
    elif not survey.uncounted:
        told = "counts known"
        if held:
            told += f"; digests, too, of the {plural(len(held), 'file')} looked at"
        yield Finding("Data", "catalogs", OK, told, project=name)


def waiting(archive: Archive, project: str, name: str) -> Iterator[Finding]:
    """Sessions that are in the prearchive."""
    try:
        rows = archive.rows(f"/data/prearchive/projects/{part(project)}")
    except RefusedError:
        told = "this login may not see it: a session that still arrives is pulled as it is"
        remedy = "ask the project's owner to make you a member"
        yield Finding("Data", "prearchive", LIMIT, told, remedy, name)
        return
    found = entries(row for row in rows if row.get("project", project) == project)
    names = sorted(f"{one.subject} {one.session}".strip() for one in found)
    under_way = sum(one.under_way for one in found)
    if len(found) > under_way:
        told = (
            f"{plural(len(found), 'session')}, {under_way} under way: not processed until archived"
        )
        remedy = "archive them, or remove them there"
        yield Finding("Data", "prearchive", LIMIT, told, remedy, name, names)
    else:
        told = f"{plural(under_way, 'session')} under way" if found else "empty"
        yield Finding("Data", "prearchive", OK, told, project=name, names=names)


def labels(survey: Survey, settings: Mapping[str, Any], name: str) -> Iterator[Finding]:
    """Labels that cannot be BIDS labels, where the config takes them as they are."""
    taken = selection.select(survey.sessions, settings["select"])
    without = {kind: list(_unlabelled(taken, settings["identity"], kind)) for kind in KINDS}
    by_hmac = [kind for kind in KINDS if settings["identity"][f"{kind}s"] == "hmac"]
    if any(without.values()):
        numbers = " and ".join(
            plural(len(set(found)), kind) for kind, found in without.items() if found
        )
        told = f"the config's identity gives {numbers} no BIDS label: left out"
        remedy = "rename them (letters and digits), complete the table, or use hmac"
        names = sorted({label for found in without.values() for label in found})
        yield Finding("Data", "labels", LIMIT, told, remedy, name, names)
    else:
        kinds = " and ".join(f"{kind}s" for kind in by_hmac)
        told = f"pseudonyms for {kinds}" if by_hmac else "each is a BIDS label"
        yield Finding("Data", "labels", OK, told, project=name)


KINDS = ("subject", "session")


def _unlabelled(
    sessions: Sequence[Session], identity: Mapping[str, Any], kind: str
) -> Iterator[str]:
    """The archive's labels to which the config's identity gives none."""
    way = identity[f"{kind}s"]
    if way == "hmac":
        return
    own = read_own_labels(Path(identity["table"]).expanduser()) if way == "table" else None
    for one in sessions:
        label = one.subject_label if kind == "subject" else one.label
        ident = one.subject_id if kind == "subject" else one.id
        given = getattr(own, kind)(ident, label) if own else bids_label(label)
        if not given:
            yield label
