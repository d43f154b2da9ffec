"""What the archive holds for a project, from one request for all its sessions.

One row of the answer is one resource of one scan of one session; here they are grouped
into sessions while they arrive. The columns are paths of XNAT's schema, where label,
file_count and file_size are attributes of xnat:abstractResource.

A row tells of the subject, too. XNAT's query joins each type that a column names once, by
its key, and puts all columns of that type into the joined query (`QueryOrganizer.addField`
and `buildJoin`): the demographics come through the very join that `subject_label` needs,
with the paths of XNAT's own list of subjects. So that a correction in the archive arrives
without a request for the subjects.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple

from coil.archive.client import Archive

IMAGES = ("DICOM", "secondary")
"""Labels of the resources with images: XNAT's for DICOM files, and for those of SOP
classes that are not images proper (reports, screen captures)."""

_SESSION = "xnat:imagesessiondata"
_SCAN = "xnat:imagescandata"
_SUBJECT = "xnat:subjectData"
SUBJECT_DEMOGRAPHICS = f"{_SUBJECT}/demographics[@xsi:type=xnat:demographicData]"

# By the short name where XNAT has one, for it answers under that whatever was asked for.
COLUMNS = {
    "id": "ID",
    "label": "label",
    "type": "xsiType",
    "date": "date",
    "last_modified": "last_modified",
    "subject_label": "subject_label",
    "subject_id": f"{_SESSION}/subject_id",
    "scanner": "scanner",
    "manufacturer": f"{_SESSION}/scanner/manufacturer",
    "model": f"{_SESSION}/scanner/model",
    "scan": f"{_SCAN}/id",
    "scan_type": f"{_SCAN}/type",
    "quality": f"{_SCAN}/quality",
    "note": f"{_SCAN}/note",
    "frames": f"{_SCAN}/frames",
    "series_description": f"{_SCAN}/series_description",
    "resource": f"{_SCAN}/file/label",
    "files": f"{_SCAN}/file/file_count",
    "bytes": f"{_SCAN}/file/file_size",
    "gender": f"{SUBJECT_DEMOGRAPHICS}/gender",
    "handedness": f"{SUBJECT_DEMOGRAPHICS}/handedness",
    "dob": f"{SUBJECT_DEMOGRAPHICS}/dob",
    "yob": f"{SUBJECT_DEMOGRAPHICS}/yob",
}
_SHARED_INTO = f"{_SESSION}/sharing/share/project"
# `label` is the one at home; a join with all shares repeats a row for each of them.
SHARE_COLUMNS = {
    "shared_into": _SHARED_INTO,
    "shared_label": f"{_SESSION}/sharing/share/label",
    "subject_shared_into": f"{_SUBJECT}/sharing/share/project",
    "subject_shared_label": f"{_SUBJECT}/sharing/share/label",
}
Row = Mapping[str, Any]
_SCAN_TEXTS = ("scan", "scan_type", "series_description", "quality", "note", "frames")
PERSON = ("gender", "handedness", "dob", "yob")
_ABOUT = (
    "id", "label", "type", "date", "last_modified", "subject_label", "subject_id",
    "scanner", "manufacturer", "model", *PERSON,
)  # fmt: skip


class Scan(NamedTuple):
    """One scan as the listing tells it; `files` and `bytes` count its image resources."""

    scan: str
    type: str = ""
    series_description: str = ""
    quality: str = ""
    note: str = ""
    frames: str = ""
    files: int = 0
    bytes: int = 0


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


def list_sessions(archive: Archive, project: str, shared: bool = False) -> list[Session]:
    """All imaging sessions of the archive's project, sorted by ID, in one request.

    With `shared` those that other projects share into it, too, in a second one.
    """
    found = {session.id: session for session in _list(archive, COLUMNS, project=project)}
    if shared:
        columns = COLUMNS | SHARE_COLUMNS
        for session in _list(archive, columns, project, **{_SHARED_INTO: project}):
            found.setdefault(session.id, session)
    return [found[key] for key in sorted(found)]


def _list(
    archive: Archive, columns: Mapping[str, str], shared_into: str = "", **which: str
) -> list[Session]:
    query = {**which, "xsiType": "xnat:imageSessionData", "columns": ",".join(columns.values())}
    return archive.listing("/data/experiments", query, lambda rows: group(rows, shared_into))


def group(rows: Iterable[Row], shared_into: str = "") -> list[Session]:
    """Sessions from the listing's rows, sorted by ID, their scans in natural order.

    With `shared_into` the rows are of sessions that other projects share into that one, with
    the labels that they have there.
    """
    sessions: dict[str, Session] = {}
    scans: dict[str, dict[str, Scan]] = {}
    labels: dict[str, dict[str, str]] = {}
    same = dict[str, str]().setdefault  # the same few texts come in every session
    pick = _Picker("id", "resource", "files", "bytes", *_SCAN_TEXTS)
    about = _Picker(*_ABOUT)
    for row in _shared(rows, shared_into, labels) if shared_into else rows:
        session, resource, number, total, *texts = pick(row)
        if session not in sessions:
            sessions[session], scans[session] = _session(row, about(row)), {}
        if not (scan := texts[0]):
            continue
        images = resource in IMAGES
        files, size = (_number(number), _number(total)) if images else (0, 0)
        before = scans[session].get(scan)
        if before is None:
            scans[session][scan] = Scan(*map(same, texts, texts), files, size)  # type: ignore[arg-type]
        elif images:
            files, size = before.files + files, before.bytes + size
            scans[session][scan] = before._replace(files=files, bytes=size)
    found = []
    for key in sorted(sessions):
        session = replace(sessions[key], scans=_in_order(scans[key].values()))
        if shared_into:
            home = (session.label, session.subject_label)
            session = replace(session, home_labels=home, **labels[key])
        found.append(session)
    return found


def _in_order(scans: Iterable[Scan]) -> tuple[Scan, ...]:
    return tuple(sorted(scans, key=lambda scan: natural(scan.scan)))


@lru_cache(maxsize=1 << 16)
def natural(scan: str) -> tuple[tuple[int, str], ...]:
    """A sort key that puts scan 10 after scan 9, and `6-MR2` after `6-MR1`."""
    parts: list[tuple[int, str]] = []
    for piece in scan.replace("-", " ").split():
        parts.append((int(piece), "") if piece.isdecimal() else (1 << 62, piece))
    return tuple(parts)


class _Picker:
    """Takes some columns out of rows; servers differ in the case of a column's name.

    A column that the server did not send, or sent as null, is empty.
    """

    def __init__(self, *names: str) -> None:
        columns = COLUMNS | SHARE_COLUMNS
        self._paths = [columns[name].lower() for name in names]
        self._known: dict[tuple[str, ...], Callable[[Row], tuple[str, ...]]] = {}

    def __call__(self, row: Row) -> tuple[str, ...]:
        keys = tuple(row)
        if keys not in self._known:
            self._known[keys] = self._getter(keys)
        found = self._known[keys](row)
        return tuple(text or "" for text in found) if None in found else found

    def _getter(self, keys: tuple[str, ...]) -> Callable[[Row], tuple[str, ...]]:
        spelled = {key.lower(): key for key in keys}
        wanted = [spelled.get(path, path) for path in self._paths]
        if all(key in keys for key in wanted):
            return itemgetter(*wanted)
        return lambda row: tuple(row.get(key, "") for key in wanted)


def _shared(rows: Iterable[Row], project: str, labels: dict[str, dict[str, str]]) -> Iterator[Row]:
    """Each row once; `labels` gets by session what it and its subject are called in `project`.

    XNAT joins all shares of a session and of its subject, whichever of them was asked for.
    """
    pick = _Picker("id", "scan", "resource", *SHARE_COLUMNS)
    seen: set[tuple[str, ...]] = set()
    for row in rows:
        *place, into, label, subject_into, subject_label = pick(row)
        if into not in ("", project):
            continue
        names = labels.setdefault(place[0], {})
        if label:
            names["label"] = label
        if subject_label and subject_into == project:
            names["subject_label"] = subject_label
        if tuple(place) not in seen:
            seen.add(tuple(place))
            yield row


def _session(row: Row, about: tuple[str, ...]) -> Session:
    told = dict(zip(_ABOUT, about, strict=True))
    return Session(
        id=told["id"],
        label=told["label"],
        subject_id=told["subject_id"],
        subject_label=told["subject_label"],
        date=told["date"],
        last_modified=told["last_modified"],
        type=told["type"],
        scanner=(told["scanner"], told["manufacturer"], told["model"]),
        person={name: told[name] for name in PERSON} if _tells_of_people(tuple(row)) else None,
    )


@lru_cache(maxsize=16)
def _tells_of_people(keys: tuple[str, ...]) -> bool:
    return COLUMNS[PERSON[0]].lower() in {key.lower() for key in keys}


def _number(text: str) -> int:
    return int(text) if str(text).isdecimal() else 0
