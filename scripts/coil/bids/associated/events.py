"""Tables of events and of behaviour, checked cell by cell against what documents them."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from coil import columns
from coil.columns import UNKNOWN, Check
from coil.errors import DataError
from coil.files import JsonObject

EVENTS = ("onset", "duration")
"""The columns that a table of events must have."""

# What BIDS itself says of columns (Task events, Behavioral recordings): no json need say it again.
_DOCUMENTED: dict[str, JsonObject] = {
    "onset": {"Units": "s"},
    "duration": {"Units": "s", "Minimum": 0},
    "response_time": {"Units": "s"},
    "sample": {"Format": "integer"},
    **{name: {} for name in ("trial_type", "value", "stim_file", "HED", "channel")},
}


def check(
    source: Path,
    notes: Mapping[str, JsonObject],
    where: str,
    *,
    required: tuple[str, ...] = EVENTS,
    length: float | None = None,
) -> str:
    """The text of a table, as tab-separated UTF-8 with Unix line ends and `n/a` for blanks.

    Parameters
    ----------
    source
        The file.
    notes
        What describes its columns; those that BIDS knows need no description.
    where
        What an error starts with.
    required
        The columns that it must have.
    length
        The run's length in seconds: an event may start before the run, not after it.

    Raises
    ------
    DataError
        Naming row and column, never the value.
    """
    table = _rows(source, where)
    header = [name.strip() for name in table[0]] if table else []
    for column in required:
        if column not in header:
            raise DataError(
                f"{where}: a file has no column {column} (tab-separated unless it is .csv, with a "
                "header)"
            )
    known = _known(header, notes, where).values()
    checks = [(note, columns.check_of(note)) for note in known]
    rows = [header]
    for number, row in enumerate(table[1:], start=2):
        if not any(cell.strip() for cell in row):
            continue
        cells = _cells(row, checks, f"{where}: row {number}")
        if "onset" in required:
            _check_onset(cells[header.index("onset")], length, f"{where}: row {number}")
        rows.append(cells)
    return "".join("\t".join(row) + "\n" for row in rows)


def _rows(source: Path, where: str) -> list[list[str]]:
    """The rows of a table with commas (.csv) or tabs between its cells."""
    try:
        text = source.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(f"{where}: a file is not UTF-8 text") from None
    if source.suffix.lower() == ".csv":
        return list(csv.reader(io.StringIO(text), skipinitialspace=True))
    return list(csv.reader(io.StringIO(text), delimiter="\t", quoting=csv.QUOTE_NONE))


def _cells(
    row: Sequence[str], checks: Sequence[tuple[JsonObject, Check | None]], where: str
) -> list[str]:
    """The cells of a row, each checked by what is known of its column."""
    if len(row) != len(checks):
        raise DataError(f"{where} has {len(row)} columns, not {len(checks)}")
    cells = [cell.strip() or UNKNOWN for cell in row]
    for number, (cell, (note, fits)) in enumerate(zip(cells, checks, strict=True), start=1):
        if "\t" in cell or "\n" in cell:
            raise DataError(f"{where}, column {number}: has a tab or a line in it")
        if cell != UNKNOWN and fits and not fits(cell):
            raise DataError(f"{where}, column {number}: {_wrong(note)}")
    return cells


def _known(header: list[str], notes: Mapping[str, JsonObject], where: str) -> dict[str, JsonObject]:
    """The description of each column of a header, in their order."""
    known: dict[str, JsonObject] = {}
    for number, name in enumerate(header, start=1):
        if not name or name in known:
            raise DataError(f"{where}: row 1, column {number}: has no name of its own")
        if name not in notes and name not in _DOCUMENTED:
            raise DataError(
                f"{where}: row 1, column {number}: is documented nowhere; describe it under "
                "`columns`, or in a json file of the table's name"
            )
        known[name] = _DOCUMENTED.get(name, {}) | dict(notes.get(name, {}))
        if why := columns.problem(known[name]) if known[name] else None:
            raise DataError(f"{where}: row 1, column {number}: its description {why}")
    return known


def _check_onset(value: str, length: float | None, where: str) -> None:
    if value == UNKNOWN:
        raise DataError(f"{where}, column onset: is not a number")
    if length is not None and float(value) > length:
        raise DataError(f"{where}, column onset: lies after the end of the run")


def _wrong(note: Mapping[str, Any]) -> str:
    if "Levels" in note:
        return "is none of the column's Levels"
    if any(key in note for key in columns.BOUNDS):
        return "is not a number within the column's bounds"
    return "is not of the column's kind (a number, where it has Units)"
