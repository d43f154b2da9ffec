"""What became of a session's export as DICOM (`records/<unit>/export.json`), and of those gone."""

from typing import ClassVar, Literal

from coil.records import Part, Record

State = Literal["exported", "refused", "withheld", "left"]


class ExportedSeries(Part, frozen=True, kw_only=True):
    """The outcome of a series and the reason, and its folder in the tree if it is there.

    name    its BIDS name, without extension
    files   how many there are in the folder
    """

    folder: str | None
    name: str | None
    files: int
    state: State
    reason: str


class ProfileRecord(Part, frozen=True, kw_only=True):
    """By which rules headers were de-identified: the table of PS3.15, its options, by CID 7050's
    meanings, and the edition of the allow-list."""

    table: str
    options: tuple[str, ...]
    allow_list: str


class Searched(Part, frozen=True, kw_only=True):
    """The search of what left: for how many identifiers, in how many files; no hit."""

    identifiers: int
    files: int
    hits: int


class ExportRecord(Record, frozen=True, kw_only=True):
    """A session's series as DICOM (`done`), or why there are none (`failed`).

    stage, reason, log, retry, leaks   of the failure, as in the session's record
    files, bytes                       what is in the tree
    plain_engine                       how many files pydicom wrote, for their header is unusual
    """

    VERSION: ClassVar[int] = 1

    project: str
    subject: str
    session: str
    state: Literal["done", "failed"]
    stage: str | None = None
    reason: str | None = None
    log: str | None = None
    retry: bool = False
    leaks: dict[str, int] = {}
    series: tuple[ExportedSeries, ...] = ()
    files: int = 0
    bytes: int = 0
    plain_engine: int = 0
    profile: ProfileRecord | None = None
    leak_check: Searched | None = None


class PruneRecord(Record, frozen=True, kw_only=True):
    """The sessions whose DICOM was taken out of a project, by their units."""

    VERSION: ClassVar[int] = 1

    state: Literal["done"] = "done"
    removed: tuple[str, ...] = ()
