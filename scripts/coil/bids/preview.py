"""What a mapping would make of a project's sessions: those that are alike put together.

Forty sessions of one protocol are one table and the number 40; what a person has to see is
what differs from it, and what needs a decision. So the sessions are grouped by what becomes
of their series, and each group is compared with what most sessions hold.
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from coil.bids.rules import Rule
from coil.bids.settle import Settled

OPEN = ("failed", "unmapped", "ambiguous", "missing", "incomplete")
"""States that ask for a decision, the most pressing first."""

WAITS = "header decides"
"""What stands in place of the state where only the header tells which rule takes a series."""

_UNIT = re.compile(r"sub-[0-9A-Za-z+]+_ses-[0-9A-Za-z+]+_")
_SCANS = re.compile(r"\bscans? [\w-]+(, [\w-]+)*")

Key = tuple[str, str, int, str]
"""What makes a series of one session the same as one of another, whatever its number."""


@dataclass(frozen=True)
class Previewed:
    """A session, and what would become of its series; or why nothing would (`problem`)."""

    unit: str
    rows: Sequence[Settled] = ()
    problem: str = ""


@dataclass(frozen=True)
class Line:
    """A row of a group's table; `differs` is "more", "less" (it is not here) or ""."""

    row: Settled
    differs: str = ""


@dataclass(frozen=True)
class Alike:
    """Sessions of whose series the same becomes, shown by the first."""

    units: tuple[str, ...]
    lines: tuple[Line, ...]
    problem: str = ""

    @property
    def usual(self) -> bool:
        """Whether they hold what most sessions hold."""
        return not self.problem and not any(line.differs for line in self.lines)

    @property
    def open(self) -> Counter[str]:
        """How many of their series are in each state that asks for a decision."""
        here = (line.row for line in self.lines if line.differs != "less")
        return Counter(row.state for row in here if is_open(row))


@dataclass
class Question:
    """A series that asks for a decision, in all sessions where it occurs."""

    row: Settled
    units: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Use:
    """How many series, of how many sessions, a rule takes; `idle` if it may take none."""

    rule: Rule
    series: int
    units: int
    idle: bool


def waits(row: Settled) -> bool:
    """Whether only the series' header decides what becomes of it."""
    return bool(row.series and row.series.listed and "its header" in row.reason)


def why(row: Settled, rules: Sequence[Rule]) -> str:
    """The row's reason without the rule's place, which stands beside it."""
    if row.rule is None:
        return row.reason
    return row.reason.removeprefix(rules[row.rule].place).lstrip(",; ")


def shown_state(row: Settled) -> str:
    """The row's state; or that the header decides, where several rules may take the series."""
    return WAITS if row.state == "ambiguous" and waits(row) else row.state


def is_open(row: Settled) -> bool:
    """Whether the row asks for a decision; not if its header may give the answer."""
    return row.state in OPEN and not waits(row)


def short_name(row: Settled) -> str:
    """The row's name without what is the session's own: `func/task-rest_bold`."""
    return _UNIT.sub("", row.name or "")


def group(sessions: Sequence[Previewed]) -> list[Alike]:
    """The sessions by what becomes of their series: with open questions first.

    Then come those that differ from what most hold, then the usual; the larger group first.
    """
    keys = {one.unit: [_key(row) for row in one.rows] for one in sessions}
    usual = _usual(keys, sessions)
    found: dict[tuple[object, ...], list[Previewed]] = defaultdict(list)
    for one in sessions:
        found[one.problem, *sorted(keys[one.unit])].append(one)
    groups = [
        Alike(
            tuple(one.unit for one in alike),
            () if alike[0].problem else _compare(alike[0], keys[alike[0].unit], usual),
            alike[0].problem,
        )
        for alike in found.values()
    ]
    return sorted(groups, key=_rank)


def questions(sessions: Iterable[Previewed]) -> list[Question]:
    """Every kind of series that asks for a decision, the most frequent of each state first."""
    found: dict[tuple[object, ...], Question] = {}
    for one in sessions:
        for row in one.rows:
            if is_open(row):
                key = (*_key(row), _plain(row.reason))
                found.setdefault(key, Question(row)).units.append(one.unit)
    return sorted(found.values(), key=lambda one: (OPEN.index(one.row.state), -len(one.units)))


def uses(sessions: Sequence[Previewed], rules: Sequence[Rule]) -> list[Use]:
    """What each rule takes, in the order of the mapping; one that takes nothing may be wrong."""
    units: dict[int, list[str]] = defaultdict(list)
    for one in sessions:
        for row in one.rows:
            if row.rule is not None and row.series is not None:
                units[row.rule].append(one.unit)
    open_to = " ".join(row.reason for one in sessions for row in one.rows if waits(row))
    return [
        Use(
            rule,
            len(units[rule.index]),
            len(set(units[rule.index])),
            idle=not units[rule.index] and f"{rule.place} " not in open_to,
        )
        for rule in rules
    ]


def takes(rules: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """What each rule of a config takes, in one line, by the rule's place."""
    return {
        f"bids.mapping[{i}]": ", ".join(f"{k}: {_words(v)}" for k, v in rule["match"].items())
        for i, rule in enumerate(rules)
        if "match" in rule
    }


def _words(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _key(row: Settled) -> Key:
    description = row.series.series_description if row.series else ""
    place = -1 if row.rule is None else row.rule
    return description, row.state, place, short_name(row)


def _usual(
    keys: Mapping[str, list[Key]], sessions: Sequence[Previewed]
) -> dict[tuple[Key, int], Settled]:
    """What more than half of the sessions hold, with a row as an example of each.

    The second series of one kind counts by itself: (kind, 1).
    """
    readable = [one for one in sessions if not one.problem]
    examples: dict[tuple[Key, int], Settled] = {}
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
    one: Previewed, keys: list[Key], usual: Mapping[tuple[Key, int], Settled]
) -> tuple[Line, ...]:
    """The session's rows, and behind them what it lacks of the usual ones."""
    here = _numbered(keys)
    lines = [
        Line(row, "" if place in usual else "more")
        for place, row in zip(here, one.rows, strict=True)
    ]
    return (*lines, *(Line(usual[place], "less") for place in usual if place not in set(here)))


def _rank(group: Alike) -> tuple[object, ...]:
    urgent = 0 if group.problem else 1 if group.open else 3 if group.usual else 2
    return (urgent, -len(group.units), group.units)


def _plain(reason: str) -> str:
    """A reason without the numbers of scans, which differ between sessions that are alike."""
    return _SCANS.sub("scans", reason)
