"""Sessions that the archive has not taken in whole yet: what its prearchive tells.

While a scanner sends, and until the last file is where it belongs, a session is in the
prearchive. One that is in the archive, too, is being added to: half of it would be pulled.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from coil.archive.client import Archive, part
from coil.archive.columns import Lister
from coil.archive.discover.selection import Select, labels_selected
from coil.archive.listing import Session
from coil.errors import FailedError, RefusedError

_UNDER_WAY = {"RECEIVING", "RECEIVING_INTERRUPT", "BUILDING", "ARCHIVING", "MOVING", "SEPARATING"}
_LEAVING = "DELETING"


class Entry(NamedTuple):
    """A session in the prearchive by the archive's labels; `subject` may be empty."""

    subject: str
    session: str
    under_way: bool

    def is_of(self, session: Session) -> bool:
        """Whether it is to become part of that session of the archive."""
        return self.session == session.label and self.subject in ("", session.subject_label)


def list_prearchive(lister: Lister, project: str) -> list[Entry]:
    """The sessions in the project's prearchive; none where this login may not see it.

    Where the archive cannot tell, that is said.
    """
    try:
        return fetch(lister.archive, project)
    except RefusedError:
        return []
    except FailedError:
        lister.notes.append(
            "the prearchive cannot be listed (500): of a session that still arrives a part may be "
            "pulled first"
        )
        return []


def fetch(archive: Archive, project: str) -> list[Entry]:
    """The sessions in the project's prearchive; `RefusedError` where this login may not see it."""
    return entries(archive.rows(f"/data/prearchive/projects/{part(project)}"), project)


def entries(rows: Iterable[Mapping[str, str]], project: str) -> list[Entry]:
    """The rows of a prearchive's listing, but for what is being deleted there.

    An administrator gets the rows of other projects, and of none, with them.
    """
    listed = []
    for row in rows:
        if row.get("project") != project:
            continue
        # `_MOVING` and `QUEUED_MOVING` are about to be what `MOVING` is.
        status = (row.get("status") or "").upper().lstrip("_").removeprefix("QUEUED_")
        if status != _LEAVING:
            name = row.get("name") or row.get("folderName") or ""
            listed.append(Entry(row.get("subject") or "", name, status in _UNDER_WAY))
    return listed


def waits(session: Session, entries: Iterable[Entry]) -> bool:
    """Whether the archive is still receiving data of the session."""
    return any(entry.under_way and entry.is_of(session) for entry in entries)


def count_unarchived(entries: Iterable[Entry], sessions: Iterable[Session], select: Select) -> int:
    """How many sessions that `select` takes are in the prearchive and not in the archive."""
    there = {(name, session.label) for session in sessions for name in ("", session.subject_label)}
    return len(
        {
            (entry.subject, entry.session)
            for entry in entries
            if (entry.subject, entry.session) not in there
            and labels_selected(entry.subject, entry.session, select)
        }
    )
