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

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, NamedTuple

from coil.archive import resultset
from coil.archive.client import Archive
from coil.errors import ArchiveError

IMAGES = ("DICOM", "secondary")
"""Labels of the resources with images: XNAT's for DICOM files, and for those of SOP
classes that are not images proper (reports, screen captures)."""

TRIES = 3

_SESSION = "xnat:imagesessiondata"
_SCAN = "xnat:imagescandata"
_SUBJECT = "xnat:subjectData"
_PERSON = f"{_SUBJECT}/demographics[@xsi:type=xnat:demographicData]"

COLUMNS = {
    "id": "ID",
    "label": "label",
    "type": "xsiType",
    "date": "date",
    "last_modified": "last_modified",
    "subject_label": "subject_label",
    "subject_id": f"{_SESSION}/subject_id",
    "scanner": f"{_SESSION}/scanner",
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
    "gender": f"{_PERSON}/gender",
    "handedness": f"{_PERSON}/handedness",
    "dob": f"{_PERSON}/dob",
    "yob": f"{_PERSON}/yob",
}
_SHARED_INTO = f"{_SESSION}/sharing/share/project"
# `label` is the one at home; a join with all shares repeats a row for each of them.
SHARE_COLUMNS = {
    "shared_into": _SHARED_INTO,
    "shared_label": f"{_SESSION}/sharing/share/label",
    "subject_shared_into": f"{_SUBJECT}/sharing/share/project",
    "subject_shared_label": f"{_SUBJECT}/sharing/share/label",
}
_SCAN_TEXTS = ("scan", "scan_type", "series_description", "quality", "note", "frames")
PERSON = ("gender", "handedness", "dob", "yob")


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

    `label` and `subject_label` are those in the project that was asked for. `scanner` is
    its name, manufacturer and model; `person` the subject's demographics, None where the
    server did not tell them.
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
    left = TRIES
    while True:
        left -= 1
        with archive.stream("/data/experiments", **query, format="json") as chunks:
            try:
                return group(resultset.rows(chunks), shared_into)
            except ArchiveError:  # it began well, so that only the rest of it is missing
                if not left:
                    raise


def group(rows: Iterable[Mapping[str, str]], shared_into: str = "") -> list[Session]:
    """Sessions from the listing's rows, sorted by ID, their scans in natural order.

    With `shared_into` the rows are of sessions that other projects share into that one, with
    the labels that they have there.
    """
    sessions: dict[str, Session] = {}
    scans: dict[str, dict[str, Scan]] = {}
    subjects: dict[str, str] = {}
    once: dict[str, str] = {}  # the same few texts come in every session
    known = _known(rows)
    for row in _shared(known, shared_into, subjects) if shared_into else known:
        session, scan = row["id"], row["scan"]
        if session not in sessions:
            sessions[session], scans[session] = _session(row), {}
        if not scan:
            continue
        images = row["resource"] in IMAGES
        files, size = (_number(row["files"]), _number(row["bytes"])) if images else (0, 0)
        before = scans[session].get(scan)
        if before is None:
            texts = (once.setdefault(row[key], row[key]) for key in _SCAN_TEXTS)
            scans[session][scan] = Scan._make((*texts, files, size))
        elif images:
            files, size = before.files + files, before.bytes + size
            scans[session][scan] = before._replace(files=files, bytes=size)
    return [
        replace(
            sessions[key],
            subject_label=subjects.get(key) or sessions[key].subject_label,
            scans=tuple(sorted(scans[key].values(), key=lambda scan: natural(scan.scan))),
        )
        for key in sorted(sessions)
    ]


@lru_cache(maxsize=1 << 16)
def natural(scan: str) -> tuple[tuple[int, str], ...]:
    """A sort key that puts scan 10 after scan 9, and `6-MR2` after `6-MR1`."""
    parts: list[tuple[int, str]] = []
    for piece in scan.replace("-", " ").split():
        parts.append((int(piece), "") if piece.isdecimal() else (1 << 62, piece))
    return tuple(parts)


class _Row(dict[str, str]):
    """A row under our names; a column that the server did not send is empty."""

    def __missing__(self, name: str) -> str:
        return ""


def _known(rows: Iterable[Mapping[str, Any]]) -> Iterator[_Row]:
    """The rows under our names: servers differ in the case of a column's name."""
    ours = {path.lower(): name for name, path in (COLUMNS | SHARE_COLUMNS).items()}
    spelled: dict[tuple[str, ...], list[tuple[str, str]]] = {}
    for row in rows:
        keys = tuple(row)
        if keys not in spelled:
            spelled[keys] = [(ours[key.lower()], key) for key in keys if key.lower() in ours]
        yield _Row({name: row[key] or "" for name, key in spelled[keys]})


def _shared(rows: Iterable[_Row], project: str, subjects: dict[str, str]) -> Iterator[_Row]:
    """Each row once, with the session's label in `project`; `subjects` gets their labels there.

    XNAT joins all shares of a session and of its subject, whichever of them was asked for.
    """
    seen: set[tuple[str, str, str]] = set()
    for row in rows:
        if row["shared_into"] not in ("", project):
            continue
        if row["subject_shared_into"] == project:
            subjects[row["id"]] = row["subject_shared_label"]
        key = row["id"], row["scan"], row["resource"]
        if key not in seen:
            seen.add(key)
            row["label"] = row["shared_label"] or row["label"]
            yield row


def _session(row: _Row) -> Session:
    return Session(
        id=row["id"],
        label=row["label"],
        subject_id=row["subject_id"],
        subject_label=row["subject_label"],
        date=row["date"],
        last_modified=row["last_modified"],
        type=row["type"],
        scanner=(row["scanner"], row["manufacturer"], row["model"]),
        person={key: row[key] for key in PERSON} if PERSON[0] in row else None,
    )


def _number(text: str) -> int:
    return int(text) if str(text).isdecimal() else 0
