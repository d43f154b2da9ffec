"""The instruments of the config's `phenotype`, from wherever each comes."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from coil.bids.dataset import redcap
from coil.bids.dataset.columns import Column, TableError
from coil.bids.dataset.people import People
from coil.bids.dataset.phenotype import ABOUT_ALL, Instrument, Keys, Row, instruments
from coil.bids.dataset.spreadsheets import Sheet, read_sheet
from coil.bids.dataset.tables import Dictionary, Note
from coil.errors import DataError
from coil.files import read_json
from coil.records.subjects import Measured


def read_instrument(
    entry: Mapping[str, Any],
    folder: Path,
    measured: Mapping[str, Sequence[Measured] | None],
    people: People,
) -> list[Instrument]:
    """The tables of one entry of the config's `phenotype`.

    Parameters
    ----------
    entry
        The entry, with its defaults.
    folder
        Where `<resource>/<file>` of the archive's project lie.
    measured
        By instrument, the rows of those that come from the archive's own fields.
    people
        Who is meant by the archive's labels.

    Raises
    ------
    DataError
        If the table or its dictionary cannot be used; see `phenotype.instruments`.
    """
    about = {"Description": entry["description"]} if "description" in entry else None
    if "file" not in entry:
        rows = measured.get(entry["instrument"])
        if rows is None:
            raise DataError(
                f"the archive lists nothing of the type {entry.get('assessor')}; correct the config"
            )
        return _from_archive(entry, rows, people, about)
    table, dictionary = (folder / entry["resource"] / entry[key] for key in ("file", "dictionary"))
    for path in (table, dictionary):
        if not path.is_file():
            raise DataError(
                f"{path.name}: the project resource {entry['resource']} of the archive has no such "
                "file that could be fetched whole; upload it there, or correct the config"
            )
    keys = Keys(entry["subject_column"], entry.get("session_column"), _occasions(entry))
    sheet, others = read_sheet(table, entry.get("sheet")), frozenset[str]()
    if dictionary.suffix.lower() == ".csv":
        sheet, columns, others = _of_redcap(sheet, dictionary, entry)
    else:
        described = read_dictionary(dictionary)
        about = described.get(ABOUT_ALL) or about
        columns = _described(sheet, described, dictionary.name, entry, keys, table.name)
    rows = _rows(sheet, table.name, columns, {*others, *entry["omit"]}, keys)
    return instruments(entry["instrument"], columns, rows, people, keys, about)


def _of_redcap(
    sheet: Sheet, dictionary: Path, entry: Mapping[str, Any]
) -> tuple[Sheet, list[Column], frozenset[str]]:
    """The rows and columns of a form in an export of REDCap, and the names of other columns.

    An export may lack fields that the dictionary has, as REDCap's rights want it.
    """
    name = entry.get("form", entry["instrument"])
    form = redcap.read_form(dictionary, name, entry["omit"], entry["strings"], entry["identifiers"])
    columns = [column for column in form.columns if column.source in sheet.header]
    return sheet._replace(rows=form.rows(sheet, name)), columns, form.others


def read_dictionary(path: Path) -> Dictionary:
    """A BIDS JSON dictionary; DataError if it is none."""
    try:
        described = read_json(path)
    except ValueError:
        raise DataError(f"{path.name}: is not JSON") from None
    if not isinstance(described, dict):
        raise DataError(f"{path.name}: is not a JSON object with a key for each column")
    return described


def _occasions(entry: Mapping[str, Any]) -> dict[str, str | None] | None:
    table = entry.get("sessions")
    return None if table is None else {str(cell): pattern for cell, pattern in table.items()}


def _described(
    sheet: Sheet,
    described: Dictionary,
    file: str,
    entry: Mapping[str, Any],
    keys: Keys,
    table: str,
) -> list[Column]:
    """The table's columns by their dictionary; all that are not described are told of."""
    columns: list[Column] = []
    errors: list[str] = []
    for place, name in enumerate(sheet.header, start=1):
        if name in (keys.subject, keys.session) or name in entry["omit"]:
            continue
        note = described.get(name)
        if not isinstance(note, dict) or name == ABOUT_ALL:
            errors.append(
                f"{table}: column {place} is not described in {file}; describe it there or "
                "take it out"
            )
            continue
        if name in entry["strings"]:
            note = {**note, "Format": "string"}
        try:
            columns.append(Column.described(name, note))
        except ValueError as error:
            errors.append(f"{file}: column {place} of the table: {error}")
    if errors:
        raise TableError(errors)
    return columns


def _rows(
    sheet: Sheet, file: str, columns: Sequence[Column], others: set[str], keys: Keys
) -> Iterable[Row]:
    """The table's rows; DataError where the table is not what its dictionary describes."""
    held = [name for name in (keys.subject, keys.session) if name]
    for name in held:
        if name not in sheet.header:
            what = "subjects'" if name == keys.subject else "sessions'"
            raise DataError(f"{file}: has no column {name} with the {what} labels")
    known = {column.source for column in columns} | others | {*held}
    errors = [
        f"{file}: column {place} is not described in its dictionary; describe it there or take "
        "it out"
        for place, name in enumerate(sheet.header, start=1)
        if name not in known
    ]
    if not columns:
        errors.append(f"{file}: has none of the columns that its dictionary describes")
    errors += [
        f"{file}: row {number}: has {len(row)} cells where the header has {len(sheet.header)}"
        for number, row in sheet.rows
        if len(row) != len(sheet.header)
    ]
    if errors:
        raise TableError(errors)
    for number, row in sheet.rows:
        cells = dict(zip(sheet.header, (cell.strip() for cell in row), strict=True))
        yield Row(f"{file}: row {number}", cells[keys.subject], cells)


def _from_archive(
    entry: Mapping[str, Any],
    measured: Sequence[Measured],
    people: People,
    about: Note | None,
) -> list[Instrument]:
    """A table of the archive's own fields; a row is named by its participant."""
    columns = [Column.configured(column) for column in entry["columns"]]
    by_session = entry["per"] == "session"
    keys = Keys("subject", "session") if by_session else Keys("subject")
    rows = []
    for row in measured:
        label = people.participants.get(row.subject)
        where = f"{entry['instrument']}: {f'sub-{label}' if label else 'a subject'}"
        cells = {**row.values, "session": row.session}
        rows.append(Row(where, row.subject, cells))
    return instruments(entry["instrument"], columns, rows, people, keys, about)
