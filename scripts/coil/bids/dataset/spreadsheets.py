"""Tables as labs keep them: CSV, TSV and Excel workbooks, as rows of text."""

import csv
import io
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, NamedTuple

from coil import passing
from coil.errors import DataError


class Sheet(NamedTuple):
    """A table's header and its rows, each with its number in the file (the header is 1)."""

    header: list[str]
    rows: list[tuple[int, list[str]]]


def read_sheet(path: Path, sheet: str | None = None) -> Sheet:
    """Read a table by its suffix: .tsv, .xlsx, anything else as CSV; empty rows are skipped.

    `sheet` names the sheet of a workbook, the first without it.

    Raises DataError if it cannot be read, is empty, or a column's name is missing or repeated.
    """
    suffix = path.suffix.lower()
    rows = _workbook(path, sheet) if suffix == ".xlsx" else _text(path, suffix)
    filled = [(number, row) for number, row in enumerate(rows, start=1) if any(map(str.strip, row))]
    if not filled:
        raise DataError(f"{path.name}: is empty")
    header = [name.strip() for name in filled[0][1]]
    if len(set(header)) < len(header) or "" in header:
        raise DataError(f"{path.name}: its header has an empty or a repeated name")
    return Sheet(header, filled[1:])


def _text(path: Path, suffix: str) -> list[list[str]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(f"{path.name}: is not UTF-8; save it so") from None
    first = text.partition("\n")[0]
    mark = ";" if first.count(";") > first.count(",") else ","  # Excel's, where commas are decimal
    try:
        return list(csv.reader(io.StringIO(text), delimiter="\t" if suffix == ".tsv" else mark))
    except csv.Error:
        raise DataError(f"{path.name}: is no table that can be read; save it anew") from None


def _workbook(path: Path, sheet: str | None) -> list[list[str]]:
    from openpyxl import load_workbook  # only here: most projects have none

    try:
        values, formulas = (load_workbook(path, data_only=computed) for computed in (True, False))
    except Exception as error:
        passing.let_through(error)
        raise DataError(f"{path.name}: is no Excel workbook; save it as .xlsx") from None
    if sheet is not None and sheet not in values.sheetnames:
        raise DataError(f"{path.name}: has no sheet {sheet}; correct the config")
    name = sheet or values.sheetnames[0]
    rows = []
    for number, (cells, written) in enumerate(
        zip(values[name].iter_rows(), formulas[name].iter_rows(), strict=True), start=1
    ):
        if any(w.data_type == "f" and c.value is None for c, w in zip(cells, written, strict=True)):
            raise DataError(
                f"{path.name}: row {number}: a formula has no value; open and save it in Excel"
            )
        rows.append([_cell(cell.value) for cell in cells])
    # Cells that were only formatted count as columns and are none.
    width = max(
        (place for row in rows for place, text in enumerate(row, start=1) if text), default=0
    )
    return [row[:width] for row in rows]


def _cell(value: Any) -> str:
    """A cell as text; whole numbers without the point that Excel keeps."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return str(value)
