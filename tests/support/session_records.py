"""Records of sessions as the door leaves them, for tests of what reads them."""

from pathlib import Path
from typing import Any

from coil.records.session import Protection, SessionRecord

NOTHING = Protection(editions={}, policies={}, deface=(), sidecar_keys=(), account=())


def write(path: Path, **fields: Any) -> SessionRecord:
    """Write a session's record to `records/<unit>/admit.json`; it is done if nothing is said."""
    subject, session = (part.partition("-")[2] for part in path.parent.name.split("_"))
    whole = {"state": "done", "protection": NOTHING, **fields}
    record = SessionRecord(project="study", subject=subject, session=session, **whole)
    record.write(path)
    return record
