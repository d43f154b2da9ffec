"""What a column of a table holds, as the json file beside the table describes it.

The keys of a description are those of BIDS (Tabular files): LongName, Description, Units,
Levels, Format, Minimum, Maximum, TermURL, HED.
"""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Literal, get_args

import msgspec

Check = Callable[[str], bool]

ColumnFormat = Literal["string", "number", "integer", "boolean", "index", "label"]


class ColumnNote(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The description of one column."""

    LEAST: ClassVar[int] = 1

    LongName: str | None = None
    """The column's name in full."""
    Description: str | None = None
    """What it holds."""
    Units: str | None = None
    """The unit of its numbers."""
    TermURL: str | None = None
    """Where it is defined."""
    Levels: dict[str, str] | None = None
    """Its values, and what each means."""
    Format: ColumnFormat | None = None
    """What its values are."""
    Minimum: float | None = None
    """Its least value."""
    Maximum: float | None = None
    """Its greatest value."""
    HED: str | dict[str, str] | None = None
    """Its HED tags, or those of each of its values."""


KEYS = ColumnNote.__struct_fields__
FORMATS = get_args(ColumnFormat)
TEXTS = ("LongName", "Description", "Units", "TermURL")
BOUNDS = ("Minimum", "Maximum")
UNKNOWN = "n/a"

_WHOLE = re.compile(r"[+-]?\d{1,15}")
_FLAG = re.compile(r"(?i)true|false|0|1")
_LONGEST_NUMBER = 24


def number(text: str) -> bool:
    """Whether a cell is a finite number."""
    try:
        return math.isfinite(float(text)) and len(text) <= _LONGEST_NUMBER
    except ValueError:
        return False


def problem(note: Any) -> str | None:
    """Why something is no description of a column, or None."""
    if not isinstance(note, dict) or not note:
        return f"is described by {', '.join(KEYS)}"
    for key, value in note.items():
        if key not in KEYS:
            return f"takes {', '.join(KEYS)}"
        if key in TEXTS and not isinstance(value, str):
            return f"{key} is a text"
        if key in BOUNDS and (isinstance(value, bool) or not isinstance(value, int | float)):
            return f"{key} is a number"
        if key == "Format" and value not in FORMATS:
            return f"Format is one of {', '.join(FORMATS)}"
        if key == "HED" and not isinstance(value, str | dict):
            return "HED is a text, or one for each value"
        if key == "Levels" and not (isinstance(value, dict) and value):
            return "Levels holds each value and what it means"
    return None


def check_of(note: Mapping[str, Any]) -> Check | None:
    """What a cell of the described column must pass; None for free text, which has no check."""
    if levels := note.get("Levels"):
        return frozenset(map(str, levels)).__contains__
    match note.get("Format"):
        case "integer" | "index":
            return lambda text: _WHOLE.fullmatch(text) is not None and _within(text, note)
        case "boolean":
            return lambda text: _FLAG.fullmatch(text) is not None
        case "string" | "label":
            return None
    if note.get("Format") == "number" or "Units" in note or any(key in note for key in BOUNDS):
        return lambda text: number(text) and _within(text, note)
    return None


def _within(text: str, note: Mapping[str, Any]) -> bool:
    low, high = note.get("Minimum", -math.inf), note.get("Maximum", math.inf)
    return low <= float(text) <= high
