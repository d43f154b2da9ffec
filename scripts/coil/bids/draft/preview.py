"""What a mapping would make of a project's sessions: those that are alike put together.

Forty sessions of one protocol are one table and the number 40; what a person has to see is
what differs from it, and what needs a decision. So the sessions are grouped by what becomes
of their series, and each group is compared with what most sessions hold.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from coil.bids.draft.clues import DERIVED, normal
from coil.bids.mapping.resolution import Resolution
from coil.bids.mapping.rules import Rule

OPEN = ("failed", "refused", "unmapped", "ambiguous", "missing", "incomplete", "to decide")
"""States that ask for a decision, the most pressing first; the last are rules of a draft."""

WAITS = "header decides"
"""What stands in place of the state where only the header tells what becomes of a series."""

_UNIT = re.compile(r"sub-[0-9A-Za-z+]+_ses-[0-9A-Za-z+]+_")
_SCANS = re.compile(r"\bscans? [\w-]+(, [\w-]+)*")

Key = tuple[str, str, str, str]
"""What makes a series of one session the same as one of another, whatever its number."""


@dataclass(frozen=True)
class Row:
    """A series (or a rule that no series took), what becomes of it, and the rule of that.

    `fatal` if the project's policy fails a session over such a state.
    """

    resolution: Resolution
    rule: Rule | None = None
    fatal: bool = False

    @property
    def state(self) -> str:
        """The state; or that a rule says TODO; or that the header decides.

        It does where several rules may take the series, and where no rule takes what its name
        says that the scanner computed.
        """
        if self.resolution.state == "ignored" and self.rule and self.rule.is_proposed:
            return OPEN[-1]
        if (self.resolution.state == "ambiguous" and self.waits) or self._looks_computed:
            return WAITS
        return self.resolution.state

    @property
    def waits(self) -> bool:
        """Whether the header decides what becomes of it, as far as it is not known."""
        return self.resolution.waits or self._looks_computed

    @property
    def open(self) -> bool:
        """Whether it asks for a decision; not if its header may give the answer."""
        return self.state in OPEN and not self.waits

    @property
    def fails(self) -> bool:
        """Whether the session would fail over it."""
        return self.fatal and self.open

    @property
    def _looks_computed(self) -> bool:
        if self.resolution.state != "unmapped" or "image_type" not in self.resolution.open:
            return False
        name = normal(self.description)
        return any(clue.word(name) for clue in DERIVED)

    @property
    def scan(self) -> str:
        """The archive's number of the scan."""
        return (self.resolution.series.scan if self.resolution.series else None) or ""

    @property
    def description(self) -> str:
        """The archive's description of the series."""
        return self.resolution.series.series_description if self.resolution.series else ""

    @property
    def name(self) -> str:
        """The name in the dataset."""
        return self.resolution.name or ""

    @property
    def short_name(self) -> str:
        """The name without what is the session's own: `func/task-rest_bold`."""
        return _UNIT.sub("", self.name)

    @property
    def why(self) -> str:
        """The reason, without the rule's place, which stands beside it."""
        if self._looks_computed:
            return "no rule takes it; it seems to be computed by the scanner, its header tells"
        note = self.resolution.note
        if self.rule and self.rule.is_log and not note:
            return "a log, named after its run"
        return f"{note} (the session fails, see bids.policy)" if self.fails else note

    @property
    def key(self) -> Key:
        """What it has in common with the same series of other sessions."""
        rule = f"{self.rule.origin} {self.rule.target}" if self.rule else ""
        return self.description, self.resolution.state, rule, self.short_name


@dataclass(frozen=True)
class Previewed:
    """A session, and what would become of its series; or why nothing would (`problem`)."""

    unit: str
    rows: Sequence[Row] = ()
    problem: str = ""

    @classmethod
    def of(
        cls,
        unit: str,
        resolved: Iterable[Resolution],
        rules: Sequence[Rule],
        policy: Mapping[str, str] | None = None,
    ) -> "Previewed":
        """The session whose series were resolved by these rules; `policy` is the project's."""
        fatal = {state for state, what in (policy or {}).items() if what == "fail"}
        return cls(
            unit,
            [
                Row(one, None if one.rule is None else rules[one.rule], one.state in fatal)
                for one in resolved
            ],
        )


@dataclass(frozen=True)
class Line:
    """A row of a group's table; `differs` is "more", "less" (it is not here) or ""."""

    row: Row
    differs: str = ""


@dataclass(frozen=True)
class Alike:
    """Sessions of whose series the same becomes, shown by the first.

    `usual` if they hold what most sessions hold; None where there is nothing that most hold.
    """

    units: tuple[str, ...]
    lines: tuple[Line, ...] = ()
    usual: bool | None = None
    problem: str = ""

    @property
    def open(self) -> Counter[str]:
        """How many of their series are in each state that asks for a decision."""
        here = (line.row for line in self.lines if line.differs != "less")
        return Counter(row.state for row in here if row.open)

    @property
    def fails(self) -> bool:
        """Whether the sessions would fail."""
        return bool(self.problem) or any(
            line.row.fails for line in self.lines if line.differs != "less"
        )


@dataclass
class Question:
    """A series that asks for a decision, in all sessions where it occurs."""

    row: Row
    units: list[str] = field(default_factory=list)


def group(sessions: Sequence[Previewed]) -> list[Alike]:
    """The sessions by what becomes of their series: with open questions first.

    Then come those that differ from what most hold, then the usual; the larger group first.
    """
    keys = {one.unit: [row.key for row in one.rows] for one in sessions}
    usual = _usual(keys, sessions) if len(sessions) > 1 else {}
    found: dict[tuple[object, ...], list[Previewed]] = defaultdict(list)
    for one in sessions:
        found[one.problem, *sorted(keys[one.unit])].append(one)
    groups = []
    for alike in found.values():
        first, units = alike[0], tuple(one.unit for one in alike)
        if first.problem:
            groups.append(Alike(units, problem=first.problem))
        elif not usual:
            groups.append(Alike(units, tuple(map(Line, first.rows))))
        else:
            lines = _compare(first, keys[first.unit], usual)
            groups.append(Alike(units, lines, not any(line.differs for line in lines)))
    return sorted(groups, key=_rank)


def questions(sessions: Iterable[Previewed]) -> list[Question]:
    """Every kind of series that asks for a decision, the most frequent of each state first."""
    found: dict[tuple[object, ...], Question] = {}
    for one in sessions:
        for row in one.rows:
            if row.open:
                key = (*row.key, _plain(row.why))
                found.setdefault(key, Question(row)).units.append(one.unit)
    return sorted(found.values(), key=lambda one: (OPEN.index(one.row.state), -len(one.units)))


def _usual(
    keys: Mapping[str, list[Key]], sessions: Sequence[Previewed]
) -> dict[tuple[Key, int], Row]:
    """What more than half of the sessions hold, with a row as an example of each.

    The second series of one kind counts by itself: (kind, 1).
    """
    readable = [one for one in sessions if not one.problem]
    examples: dict[tuple[Key, int], Row] = {}
    counts: Counter[tuple[Key, int]] = Counter()
    for one in readable:
        for place, row in zip(_numbered(keys[one.unit]), one.rows, strict=True):
            counts[place] += 1
            examples.setdefault(place, row)
    return {place: examples[place] for place, n in counts.items() if 2 * n > len(readable)}


def _numbered(keys: Iterable[Key]) -> list[tuple[Key, int]]:
    seen: Counter[Key] = Counter()
    found = []
    for key in keys:
        found.append((key, seen[key]))
        seen[key] += 1
    return found


def _compare(
    one: Previewed, keys: list[Key], usual: Mapping[tuple[Key, int], Row]
) -> tuple[Line, ...]:
    """The session's rows, and behind them what it lacks of the usual ones."""
    here = _numbered(keys)
    lines = [
        Line(row, "" if place in usual else "more")
        for place, row in zip(here, one.rows, strict=True)
    ]
    return (*lines, *(Line(usual[place], "less") for place in usual if place not in set(here)))


def _rank(group: Alike) -> tuple[object, ...]:
    urgent = 0 if group.fails else 1 if group.open else 3 if group.usual else 2
    return (urgent, -len(group.units), group.units)


def _plain(reason: str) -> str:
    """A reason without the numbers of scans, which differ between sessions that are alike."""
    return _SCANS.sub("scans", reason)
