"""What the archive holds for a project, from one request for all its sessions.

One row of the answer is one resource of one scan of one session; here they are grouped
into sessions. `SESSION_COLUMNS` says what is asked: paths of XNAT's schema, where label,
file_count and file_size are attributes of xnat:abstractResource.
"""

import fnmatch
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from coil.archive.client import Archive

IMAGES = ("DICOM", "secondary")
"""Labels of the resources with images: XNAT's for DICOM files, and for those of SOP
classes that are not images proper (reports, screen captures)."""

_SCAN = "xnat:imagescandata"
SESSION_COLUMNS = {
    "ID": "id",
    "label": "label",
    "xsiType": "type",
    "date": "date",
    "last_modified": "last_modified",
    "subject_label": "subject_label",
    "xnat:imagesessiondata/subject_id": "subject_id",
    f"{_SCAN}/id": "scan",
    f"{_SCAN}/type": "scan_type",
    f"{_SCAN}/quality": "quality",
    f"{_SCAN}/note": "note",
    f"{_SCAN}/frames": "frames",
    f"{_SCAN}/series_description": "series_description",
    f"{_SCAN}/file/label": "resource",
    f"{_SCAN}/file/file_count": "files",
    f"{_SCAN}/file/file_size": "bytes",
}


@dataclass(frozen=True)
class Scan:
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
    """One imaging session as the listing tells it, with its scans in order."""

    id: str
    label: str
    subject_id: str
    subject_label: str
    date: str
    last_modified: str
    scans: tuple[Scan, ...] = field(default=())

    def content(self) -> list[dict[str, Any]]:
        """What the listing says of the session's data: no label, no time of a change."""
        return [asdict(scan) for scan in self.scans]


def list_sessions(archive: Archive, project: str) -> list[Session]:
    """All imaging sessions of the archive's project, in one request."""
    rows = archive.rows(
        "/data/experiments",
        project=project,
        xsiType="xnat:imageSessionData",
        columns=",".join(SESSION_COLUMNS),
    )
    return group(rows)


def group(rows: Iterable[dict[str, str]]) -> list[Session]:
    """Sessions from the listing's rows, sorted by ID, their scans in natural order."""
    sessions: dict[str, dict[str, Any]] = {}
    scans: dict[str, dict[str, Scan]] = {}
    for row in rows:
        known = _known(row)
        session = known["id"]
        sessions.setdefault(session, known)
        if not known["scan"]:
            continue
        images = known["resource"] in IMAGES
        before = scans.setdefault(session, {}).get(known["scan"])
        scans[session][known["scan"]] = Scan(
            scan=known["scan"],
            type=known["scan_type"],
            series_description=known["series_description"],
            quality=known["quality"],
            note=known["note"],
            frames=known["frames"],
            files=(before.files if before else 0) + (_number(known["files"]) if images else 0),
            bytes=(before.bytes if before else 0) + (_number(known["bytes"]) if images else 0),
        )
    return [
        Session(
            id=session,
            label=known["label"],
            subject_id=known["subject_id"],
            subject_label=known["subject_label"],
            date=known["date"],
            last_modified=known["last_modified"],
            scans=tuple(sorted(scans.get(session, {}).values(), key=lambda s: natural(s.scan))),
        )
        for session, known in sorted(sessions.items())
    ]


def select(sessions: Iterable[Session], settings: dict[str, Any]) -> list[Session]:
    """The sessions that the config's `select` takes."""
    return [s for s in sessions if _selected(s, settings)]


def usable(scan: Scan, qualities: Iterable[str]) -> bool:
    """Whether the scan's quality is one of those to pull; none given counts as usable."""
    return (scan.quality or "usable").lower() in {quality.lower() for quality in qualities}


def natural(scan: str) -> tuple[tuple[int, str], ...]:
    """A sort key that puts scan 10 after scan 9, and `6-MR2` after `6-MR1`."""
    parts: list[tuple[int, str]] = []
    for piece in scan.replace("-", " ").split():
        parts.append((int(piece), "") if piece.isdigit() else (1 << 62, piece))
    return tuple(parts)


def _selected(session: Session, settings: dict[str, Any]) -> bool:
    for pattern, label in (
        (settings["subjects"], session.subject_label),
        (settings["sessions"], session.label),
    ):
        patterns = [pattern] if isinstance(pattern, str) else pattern
        if not any(fnmatch.fnmatchcase(label, one) for one in patterns):
            return False
    first, last = settings.get("after"), settings.get("before")
    if not (first or last):
        return True
    try:
        day = date.fromisoformat(session.date)
    except ValueError:  # without a date a session cannot be said to lie in a range
        return False
    return (not first or day >= date.fromisoformat(first)) and (
        not last or day <= date.fromisoformat(last)
    )


def _known(row: dict[str, str]) -> dict[str, str]:
    """The row under our names: servers differ in the case of a column's name."""
    lower = {key.lower(): value or "" for key, value in row.items()}
    return {ours: str(lower.get(theirs.lower(), "")) for theirs, ours in SESSION_COLUMNS.items()}


def _number(text: str) -> int:
    return int(text) if text.isdigit() else 0
