"""The record of a dataset as a whole: `results/<project>/dataset.json`.

People may show the file or send it on, so that it has no version.
"""

from typing import ClassVar

from msgspec import UNSET, UnsetType

from coil.records import UNVERSIONED, Part, Record


class LeftOut(Part, frozen=True, kw_only=True):
    """A table, a column or rows that the dataset lacks because something in them is wrong."""

    what: str
    reason: str


class DatasetRecord(Record, frozen=True, kw_only=True):
    """The contents of a dataset.

    subjects, sessions   that have images in it
    images               its NIfTI files
    instruments          its tables in phenotype/
    problems             what was left out, and why
    projects             whose datasets it was merged from; not there where it is a project's own
    """

    VERSION: ClassVar[int] = UNVERSIONED

    subjects: int
    sessions: int
    images: int
    instruments: int
    problems: tuple[LeftOut, ...]
    projects: tuple[str, ...] | UnsetType = UNSET
