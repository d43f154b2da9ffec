"""Questionnaires: a table keyed by the archive's subject labels becomes phenotype/.

Nothing leaves that its dictionary does not describe: an undocumented column, an unknown
subject, a value outside the levels, text where no levels are listed.
"""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coil.bids.tables import UNKNOWN
from coil.errors import DataError
from coil.files import read_json

_ABOUT_ALL = "MeasurementToolMetadata"
_EMPTY = frozenset({"", UNKNOWN, "NA", "NaN"})


@dataclass(frozen=True)
class Instrument:
    """One questionnaire as it goes into `phenotype/<name>.tsv` and `.json`."""

    name: str
    header: list[str]
    rows: list[list[str]]
    dictionary: dict[str, Any]


def phenotype_table(
    table: Path,
    dictionary: Path,
    link: Mapping[str, str | None],
    subject_column: str = "subject",
) -> tuple[list[str], list[list[str]]]:
    """The rows of a questionnaire by participant.

    Parameters
    ----------
    table
        CSV, or TSV by its suffix, with a header.
    dictionary
        The BIDS JSON that describes each column. A column holds numbers, unless it lists
        `Levels` or says `"Format": "string"`.
    link
        The participant's BIDS label by the archive's subject label; None for a subject of the
        project that is not in the dataset, whose row is left out.
    subject_column
        The column with the archive's subject label.

    Returns
    -------
    The header, `participant_id` first, and the rows sorted by it; empty cells are `n/a`.

    Raises
    ------
    DataError
        Naming the file, the row (the header is row 1) and the column, never the value.
    """
    described = _dictionary(dictionary)
    header, cells = _read(table)
    if subject_column not in header:
        raise DataError(f"{table.name}: has no column {subject_column} with the subjects' labels")
    columns = [name for name in header if name != subject_column]
    for name in columns:
        if not isinstance(described.get(name), dict) or name == _ABOUT_ALL:
            place = header.index(name) + 1
            raise DataError(
                f"{table.name}: column {place} is not described in {dictionary.name}; "
                "describe it there or take it out"
            )
    rows: dict[str, list[str]] = {}
    for number, row in enumerate(cells, start=2):
        where = f"{table.name}: row {number}"
        if len(row) != len(header):
            raise DataError(f"{where}: has {len(row)} cells where the header has {len(header)}")
        values = dict(zip(header, (cell.strip() for cell in row), strict=True))
        label = values.pop(subject_column)
        if label not in link:
            raise DataError(f"{where}, column {subject_column}: no such subject in the archive")
        for name in columns:
            _check(values[name], described[name], f"{where}, column {name}")
        if (participant := link[label]) is None:
            continue
        key = f"sub-{participant.removeprefix('sub-')}"
        if key in rows:
            raise DataError(f"{where}, column {subject_column}: the subject has a row already")
        rows[key] = [UNKNOWN if values[name] in _EMPTY else values[name] for name in columns]
    return ["participant_id", *columns], [[key, *rows[key]] for key in sorted(rows)]


def read_instrument(
    name: str,
    table: Path,
    dictionary: Path,
    link: Mapping[str, str | None],
    subject_column: str = "subject",
) -> Instrument:
    """A questionnaire with the part of its dictionary that it uses; see `phenotype_table`."""
    header, rows = phenotype_table(table, dictionary, link, subject_column)
    described = _dictionary(dictionary)
    kept = {key: described[key] for key in (_ABOUT_ALL, *header) if key in described}
    return Instrument(name, header, rows, kept)


def _dictionary(path: Path) -> dict[str, Any]:
    try:
        described = read_json(path)
    except ValueError:
        raise DataError(f"{path.name}: is not JSON") from None
    if not isinstance(described, dict):
        raise DataError(f"{path.name}: is not a JSON object with a key for each column")
    return described


def _read(path: Path) -> tuple[list[str], list[list[str]]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(f"{path.name}: is not UTF-8; save it so") from None
    delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
    rows = [row for row in csv.reader(io.StringIO(text), delimiter=delimiter) if any(row)]
    if not rows:
        raise DataError(f"{path.name}: is empty")
    header = [name.strip() for name in rows[0]]
    if len(set(header)) < len(header) or "" in header:
        raise DataError(f"{path.name}: its header has an empty or a repeated name")
    return header, rows[1:]


def _check(value: str, column: dict[str, Any], where: str) -> None:
    if value in _EMPTY:
        return
    if any(character in value for character in "\t\r\n"):
        raise DataError(f"{where}: holds a tab or a line end")
    levels = column.get("Levels")
    if levels is not None:
        if value not in levels:
            raise DataError(f"{where}: is not one of the levels in its dictionary")
    elif column.get("Format") != "string" and not _is_number(value):
        raise DataError(
            f"{where}: is text; list the column's Levels in the dictionary, "
            'or write "Format": "string" there to let text through'
        )


def _is_number(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True
