"""What became of a session: `results/<project>/records/<unit>/admit.json`.

One type for a session that is in the dataset and for one that is not. Nothing in it is identified:
texts of the archive were searched and cut, times are moved.
"""

from typing import ClassVar, Literal

from msgspec import UNSET, UnsetType

from coil.records import Part, Record
from coil.records.series import Number, SeriesRow
from coil.records.validation import Verdict


class DefacedImage(Part, frozen=True, kw_only=True):
    """The face in an image, and what was done; fractions are of the head."""

    file: str
    state: str
    changed_fraction: Number
    resemblance: Number
    method: str | UnsetType = UNSET
    mask_from: str | UnsetType = UNSET
    template: str
    limits: dict[str, Number]


class Removed(Part, frozen=True, kw_only=True):
    """The count of what was left behind, by name."""

    sidecar_keys: dict[str, int] = {}
    header_fields: tuple[str, ...] = ()
    columns: dict[str, int] = {}
    files: dict[str, int] = {}


class Kept(Part, frozen=True, kw_only=True):
    """The keys of sidecars that passed, with their number."""

    sidecar_keys: dict[str, int] = {}


class LeakCheck(Part, frozen=True, kw_only=True):
    """The search of what left: for how many identifiers, by kind, in how much; no hit."""

    identifiers: int
    kinds: dict[str, int]
    files: int
    bytes: int
    hits: int


class Measure(Part, frozen=True, kw_only=True):
    """A row of the account: what was removed, changed or kept, how often, by which rule."""

    action: str
    what: str
    count: int
    rule: str
    edition: str


class Protection(Part, frozen=True, kw_only=True):
    """The rules that the session went through, by their editions, and what each of them did."""

    editions: dict[str, str]
    policies: dict[str, str]
    deface: tuple[str, ...]
    sidecar_keys: tuple[str, ...]
    account: tuple[Measure, ...]


class Admitted(Part, frozen=True, kw_only=True):
    """The door's account of a session that it let through; `SessionRecord` has the same fields."""

    series: tuple[SeriesRow, ...]
    age: Number | str | None = None
    deface: tuple[DefacedImage, ...] = ()
    removed: Removed = Removed()
    kept: Kept = Kept()
    files: dict[str, str] = {}
    derivatives: dict[str, str] = {}
    leak_check: LeakCheck | None = None


class SessionRecord(Record, frozen=True, kw_only=True):
    """A session in the dataset (`done`), or why it is not there (`failed`).

    stage, reason, log   of the failure: the rule, one line, the log to read
    retry                whether the next invocation tries again by itself
    leaks                identifiers that the leak check found, by kind
    files, derivatives   the SHA-256 of each file, by its path in the dataset
    age                  in years at the scan, capped
    versions             of Coil and of the tools that converted
    environment          of the packages on which the bytes depend, by stage
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
    series: tuple[SeriesRow, ...] = ()
    age: Number | str | None = None
    deface: tuple[DefacedImage, ...] = ()
    removed: Removed = Removed()
    kept: Kept = Kept()
    files: dict[str, str] = {}
    derivatives: dict[str, str] = {}
    leak_check: LeakCheck | None = None
    versions: dict[str, str | None] = {}
    environment: dict[str, dict[str, str]] = {}
    validator: Verdict | None = None
    protection: Protection
