"""The doctor's findings, counted: `results/doctor.json`, which people may send on."""

from typing import ClassVar

from coil.records import Part, Record


class FindingRow(Part, frozen=True, kw_only=True):
    """One line: of what, in which state, what was found, what to do, and the config's project."""

    area: str
    what: str
    state: str
    text: str
    remedy: str
    project: str


class DoctorRecord(Record, frozen=True, kw_only=True):
    """All lines, without the archive's own names; `counts` are their numbers by state."""

    VERSION: ClassVar[int] = 2

    verdict: str
    counts: dict[str, int]
    findings: tuple[FindingRow, ...]
