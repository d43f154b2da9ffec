"""The sessions of a project as the archive lists them, from one request for all.

One row of the answer is one resource of one scan of one session; here they are grouped
into sessions while they arrive. The columns are paths of XNAT's schema, where label,
file_count and file_size are attributes of xnat:abstractResource.

A row tells of the subject, too. XNAT's query joins each type that a column names once, by
its key, and puts all columns of that type into the joined query (`QueryOrganizer.addField`
and `buildJoin`): the demographics come through the very join that `subject_label` needs,
with the paths of XNAT's own list of subjects. So that a correction in the archive arrives
without a request for the subjects.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from msgspec import structs

from coil.archive.client import Archive, part
from coil.archive.columns import Lister, Listing
from coil.archive.paths import (
    COLUMNS,
    EVERY,
    OPTIONAL,
    PERSON,
    SHARE_COLUMNS,
    SHARED_INTO,
    Picker,
    Row,
)
from coil.errors import ConfigError, RefusedError
from coil.records.listing import Scan

IMAGES = ("DICOM", "secondary")
"""Labels of the resources with images: XNAT's for DICOM files, and for those of SOP
classes that are not images proper (reports, screen captures)."""

_SCAN_TEXTS = ("scan", "scan_type", "series_description", "quality", "note", "frames")
_ABOUT = (
    "id", "label", "type", "date", "last_modified", "subject_label", "subject_id",
    "scanner", "manufacturer", "model", *PERSON,
)  # fmt: skip


@dataclass(frozen=True)
class Session:
    """One imaging session as the listing tells it, with its scans in order.

    `label` and `subject_label` are those in the project that was asked for, `home_labels`
    those of its own project if that is another one. `scanner` is its name, manufacturer and
    model; `person` the subject's demographics, None where the server did not tell them.
    """

    id: str
    label: str
    subject_id: str
    subject_label: str
    date: str
    last_modified: str
    scans: tuple[Scan, ...] = ()
    type: str = ""
    scanner: tuple[str, ...] = ()
    person: Mapping[str, str] | None = None
    home_labels: tuple[str, ...] = ()


def list_sessions(
    archive: Archive,
    project: str,
    shared: bool = False,
    lister: Lister | None = None,
    needed: Collection[str] = (),
) -> list[Session]:
    """All imaging sessions of the archive's project, sorted by ID, in one request.

    With `shared` those that other projects share into it, too, in a second one. What the
    archive does not tell is in `lister`; `needed` are those of `OPTIONAL` without which the
    caller could not tell which sessions are meant.

    Raises `ConfigError` for a project that the archive does not have, or does not show.
    """
    lister = lister or Lister(archive)
    own, others = listings(project, needed)
    listed: list[Session] = []
    try:
        listed = lister.ask(own, lambda rows: group(rows, project))
        refused = False
    except RefusedError as error:
        if error.status not in (403, 404):
            raise
        refused = True
    if not listed:
        _check_project(archive, project, refused)
    by_id = {session.id: session for session in listed}
    if shared:
        for session in lister.ask(others, lambda rows: group(rows, shared_into=project)):
            by_id.setdefault(session.id, session)
    return [by_id[key] for key in sorted(by_id)]


def listings(project: str, needed: Collection[str] = ()) -> tuple[Listing, Listing]:
    """How the sessions of a project are asked for, and those that are shared into it.

    For all who are no administrators XNAT joins its permissions with every row, which takes it
    half a minute where a project has some 20,000 sessions; but not at the project's own address,
    which lists what is shared into the project, too. The label at home, which must not
    leave either, only the listing of all projects is sure to tell.
    """
    optional = [COLUMNS[name] for name in OPTIONAL if name not in needed]
    columns = [path for path in COLUMNS.values() if path not in optional]
    query = {"xsiType": "xnat:imageSessionData"}
    address = f"/data/projects/{part(project)}/experiments"
    shares = [*columns, *SHARE_COLUMNS.values()]
    return (
        Listing("the sessions", address, query, columns, optional, probe=EVERY),
        Listing("the shared sessions", EVERY, {**query, SHARED_INTO: project}, shares, optional),
    )


def uncounted(sessions: Iterable[Session]) -> list[str]:
    """The remark on sessions some of whose scans the archive has not counted, if there are any."""
    number = sum(any(scan.files is None for scan in session.scans) for session in sessions)
    if not number:
        return []
    return [
        f"the archive has not counted the files of all scans in {number} "
        f"session{'s' * (number > 1)}: refresh the catalogs there, else only discover=thorough "
        "sees whether one was replaced"
    ]


def _check_project(archive: Archive, project: str, refused: bool) -> None:
    """Refuse a project that the archive does not have, or whose data it does not show.

    One that is protected is listed to everybody, and its data are for its members.
    """
    if not archive.exists(f"/data/projects/{part(project)}"):
        raise ConfigError(
            f"project: {project}: the archive has no such project, or this login may not see it; "
            "correct the ID or ask for access"
        )
    if refused:
        raise ConfigError(
            f"project: {project}: the archive lists it, but hides its data from this login; ask "
            "the project's owner for the right to read them"
        )


def group(rows: Iterable[Row], project: str = "", shared_into: str = "") -> list[Session]:
    """Sessions from the listing's rows, sorted by ID, their scans in natural order.

    With `project` only those that are its own: an address of a project lists its shares, too.
    With `shared_into` the rows are of sessions that other projects share into that one, with
    the labels that they have there. XNAT repeats a row for each share of its session.
    """
    sessions: dict[str, Session] = {}
    scans: dict[str, dict[str, Scan]] = {}
    labels: dict[str, dict[str, str]] = {}
    counted: dict[str, set[str]] = {}
    same = dict[str, str]().setdefault  # the same few texts come in every session
    pick = Picker("id", "project", "resource", "files", "bytes", *_SCAN_TEXTS)
    about = Picker(*_ABOUT)
    for row in _shared(rows, shared_into, labels) if shared_into else rows:
        session, home, resource, number, total, *texts = pick(row)
        if project and home != project:
            continue
        if session not in sessions:
            sessions[session], scans[session] = _session(row, about(row)), {}
            counted[session] = set()
        if not (scan := texts[0]):
            continue
        resource_of_scan = f"{scan}/{resource}"
        images = resource in IMAGES and resource_of_scan not in counted[session]
        if images:
            counted[session].add(resource_of_scan)
        files, size = (_number(number), _number(total)) if images else (0, 0)
        before = scans[session].get(scan)
        if before is None:
            scans[session][scan] = Scan(*map(same, texts, texts), files=files, bytes=size)
        elif images:
            files, size = _sum(before.files, files), _sum(before.bytes, size)
            scans[session][scan] = structs.replace(before, files=files, bytes=size)
    listed: list[Session] = []
    for key in sorted(sessions):
        session = replace(sessions[key], scans=_in_order(scans[key].values()))
        if shared_into:
            home = (session.label, session.subject_label)
            session = replace(session, home_labels=home, **labels[key])
        listed.append(session)
    return listed


def _in_order(scans: Iterable[Scan]) -> tuple[Scan, ...]:
    return tuple(sorted(scans, key=lambda scan: natural(scan.scan)))


@lru_cache(maxsize=1 << 16)
def natural(scan: str) -> tuple[tuple[int, str], ...]:
    """A sort key that puts scan 10 after scan 9, and `6-MR2` after `6-MR1`."""
    parts: list[tuple[int, str]] = []
    for piece in scan.replace("-", " ").split():
        parts.append((int(piece), "") if piece.isdecimal() else (1 << 62, piece))
    return tuple(parts)


def _shared(rows: Iterable[Row], project: str, labels: dict[str, dict[str, str]]) -> Iterator[Row]:
    """Each row once; `labels` gets by session what it and its subject are called in `project`.

    XNAT joins all shares of a session and of its subject, whichever of them was asked for.
    """
    pick = Picker("id", "scan", "resource", *SHARE_COLUMNS)
    seen: set[tuple[str, ...]] = set()
    for row in rows:
        *row_of, into, label, subject_into, subject_label = pick(row)
        if into not in ("", project):
            continue
        names = labels.setdefault(row_of[0], {})
        if label:
            names["label"] = label
        if subject_label and subject_into == project:
            names["subject_label"] = subject_label
        if tuple(row_of) not in seen:
            seen.add(tuple(row_of))
            yield row


def _session(row: Row, about: tuple[str, ...]) -> Session:
    texts = dict(zip(_ABOUT, about, strict=True))
    return Session(
        id=texts["id"],
        label=texts["label"],
        subject_id=texts["subject_id"],
        subject_label=texts["subject_label"],
        date=texts["date"],
        last_modified=texts["last_modified"],
        type=texts["type"],
        scanner=(texts["scanner"], texts["manufacturer"], texts["model"]),
        person={name: texts[name] for name in PERSON} if _tells_of_people(tuple(row)) else None,
    )


@lru_cache(maxsize=16)
def _tells_of_people(keys: tuple[str, ...]) -> bool:
    return COLUMNS[PERSON[0]].lower() in {key.lower() for key in keys}


def _number(text: str) -> int | None:
    """A count; None where the archive has none, as of catalogs that were never refreshed."""
    return int(text) if str(text).isdecimal() else None


def _sum(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other
