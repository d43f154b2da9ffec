"""The findings of a look at the archive, the login or the machine: one line each.

A finding never quotes the archive's own labels: it counts. What names are behind the count,
`names` holds, and only the page in private/ shows them.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

from coil.errors import CoilError
from coil.records.doctor import DoctorRecord, FindingRow
from coil.workspace import Workspace

PAGE, RECORD = Workspace().doctor_page, Workspace().doctor_record
"""Where a look leaves what it found: with the archive's names, and without them."""
AREAS = ("Server", "Login", "Data", "Machine")
OK, LIMIT, PROBLEM, UNKNOWN = "ok", "limited", "will not work", "not known"
STATES = (PROBLEM, LIMIT, UNKNOWN, OK)
"""The worst first. What is limited works, but slower or with a part left out."""


@dataclass(frozen=True)
class Finding:
    """One line: of what, in which state, what was found, and what to do about it.

    `project` is the config's name of the project that it is about, if it is about one.
    """

    area: str
    what: str
    state: str
    text: str
    remedy: str = ""
    project: str = ""
    names: Sequence[str] = field(default=(), repr=False)

    @classmethod
    def of_error(cls, error: CoilError, area: str, what: str, project: str = "") -> Self:
        """The problem that an error tells of."""
        return cls(area, what, PROBLEM, error.cause, error.remedy, project)

    @property
    def line(self) -> str:
        """The text and what to do, in one line."""
        return f"{self.text}; {self.remedy}" if self.remedy else self.text

    def public(self) -> FindingRow:
        """The finding for everybody's eyes."""
        return FindingRow(
            area=self.area,
            what=self.what,
            state=self.state,
            text=self.text,
            remedy=self.remedy,
            project=self.project,
        )


def counts(findings: Sequence[Finding]) -> dict[str, int]:
    """How many findings are in each state; only states that occur, the worst first."""
    number = Counter(one.state for one in findings)
    return {state: number[state] for state in STATES if number[state]}


def in_order(findings: Sequence[Finding]) -> list[Finding]:
    """By area, else as they came."""
    return sorted(findings, key=lambda one: AREAS.index(one.area))


def verdict(findings: Sequence[Finding]) -> str:
    """All of it in one line."""
    number = counts(findings)
    if not number.get(PROBLEM):
        rest = number.get(LIMIT, 0) + number.get(UNKNOWN, 0)
        return "all will work" + (f", {rest} with a limit or not known" if rest else "")
    return f"{number[PROBLEM]} of {len(findings)} will not work"


def as_record(findings: Sequence[Finding]) -> DoctorRecord:
    """The findings as a file has them."""
    return DoctorRecord(
        verdict=verdict(findings),
        counts=counts(findings),
        findings=tuple(one.public() for one in findings),
    )
