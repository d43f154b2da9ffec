"""The conditions of a rule: a tree of questions to a series, each answered yes, no or open.

An answer is open (None) where nobody can know it yet: of a series in the archive's listing
only a header could tell its ImageType. `all`, `any` and `not` follow Kleene's logic of three
values, so an answer that is not open stays the same whatever the header says.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, get_args

from coil.config.model import mapping as model
from coil.config.model.table import keys

if TYPE_CHECKING:  # reading a config needs no DICOM library
    from coil.bids.series.series import Series


def _keys_of(kind: object) -> tuple[str, ...]:
    """The keys whose values are of a kind."""
    return tuple(key for key, known in model.Condition.__annotations__.items() if known == kind)


COMPOUND = ("any", "all", "not")
TEXTS = _keys_of(model.Pattern)
NUMBERS = _keys_of(model.Number)
# In the order of their cost: the last ones may read every header of the series.
KEYS = tuple(key for key in keys(model.Condition) if key not in COMPOUND)
TOKENS = tuple(key for key in KEYS if key not in (*TEXTS, *NUMBERS))
DIRECTIONS = frozenset(get_args(model.Direction))
# The key by which a rule asks for what the scanner computed.
DERIVED_BY = "image_type"
COUNTS = frozenset({"files", "rows", "columns", "slices", "volumes", "echoes"})


@dataclass(frozen=True)
class Answer:
    """Whether a condition holds (None: open), and the named groups of its expressions.

    `open` names the keys that only a header tells and that could still change the answer or
    its groups, `asked` those by which it holds, or may.
    """

    holds: bool | None
    groups: dict[str, str] = field(default_factory=dict)
    open: frozenset[str] = frozenset()
    asked: frozenset[str] = frozenset()


class Condition(Protocol):
    """A question to a series."""

    @property
    def keys(self) -> frozenset[str]:
        """What it asks for; what it only excludes by `not` is no part of it."""
        ...

    @property
    def groups(self) -> frozenset[str]:
        """The named groups that it can fill."""
        ...

    def answer(self, series: "Series") -> Answer:
        """Ask the series."""
        ...


@dataclass(frozen=True)
class _Leaf:
    """A question to one `key` of the series: open where the series does not know it."""

    key: str

    @property
    def keys(self) -> frozenset[str]:
        """The keys of a series that the condition asks for."""
        return frozenset({self.key})

    @property
    def groups(self) -> frozenset[str]:
        """The names of the groups that the condition's patterns have."""
        return frozenset()

    def answer(self, series: "Series") -> Answer:
        """The answer for a series, as far as what is known of it decides."""
        if not series.knows(self.key):
            return Answer(None, open=self.keys, asked=self.keys)
        return self.answer_known(series)

    def answer_known(self, series: "Series") -> Answer:
        """The answer of a series that knows the key."""
        raise NotImplementedError


@dataclass(frozen=True)
class Text(_Leaf):
    """A regular expression, searched anywhere in one text."""

    pattern: re.Pattern[str]

    @property
    def groups(self) -> frozenset[str]:
        """The names of the groups that the condition's patterns have."""
        return frozenset(self.pattern.groupindex)

    def answer_known(self, series: "Series") -> Answer:
        """The answer for a series that has the key."""
        found = self.pattern.search(series.text(self.key))
        if found is None:
            return Answer(False)
        groups = {name: value for name, value in found.groupdict().items() if value}
        return Answer(True, groups, asked=self.keys)


@dataclass(frozen=True)
class Tokens(_Leaf):
    """Words that a list of the header must hold, all of them, in capitals or not."""

    words: frozenset[str]

    def answer_known(self, series: "Series") -> Answer:
        """The answer for a series that has the key."""
        holds = self.words <= {word.upper() for word in series.words(self.key)}
        return Answer(holds, asked=self.keys)


@dataclass(frozen=True)
class Range:
    """A closed range of numbers; a single number is a range with its rounding."""

    low: float
    high: float

    def holds(self, value: float) -> bool:
        """Whether `value` lies in the range."""
        return self.low <= value <= self.high


@dataclass(frozen=True)
class Number(_Leaf):
    """A range that one of the series' numbers lies in."""

    range: Range

    def answer_known(self, series: "Series") -> Answer:
        """The answer for a series that has the key."""
        holds = any(self.range.holds(value) for value in series.numbers(self.key))
        return Answer(holds, asked=self.keys)


@dataclass(frozen=True)
class _Compound:
    """A question made of several."""

    parts: tuple[Condition, ...] = ()

    @property
    def keys(self) -> frozenset[str]:
        """The keys of a series that the condition asks for."""
        return _union(part.keys for part in self.parts)

    @property
    def groups(self) -> frozenset[str]:
        """The names of the groups that the condition's patterns have."""
        return _union(part.groups for part in self.parts)


@dataclass(frozen=True)
class AllOf(_Compound):
    """Every part holds; without parts it holds for every series."""

    def answer(self, series: "Series") -> Answer:
        """The answer for a series, as far as what is known of it decides."""
        groups: dict[str, str] = {}
        open_keys: frozenset[str] = frozenset()
        asked: frozenset[str] = frozenset()
        decided = True
        for part in self.parts:
            found = part.answer(series)
            if found.holds is False:
                return found
            decided = decided and found.holds is True
            groups = found.groups | groups
            open_keys |= found.open
            asked |= found.asked
        return Answer(True if decided else None, groups, open_keys, asked)


@dataclass(frozen=True)
class AnyOf(_Compound):
    """At least one part holds; the first that does fills a group that several could."""

    def answer(self, series: "Series") -> Answer:
        """The answer for a series, as far as what is known of it decides."""
        groups: dict[str, str] = {}
        open_keys: frozenset[str] = frozenset()
        still_open: frozenset[str] = frozenset()
        asked: frozenset[str] = frozenset()
        holds = undecided = False
        for part in self.parts:
            adds = bool(part.groups) or DERIVED_BY in part.keys
            if holds and not adds:
                continue
            found = part.answer(series)
            if found.holds is False:
                continue
            holds = holds or found.holds is True
            undecided = undecided or found.holds is None
            if found.holds:
                groups = found.groups | groups
            if adds:
                still_open |= found.open
            open_keys |= found.open
            asked |= found.asked
        if holds:
            return Answer(True, groups, still_open, asked)
        return Answer(None if undecided else False, groups, open_keys, asked)


@dataclass(frozen=True)
class Not:
    """The part does not hold; what it would have named is nobody's."""

    part: Condition

    @property
    def keys(self) -> frozenset[str]:
        """The keys of a series that the condition asks for."""
        return frozenset()

    @property
    def groups(self) -> frozenset[str]:
        """The names of the groups that the condition's patterns have."""
        return frozenset()

    def answer(self, series: "Series") -> Answer:
        """The answer for a series, as far as what is known of it decides."""
        found = self.part.answer(series)
        if found.holds is None:
            return Answer(None, open=found.open)
        return Answer(not found.holds)


def _union(sets: Iterable[frozenset[str]]) -> frozenset[str]:
    return frozenset().union(*sets)
