"""Read the `match` of a rule into a condition; every complaint names the key."""

import math
import re
from collections.abc import Mapping
from typing import Any, NoReturn

from coil.bids.mapping.conditions import (
    COUNTS,
    DIRECTIONS,
    KEYS,
    NUMBERS,
    TEXTS,
    TOKENS,
    AllOf,
    AnyOf,
    Condition,
    Not,
    Number,
    Range,
    Text,
    Tokens,
)
from coil.config.model import mapping as model
from coil.config.model.table import keys
from coil.errors import ConfigError

_TOLERANCE = 1e-3
# `{name}` in a regular expression, but not `\{name}` or `\N{name}`.
_SYNONYM = re.compile(r"(?<!\\)(?<!\\N)\{([A-Za-z_]\w*)\}")
_FLAGS = re.compile(r"\(\?([aimsux]+)\)")


def read_condition(
    raw: dict[str, Any], place: str, synonyms: Mapping[str, str] | None = None
) -> Condition:
    """The condition that all keys of `raw` hold.

    Parameters
    ----------
    raw
        A `match` as read from YAML.
    place
        What an error starts with, such as `bids.mapping[3].match`.
    synonyms
        The site's words: regular expressions that `{name}` stands for.

    Raises
    ------
    ConfigError
        One line: the place, the key, what is wrong with it.
    """
    if not isinstance(raw, dict):
        _fail(place, "takes conditions by key")
    for key in raw:
        if key not in keys(model.Condition):
            _fail(f"{place}.{key}", f"unknown key; it takes {', '.join(keys(model.Condition))}")
    if not raw:
        _fail(place, "is empty and would take every series; name at least one condition")
    parts = [_leaf(key, raw[key], f"{place}.{key}", synonyms or {}) for key in KEYS if key in raw]
    for key in ("all", "any"):
        if key not in raw:
            continue
        inner = raw[key]
        if not isinstance(inner, list) or not inner:
            _fail(f"{place}.{key}", "takes a list of conditions")
        read = tuple(
            read_condition(one, f"{place}.{key}[{i}]", synonyms) for i, one in enumerate(inner)
        )
        parts.append(AllOf(read) if key == "all" else AnyOf(read))
    if "not" in raw:
        parts.append(Not(read_condition(raw["not"], f"{place}.not", synonyms)))
    parts.sort(key=_cost)  # what only one header must be read for is asked first
    return parts[0] if len(parts) == 1 else AllOf(tuple(parts))


def read_range(value: Any, place: str, tolerance: float = 0) -> Range:
    """A number with its rounding (a share of it), or `{min, max}`."""
    if isinstance(value, dict):
        for key in value:
            if key not in keys(model.Range):
                _fail(f"{place}.{key}", f"unknown key; it takes {', '.join(keys(model.Range))}")
        return Range(
            _number(value.get("min", -math.inf), f"{place}.min"),
            _number(value.get("max", math.inf), f"{place}.max"),
        )
    number = _number(value, place)
    margin = abs(number) * tolerance
    return Range(number - margin, number + margin)


def read_synonyms(raw: Mapping[str, Any], where: str = "bids.synonyms") -> dict[str, str]:
    """The site's words, each a regular expression of its own."""
    for name, pattern in raw.items():
        if not re.fullmatch(r"[A-Za-z_]\w*", name):
            _fail(f"{where}.{name}", "a synonym's name is of letters, digits and _")
        _compile(str(pattern), f"{where}.{name}")
    return {name: str(pattern) for name, pattern in raw.items()}


def _cost(condition: Condition) -> int:
    """The place in `KEYS` of the dearest key of a condition."""
    match condition:
        case AllOf(parts) | AnyOf(parts):
            return max(map(_cost, parts), default=0)
        case Not(part):
            return _cost(part)
    return max(map(KEYS.index, condition.keys))


def _leaf(key: str, value: Any, place: str, synonyms: Mapping[str, str]) -> Condition:
    if key in TEXTS:
        return Text(key, _pattern(value, place, synonyms))
    if key in TOKENS:
        words = [value] if isinstance(value, str) else value
        if key == "phase_encoding" and (unknown := set(words) - DIRECTIONS):
            _fail(place, f"{min(unknown)!r} is none of {', '.join(sorted(DIRECTIONS))}")
        return Tokens(key, frozenset(str(word).upper() for word in words))
    assert key in NUMBERS
    return Number(key, read_range(value, place, 0 if key in COUNTS else _TOLERANCE))


def _pattern(value: Any, place: str, synonyms: Mapping[str, str]) -> re.Pattern[str]:
    def insert(found: re.Match[str]) -> str:
        if found[1] not in synonyms:
            known = ", ".join(sorted(synonyms)) or "none"
            _fail(place, f"{found[0]} is no word of bids.synonyms; known: {known}")
        # Flags such as (?i) hold for the whole expression, so they are limited to the word.
        flags = _FLAGS.match(word := synonyms[found[1]])
        return f"(?{flags[1]}:{word[flags.end() :]})" if flags else f"(?:{word})"

    return _compile(_SYNONYM.sub(insert, str(value)), place)


def _compile(pattern: str, place: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise ConfigError(f"{place}: not a regular expression ({error})") from None


def _number(value: Any, place: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        _fail(place, f"{value!r} is not a number")
    return float(value)


def _fail(place: str, what: str) -> NoReturn:
    raise ConfigError(f"{place}: {what}")
