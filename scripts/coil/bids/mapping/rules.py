"""A rule of the mapping: what it takes and the name that it gives."""

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from coil.bids import names
from coil.bids.mapping.associated import Companion
from coil.bids.mapping.conditions import DERIVED_BY, AllOf, Condition, Range
from coil.config.model.mapping import Duplicates

if TYPE_CHECKING:  # reading a config needs no DICOM library
    from coil.bids.series.series import Series

# An index that is counted: a run's always, by the table of the series, and that of chunks where the
# converter makes several images of a series.
AUTO = "auto"
TODO = "TODO: "
"""How the reason of an `ignore` begins that a draft proposes and a person has to decide."""
AUTOMATIC = frozenset({"run", "chunk"})


@dataclass(frozen=True)
class Origin:
    """Where a rule comes from: the override of a `scan`, or an `entry` of the mapping, from 0.

    Of an entry that stands for rules from elsewhere, `use` is what it names.
    """

    entry: int | None = None
    use: str = ""
    scan: str = ""

    def __str__(self) -> str:
        return self.within("bids.mapping")

    def within(self, mapping: str) -> str:
        """How people find it, where the mapping is called so."""
        if self.entry is None:
            return f"overrides: scan {self.scan}" if self.scan else ""
        return f"{mapping}[{self.entry}]" + (f" ({self.use})" if self.use else "")


@dataclass(frozen=True)
class Source:
    """An entry of the mapping that stands for rules from elsewhere, made for each session.

    `origin` tells which entry it is, `use` what it names, `priority` is that of its rules.
    """

    origin: Origin
    use: str
    priority: int


@dataclass(frozen=True)
class B0:
    """What a rule's images are to field maps: the names of the estimations of the B0 field that
    they serve (`identifier`) and of those that correct them (`source`)."""

    identifier: tuple[str, ...] = ()
    source: tuple[str, ...] = ()


@dataclass(frozen=True)
class Match:
    """A rule that takes a series, or may: `open` names what only a header decides.

    `derived` tells whether it takes the series also if the scanner computed it.
    """

    rule: "Rule"
    groups: dict[str, str]
    open: frozenset[str] = frozenset()
    sure: bool = True
    derived: bool = False


@dataclass(frozen=True)
class Rule:
    """One compiled rule.

    `index` is its place among all rules, from 0, and `origin` where people find it. `only` limits
    it to the series of these folders (or scan numbers, before there are folders); `derived`
    tells whether it takes what the scanner computed even where it does not ask for it by
    ImageType. A rule with a `problem` takes series that another source of rules cannot name,
    to tell why; one that `amends` another (by its index) counts for that one, too.
    """

    index: int
    condition: Condition = field(default_factory=AllOf)
    origin: Origin = Origin()
    only: frozenset[str] | None = None
    derived: bool = False
    datatype: str | None = None
    suffix: str | None = None
    entities: dict[str, str] = field(default_factory=dict)
    ignore: str | None = None
    problem: str | None = None
    expect: dict[str, Range] = field(default_factory=dict)
    duplicates: Duplicates = "fail"
    required: bool = False
    priority: int = 0
    amends: int | None = None
    supplement: dict[str, Any] = field(default_factory=dict)
    associated: tuple[Companion, ...] = ()
    aslcontext: tuple[str, ...] = ()
    b0: B0 = field(default_factory=B0)

    @property
    def is_log(self) -> bool:
        """Whether it takes logs of physiology, which are named after their runs."""
        return self.suffix == "physio"

    @property
    def is_proposed(self) -> bool:
        """Whether it ignores for now what a person has to decide."""
        return (self.ignore or "").startswith(TODO)

    @property
    def is_derivative(self) -> bool:
        """Whether it takes what the scanner computed for a derivative dataset."""
        return (self.datatype or "").startswith(names.DERIVED)

    @property
    def target(self) -> str:
        """`datatype/suffix`, or what is done instead."""
        if self.datatype:
            return f"{self.datatype}/{self.suffix}"
        return "no name" if self.problem else "ignore"

    @property
    def volumes(self) -> int | None:
        """The least number of volumes of a complete series, where the rule says one."""
        wanted = self.expect.get("volumes")
        return None if wanted is None or wanted.low <= 0 else math.ceil(wanted.low)

    def match(self, series: "Series") -> Match | None:
        """Whether the rule takes the series: None where it does not.

        Of a series known from the archive's listing alone, what a header tells stays open.
        """
        if self.only is not None and (series.folder or series.scan) not in self.only:
            return None
        found = self.condition.answer(series)
        if found.holds is False:
            return None
        derived = self.derived or self.ignore is not None or DERIVED_BY in found.asked
        return Match(self, found.groups, found.open, found.holds is True, derived)

    def name(self, groups: dict[str, str], subject: str, session: str) -> str:
        """`datatype/sub-X_ses-Y_..._suffix` without the indices that `auto` asks for.

        Raises
        ------
        ValueError
            If a value taken from the series' text cannot be that entity's.
        """
        assert self.datatype and self.suffix
        values = {"sub": subject, "ses": session}
        for key, template in self.entities.items():
            if key in AUTOMATIC and template == AUTO:
                continue
            filled = template.format_map(_Blank(groups))
            value = filled if filled == template else re.sub(r"[^0-9A-Za-z+]", "", filled)
            if not value:
                continue
            if problem := names.value_problem(key, value):
                raise ValueError(problem)
            values[key] = value
        return names.join(self.datatype, self.suffix, values)


class _Blank(dict[str, str]):
    """Fills a named group that took no part in the match with nothing."""

    def __missing__(self, key: str) -> str:
        return ""
