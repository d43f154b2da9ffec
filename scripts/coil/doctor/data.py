"""The data of a project that the workflow cannot use, by what the archive tells of it."""

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from coil.archive import contents
from coil.archive.client import Archive
from coil.archive.columns import short
from coil.archive.discover import prearchive
from coil.archive.discover.naming import lab_namer
from coil.archive.listing import Session
from coil.archive.pull import mounted
from coil.deid.identity.identities import Kind
from coil.doctor.findings import LIMIT, OK, PROBLEM, Finding
from coil.doctor.survey import Surveyed
from coil.errors import RefusedError
from coil.words import plural

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
"""The consequences of a column that lacks, by its short name."""
KINDS: tuple[Kind, ...] = ("subject", "session")


def columns(project: Surveyed) -> Iterator[Finding]:
    """Each column that the archive refuses; else how many it answered."""
    refused = project.survey.refused
    lacking = [(what, path) for what, paths in sorted(refused.items()) for path in paths]
    for what, path in lacking:
        text = f"{what} come without {short(path)}: {WITHOUT.get(short(path), 'it stays empty')}"
        remedy = "ask the administrator whether the server can know it"
        yield project.finding("columns", LIMIT, text, remedy)
    if not lacking:
        yield project.finding("columns", OK, f"all {project.survey.columns} are answered")


def sessions(project: Surveyed) -> Iterator[Finding]:
    """How many sessions there are, and how many of them the config takes."""
    there, taken = project.survey.sessions, project.taken
    text = f"{len(there)}, {plural(sum(len(one.scans) for one in there), 'scan')}"
    if not there:
        remedy = "archive one, or correct the project's ID"
        yield project.finding("sessions", LIMIT, "the project holds none yet", remedy)
    elif not taken:
        text += ", and the config's select takes none of them"
        yield project.finding("sessions", PROBLEM, text, "correct select")
    else:
        text += f"; select takes {len(taken)}" if len(taken) < len(there) else ""
        yield project.finding("sessions", OK, text)


def labels(project: Surveyed) -> Iterator[Finding]:
    """Labels that cannot be BIDS labels, where the config takes them as they are."""
    identity = project.settings["identity"]
    without = {kind: set(_unlabelled(project.taken, identity, kind)) for kind in KINDS}
    by_hmac = [f"{kind}s" for kind in KINDS if identity[f"{kind}s"] == "hmac"]
    if any(without.values()):
        numbers = [plural(len(labels), kind) for kind, labels in without.items() if labels]
        text = f"the config's identity gives {' and '.join(numbers)} no BIDS label: left out"
        remedy = "rename them (letters and digits), complete the table, or use hmac"
        yield project.finding(
            "labels", LIMIT, text, remedy, *sorted(set().union(*without.values()))
        )
    else:
        text = f"pseudonyms for {' and '.join(by_hmac)}" if by_hmac else "each is a BIDS label"
        yield project.finding("labels", OK, text)


def _unlabelled(
    sessions: Sequence[Session], identity: Mapping[str, Any], kind: Kind
) -> Iterator[str]:
    """The archive's labels to which the config's identity gives none."""
    namer = lab_namer(identity, kind)
    if namer is None:
        return
    for one in sessions:
        label = one.subject_label if kind == "subject" else one.label
        ident = one.subject_id if kind == "subject" else one.id
        if not namer(ident, label):
            yield label


def mount(project: Surveyed) -> Iterator[Finding]:
    """Whether the archive's own files are where the config, or the environment, says."""
    folder = project.settings["archive"].get("mount") or os.environ.get("XNAT_DATA")
    first = next((one for one in project.taken if one.scans and not one.home_labels), None)
    if not folder or first is None:
        return
    if mounted.find_session(folder, project.id, first.label):
        yield project.finding("mount", OK, "files are taken from there")
    else:
        text = "the mounted archive does not hold the first session: all comes over the network"
        yield project.finding("mount", LIMIT, text, "correct archive.mount, or ask who mounts it")


def catalogs(project: Surveyed, archive: Archive) -> Iterator[Finding]:
    """Sessions of whose files the archive knows neither number nor digest."""
    uncounted = project.survey.uncounted
    if uncounted:
        text = f"of {plural(len(uncounted), 'session')} the archive has not counted the files"
        yield project.finding("catalogs", LIMIT, text, REFRESH, *sorted(uncounted))
    looked = [one for one in project.survey.sessions if one.scans][:EXAMPLES]
    held = [file for one in looked for file in contents.list_files(archive, one.id, ())]
    if blank := sum(not file.digest for file in held):
        text = f"{blank} of {plural(len(held), 'file')} of the first "
        text += f"{plural(len(looked), 'session')} have no digest: compared by size alone"
        yield project.finding("catalogs", LIMIT, text, REFRESH)
    elif not uncounted:
        digests = f"; digests, too, of the {plural(len(held), 'file')} looked at" if held else ""
        yield project.finding("catalogs", OK, f"counts known{digests}")


def waiting(project: Surveyed, archive: Archive) -> Iterator[Finding]:
    """Sessions that are in the prearchive."""
    try:
        listed = prearchive.fetch(archive, project.id)
    except RefusedError:
        text = "this login may not see it: a session that still arrives is pulled as it is"
        remedy = "ask the project's owner to make you a member"
        yield project.finding("prearchive", LIMIT, text, remedy)
        return
    names = sorted(f"{one.subject} {one.session}".strip() for one in listed)
    under_way = sum(one.under_way for one in listed)
    if len(listed) > under_way:
        text = f"{plural(len(listed), 'session')}, {under_way} under way: "
        text += "not processed until archived"
        yield project.finding("prearchive", LIMIT, text, "archive or remove them there", *names)
    else:
        text = f"{plural(under_way, 'session')} under way" if listed else "empty"
        yield project.finding("prearchive", OK, text, "", *names)
