"""What became of one series: a row of the tables of conversion and of a session's record."""

from typing import Literal

from coil.records import Part

State = Literal[
    "mapped",
    "ignored",
    "derived",
    "unmapped",
    "ambiguous",
    "incomplete",
    "duplicate",
    "missing",
    "failed",
    "refused",
]
"""The one end that each series has."""

Number = int | float


class SeriesRow(Part, frozen=True, kw_only=True):
    """One series, or a required rule that no series took (then without scan and folder).

    scan          its ID in the archive
    folder        below the pulled session
    description   the words of it that name a protocol
    rule          of the mapping, as messages call it
    name          its BIDS name, without extension
    volumes       that there are, and how many its header says (`expected`)
    files         its images in the dataset
    acq_time      when it was acquired (ISO), moved
    supplied      keys of sidecars whose values the config gave

    In the quarantine description, reason and acq_time are the archive's own.
    """

    scan: str | None
    folder: str | None
    description: str | None
    state: State
    rule: str | None
    name: str | None
    reason: str
    volumes: Number | None
    expected: Number | None
    files: tuple[str, ...] | None
    acq_time: str | None
    supplied: tuple[str, ...] | None
