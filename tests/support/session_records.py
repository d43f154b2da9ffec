"""Records of sessions as the door leaves them, for tests of what reads them."""

from pathlib import Path
from typing import Any

from coil.records.series import SeriesRow, State
from coil.records.session import Protection, SessionRecord

NOTHING = Protection(editions={}, policies={}, deface=(), sidecar_keys=(), account=())


def record(subject: str = "A", session: str = "1", **fields: Any) -> SessionRecord:
    """A session's record; it is done if nothing is said."""
    whole = {"state": "done", "protection": NOTHING, **fields}
    return SessionRecord(project="study", subject=subject, session=session, **whole)


def row(state: State, **fields: Any) -> SeriesRow:
    """One series of a session's record."""
    names = ("scan", "folder", "description", "rule", "name", "volumes", "expected", "files")
    whole: dict[str, Any] = dict.fromkeys((*names, "acq_time", "supplied"))
    whole |= {"state": state, "reason": ""}
    return SeriesRow(**{**whole, **fields})


def write(path: Path, **fields: Any) -> SessionRecord:
    """Write a session's record to `records/<unit>/admit.json`; it is done if nothing is said."""
    subject, session = (part.partition("-")[2] for part in path.parent.name.split("_"))
    written = record(subject, session, **fields)
    written.write(path)
    return written
