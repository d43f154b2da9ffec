"""The BIDS validator's verdict: `validation.json` of a dataset, and `<name>.json` of derivatives.

The session's record has that on the session by itself.
"""

from typing import ClassVar

from coil.records import UNVERSIONED, Part, Record


class Issue(Part, frozen=True, kw_only=True):
    """One remark of the BIDS validator; `location` is relative to the dataset."""

    code: str
    severity: str
    location: str
    message: str


class Verdict(Record, frozen=True, kw_only=True):
    """The verdict of the BIDS validator.

    errors, warnings   their numbers
    absent_keys        the number of keys that BIDS only recommends, no warnings here
    issues             sorted
    version            of the BIDS schema, None where nothing was there to be judged
    """

    VERSION: ClassVar[int] = UNVERSIONED

    errors: int = 0
    warnings: int = 0
    absent_keys: int = 0
    issues: tuple[Issue, ...] = ()
    version: str | None = None
