"""Pushes, and what was taken back: `push.json`, `push_dicom.json` and `withdraw_dicom.json`.

Each session has the first two in `records/<unit>`, the project the first and the last in
`records/project`. Files are named as in the archive's receipt (`coil.archive.push.receipt`).
"""

from typing import ClassVar, Literal

from coil.records import Part, Record

State = Literal["done", "skipped", "rehearsed", "failed"]
Action = Literal["create", "replace", "unchanged", "remove", "in the way"]
"""The ends of a file; one of somebody else's is in the way, and stays."""
Cause = Literal["not admitted", "not valid", "may pass", "not exported", "nothing exported"]
"""Why nothing was pushed: the session is not in the dataset, or the dataset is no valid BIDS; the
export failed, for a reason that may pass or not; no series is exported."""


class ForeignFiles(Part, frozen=True, kw_only=True, tag_field="what", tag="foreign files"):
    """Somebody else's files are in a resource of a scan; an odd ID of a scan is not told."""

    resource: str
    scan: str | None


class ForeignSession(Part, frozen=True, kw_only=True, tag_field="what", tag="foreign session"):
    """Somebody else's data are in a session of the other project; "" is the record's own."""

    session: str = ""


class HiddenScans(Part, frozen=True, kw_only=True, tag_field="what", tag="hidden scans"):
    """So many scans have an ID that holds an identifier, and no address therefore."""

    scans: int


class InvalidDataset(Part, frozen=True, kw_only=True, tag_field="what", tag="invalid dataset"):
    """The derivative dataset of an analysis is no valid BIDS."""

    analysis: str


class EmptyFile(Part, frozen=True, kw_only=True, tag_field="what", tag="empty file"):
    """A file holds nothing: XNAT fails at one (500)."""

    file: str


Left = ForeignFiles | ForeignSession | HiddenScans | InvalidDataset | EmptyFile


class PushRecord(Record, frozen=True, kw_only=True):
    """The end of a push, of its rehearsal, or of a withdrawal.

    cause       why it was skipped, `errors` the validator's if it was for them
    stage, reason, log, leaks   of a failure, as in the session's record
    retry       whether the next invocation tries again by itself
    resource    the label of the resource with the receipt
    files       the MD5 that the archive reports of each file that is there now
    pushed, unchanged, removed  the names of files; a session or a scan that was removed by its own
    left        what was left alone
    would       what a push would do that is only rehearsed, by file
    """

    VERSION: ClassVar[int] = 1

    state: State
    stage: str | None = None
    reason: str | None = None
    log: str | None = None
    retry: bool = False
    leaks: dict[str, int] = {}
    cause: Cause | None = None
    errors: int = 0
    resource: str | None = None
    files: dict[str, str] = {}
    pushed: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    left: tuple[Left, ...] = ()
    would: dict[str, Action] = {}
