"""A rule of the mapping: what it takes and the name that it gives."""

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from coil.bids import names

if TYPE_CHECKING:  # reading a config needs no DICOM library
    from coil.bids.series import Series

TEXTS = (
    "series_description",
    "protocol_name",
    "sequence_name",
    "manufacturer",
    "model",
    "scan_type",
    "quality",
    "note",
)
NUMBERS = ("echo_time", "repetition_time", "flip_angle", "volumes", "slices")
MATCH_KEYS = (*TEXTS, "image_type", *NUMBERS)

# The run index that is always written, counted by the settled table.
AUTO = "auto"

# What of a series only a header tells.
_HEADER_ONLY = frozenset(MATCH_KEYS) - {"series_description", "scan_type", "quality", "note"}


@dataclass(frozen=True)
class Range:
    """A closed range of numbers; a single number is a range with its rounding."""

    low: float
    high: float

    def holds(self, value: float) -> bool:
        """Whether `value` lies in the range."""
        return self.low <= value <= self.high


@dataclass(frozen=True)
class Match:
    """What became of trying a rule on a series."""

    rule: "Rule"
    groups: dict[str, str]
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rule:
    """One compiled rule; `index` is its place in the config, from 0."""

    index: int
    texts: dict[str, re.Pattern[str]]
    image_type: frozenset[str]
    numbers: dict[str, Range]
    datatype: str | None = None
    suffix: str | None = None
    entities: dict[str, str] = field(default_factory=dict)
    ignore: str | None = None
    volumes: int | None = None
    duplicates: Literal["fail", "runs", "last-complete"] = "fail"
    required: bool = False
    priority: int = 0
    supplement: dict[str, Any] = field(default_factory=dict)
    events: dict[str, str] | None = None
    aslcontext: tuple[str, ...] = ()
    b0: str | None = None

    @property
    def target(self) -> str:
        """`datatype/suffix`, or what is done instead."""
        return f"{self.datatype}/{self.suffix}" if self.datatype else "ignore"

    def match(self, series: "Series") -> Match | None:
        """Whether the rule takes the series: None where it does not.

        Of a series known from the archive's listing alone, a condition on its header stays
        open; it is named in `Match.unknown`.
        """
        unknown = [key for key in self._keys() if series.listed and key in _HEADER_ONLY]
        groups: dict[str, str] = {}
        for key, pattern in self.texts.items():
            if key in unknown:
                continue
            found = pattern.search(_text(series, key))
            if found is None:
                return None
            groups |= {name: value for name, value in found.groupdict().items() if value}
        if series.listed:
            return Match(self, groups, tuple(unknown))
        if not self.image_type <= {token.upper() for token in series.image_type or ()}:
            return None
        # In the config's order of cost: the last two may read every header of the series.
        for key in NUMBERS:
            wanted = self.numbers.get(key)
            if wanted and not any(wanted.holds(value) for value in _values(series, key)):
                return None
        return Match(self, groups)

    def name(self, groups: dict[str, str], subject: str, session: str) -> str:
        """`datatype/sub-X_ses-Y_..._suffix` without the run index that `auto` asks for.

        Raises
        ------
        ValueError
            If a value taken from the series' text cannot be that entity's.
        """
        assert self.datatype and self.suffix
        values = {"sub": subject, "ses": session}
        for key, template in self.entities.items():
            if key == "run" and template == AUTO:
                continue
            filled = template.format_map(_Blank(groups))
            value = filled if filled == template else re.sub(r"[^0-9A-Za-z+]", "", filled)
            if not value:
                continue
            if problem := names.value_problem(key, value):
                raise ValueError(problem)
            values[key] = value
        return names.join(self.datatype, self.suffix, values)

    def _keys(self) -> list[str]:
        return [*self.texts, *(("image_type",) if self.image_type else ()), *self.numbers]


class _Blank(dict[str, str]):
    """Fills a named group that took no part in the match with nothing."""

    def __missing__(self, key: str) -> str:
        return ""


def _text(series: "Series", key: str) -> str:
    return (series.type if key == "scan_type" else getattr(series, key)) or ""


def _values(series: "Series", key: str) -> tuple[float, ...]:
    if key == "echo_time":
        return series.echo_times
    value = getattr(series, key)
    return () if value is None else (float(value),)
