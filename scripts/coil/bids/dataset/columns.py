"""Columns of tables about people: what each may hold, and what leaves of it.

Nothing leaves that is not declared: a value is one of the column's levels, a number, or of
another format that the column names. Text passes only where the column says `string`, and a
date only as a column of dates, moved as all dates of its participant.
"""

import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from coil.bids.dataset.tables import UNKNOWN, Note
from coil.deid.identity.dates import OLDEST
from coil.errors import DataError

EMPTY = frozenset({"", UNKNOWN, "NA", "N/A", "NaN", "nan"})
# Formats of BIDS's dictionaries (objects.metadata.Format in its schema) that can be checked.
NUMBER, STRING = "number", "string"
_TEXTS = frozenset({STRING, "label"})
_LONGEST = 9  # digits: a longer whole number is a telephone number or an ID
_BIRTH = re.compile(r"birth|(?<![a-z])dob(?![a-z])", re.IGNORECASE)
_DAY_NUMBER = re.compile(r"(?:18|19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])")
_MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_DAY_IN_TEXT = re.compile(
    rf"(?<!\d)(?:{_DAY_NUMBER.pattern}(?!\d)|(?:18|19|20)\d\d[-/. ]\d\d?[-/. ]\d\d?(?!\d)"
    rf"|\d\d?[-/.]\d\d?[-/.](?:\d\d)?\d\d(?!\d)"
    rf"|\d\d?(?:st|nd|rd|th)?[. -]*(?:{_MONTHS})[a-z]*[., -]*\d{{2,4}}"
    rf"|(?:{_MONTHS})[a-z]*[. ]*\d\d?,? *\d{{4}})",
    re.IGNORECASE,
)


class TableError(DataError):
    """All that is wrong with one table: `errors` has every line, the message the first."""

    def __init__(self, errors: list[str]) -> None:
        super().__init__(first_of(errors))
        self.errors = errors


def first_of(lines: Sequence[str]) -> str:
    """The first of some lines, and how many more the log has."""
    return f"{lines[0]} (and {len(lines) - 1} more, in the log)" if len(lines) > 1 else lines[0]


@dataclass(frozen=True, eq=False)
class Column:
    """A column and its entry in the table's BIDS dictionary.

    `source` is what the column is called where it comes from; `levels` are None where the
    column is not categorical.
    """

    name: str
    note: Note
    source: str = ""
    levels: frozenset[str] | None = None
    format: str = NUMBER
    least: float = -math.inf
    most: float = math.inf

    @classmethod
    def described(cls, name: str, note: Note, source: str = "") -> "Column":
        """A column by its entry in a BIDS dictionary; `ValueError` says what the entry lacks."""
        form = note.get("Format", NUMBER)
        levels = note.get("Levels")
        if not isinstance(form, str) or form not in _READERS:
            raise ValueError(f"its Format is none of {', '.join(sorted(_READERS))}")
        if levels is not None and (not isinstance(levels, dict) or not levels):
            raise ValueError("its Levels are no table of values and their meanings")
        least, most = note.get("Minimum", -math.inf), note.get("Maximum", math.inf)
        if not (isinstance(least, int | float) and isinstance(most, int | float)):
            raise ValueError("its Minimum or Maximum is no number")
        known = frozenset(map(str, levels)) if levels else None
        return cls(name, dict(note), source or name, known, form, least, most)

    @classmethod
    def configured(cls, entry: Mapping[str, Any]) -> "Column":
        """A column as the config's `columns` describe it."""
        words = ("description", "levels", "units", "format", "minimum", "maximum")
        note = {word.capitalize(): entry[word] for word in words if word in entry}
        if "Levels" in note:
            note["Levels"] = {str(level): str(text) for level, text in note["Levels"].items()}
        return cls.described(entry["name"], note, entry.get("field", entry["name"]))

    def value(self, text: str, days: int | None) -> str:
        """The part of a cell that leaves; of an empty one `n/a`.

        `days` is by how much the dates of the row's participant move, None where no date may
        leave. Raises `ValueError` with the reason, which does not quote the cell.
        """
        text = text.strip()
        if self.levels is not None:
            if text in self.levels:
                return text
            if text in EMPTY:
                return UNKNOWN
            whole = re.sub(r"\.0+$", "", text)  # as a spreadsheet writes a whole number
            if whole in self.levels:
                return whole
            raise ValueError("is not one of its levels")
        if text in EMPTY:
            return UNKNOWN
        if self.format == "date" and _BIRTH.search(f"{self.name} {self.note.get('Description')}"):
            raise ValueError("is a date of birth, which tells an age to the day; leave it out")
        value = _READERS[self.format](text, days)
        if self.is_number:
            if not self.least <= float(value) <= self.most:
                raise ValueError("is below its minimum or above its maximum")
            if self.is_age and float(value) > OLDEST:
                return f"{OLDEST:g}"
        return value

    @property
    def is_number(self) -> bool:
        """Whether its values are numbers, unless they are levels."""
        return self.format in (NUMBER, "integer")

    @property
    def is_age(self) -> bool:
        """Whether the column is called an age; who is older than 89 is told by it."""
        return "age" in re.split("[^a-z]+", self.name.lower())


def note_of(columns: Collection[Column]) -> dict[str, Note]:
    """The dictionary's entries of columns; those of ages say where they end."""
    return {column.name: _capped(column) if column.is_number else column.note for column in columns}


def _capped(column: Column) -> Note:
    """The entry of a column of numbers; that of ages says where they end."""
    if not column.is_age or column.levels is not None:
        return column.note
    described = column.note.get("Description", column.name)
    return {**column.note, "Description": f"{described}; 89 stands for 89 and above"}


def _number(text: str, _: int | None) -> str:
    try:
        number = float(text)
    except ValueError:
        raise ValueError(
            "is text; list the column's levels, declare that its text may leave (format string, or "
            "`strings` in the config), or leave the column out"
        ) from None
    if not math.isfinite(number) or "_" in text:
        raise ValueError("is not a number")
    if _DAY_NUMBER.fullmatch(text):
        raise ValueError("looks like a date; declare the column's format as date")
    if len(re.sub(r"[.eE].*|\D", "", text)) > _LONGEST:
        raise ValueError(f"has more than {_LONGEST} digits, as telephone numbers and IDs have")
    return text


def _integer(text: str, days: int | None) -> str:
    whole = re.sub(r"\.0+$", "", _number(text, days))
    if not re.fullmatch(r"[+-]?\d+", whole):
        raise ValueError("is not a whole number")
    return whole


def _boolean(text: str, _: int | None) -> str:
    if text.lower() not in ("true", "false"):
        raise ValueError("is neither true nor false")
    return text.lower()


def _text(text: str, _: int | None) -> str:
    if any(ord(character) < 32 for character in text):
        raise ValueError("holds a tab or a line end")
    if _DAY_IN_TEXT.search(text):
        raise ValueError("holds a date; dates leave only in a column of dates")
    return text


def _date(text: str, days: int | None) -> str:
    if days is None:
        raise ValueError("is a date, and identity.dates lets none leave; leave the column out")
    try:  # a time of day stays behind
        return (datetime.fromisoformat(text).date() + timedelta(days=days)).isoformat()
    except (ValueError, OverflowError):
        raise ValueError("is not a date as YYYY-MM-DD") from None


def _time(text: str, _: int | None) -> str:
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?", text):
        raise ValueError("is not a time as hh:mm")
    return text


_READERS: dict[str, Callable[[str, int | None], str]] = {
    NUMBER: _number,
    "integer": _integer,
    "boolean": _boolean,
    "date": _date,
    "time": _time,
    **dict.fromkeys(_TEXTS, _text),
}
