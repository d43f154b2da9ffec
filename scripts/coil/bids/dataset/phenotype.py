"""Questionnaires and other measurements of people: tables that become phenotype/.

Nothing leaves that its dictionary does not describe. An undocumented column, a value outside its
levels, text where none is declared, an undeclared date: each is an error with its row, and all of
them are told. A table with an error leaves nothing. A row of a subject whom the archive does not
have stays behind, and is told: a study asks more people than it scans.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from coil.bids.dataset.columns import Column, TableError, note_of
from coil.bids.dataset.people import People, Visit
from coil.bids.dataset.tables import UNKNOWN, Dictionary, Note, write_json, write_table
from coil.errors import DataError

ABOUT_ALL = "MeasurementToolMetadata"
PARTICIPANT, SESSION = "participant_id", "session_id"
_SESSION_NOTE = {
    "Description": "The session that the row belongs to; n/a where nothing was scanned"
}


@dataclass(frozen=True)
class Instrument:
    """One table as it goes into `phenotype/<name>.tsv` and `.json`.

    The header begins with `participant_id`; where its second column is `session_id`, rows are
    of sessions. `unknown` says which rows stay behind because the archive has no such subject.
    """

    name: str
    header: list[str]
    rows: list[list[str]]
    dictionary: Dictionary
    unknown: Sequence[str] = ()

    def of(self, sessions: Mapping[str, Iterable[str]]) -> "Instrument":
        """The rows of those who are in the dataset: `sessions` by participant (bare labels)."""
        by_session = self.header[1:2] == [SESSION]

        def counts(row: list[str]) -> bool:
            held = sessions.get(row[0][4:])
            if held is None or not by_session or row[1] == UNKNOWN:
                return held is not None
            return row[1][4:] in held

        return replace(self, rows=[*filter(counts, self.rows)])

    def write(self, bids: Path) -> None:
        """Write the table and its dictionary into a dataset."""
        write_table(bids / "phenotype" / f"{self.name}.tsv", self.header, self.rows)
        write_json(bids / "phenotype" / f"{self.name}.json", self.dictionary)


class Row(NamedTuple):
    """A row as it came: where it stands, the archive's subject label, its cells by column."""

    where: str
    subject: str
    cells: Mapping[str, str]


@dataclass(frozen=True)
class Keys:
    """Which columns of a table say whose a row is.

    `occasions` are the config's `sessions`; see `People.visit`.
    """

    subject: str = "subject"
    session: str | None = None
    occasions: Mapping[str, str | None] | None = None


def instruments(
    name: str,
    columns: Sequence[Column],
    rows: Iterable[Row],
    people: People,
    keys: Keys,
    about: Note | None = None,
) -> list[Instrument]:
    """The tables of one instrument: one, or one an occasion where rows are of sessions.

    BIDS wants each participant once in a table of phenotype/, so that a second occasion needs
    a table of its own: `<name>_<occasion>`.

    Raises
    ------
    TableError
        With a line for each wrong cell: row and column, never the value. Or if the archive has
        none of the rows' subjects: then the column is a wrong one, or the archive.
    """
    if taken := {PARTICIPANT, SESSION} & {column.name for column in columns}:
        raise DataError(
            f"{name}: a column is called {min(taken)}, which is BIDS's own name; rename it, or "
            "name it in `subject_column` or `session_column`"
        )
    rows = [*rows]
    unknown = [row.where for row in rows if row.subject not in people.participants]
    if rows and len(unknown) == len(rows):
        raise DataError(
            f"{unknown[0]}, column {keys.subject}: no such subject in the archive, nor "
            "of any other row; correct `subject_column` or the labels"
        )
    known = [row for row in rows if row.subject in people.participants]
    by_occasion = _by_occasion(known, columns, people, keys)
    header = [PARTICIPANT, *([SESSION] if keys.session else []), *(c.name for c in columns)]
    notes = {SESSION: _SESSION_NOTE} if keys.session else {}
    dictionary = {**({ABOUT_ALL: about} if about else {}), **notes, **note_of(columns)}
    return [
        Instrument(full, header, [[key, *table[key]] for key in sorted(table)], dictionary, unknown)
        for full, table in _named(name, by_occasion, keys)
    ]


Cells = dict[str, list[str]]
"""The cells of a table after the participant's, by participant."""


def _by_occasion(
    rows: Iterable[Row], columns: Sequence[Column], people: People, keys: Keys
) -> dict[str, Cells]:
    """The cells of each occasion; TableError with a line for each that is wrong."""
    errors: list[str] = []
    tables: dict[str, Cells] = {}
    for row in rows:
        try:
            visit = _visit(row, people, keys)
        except DataError as error:
            errors.append(str(error))
            visit = None
        label = people.participants[row.subject]
        days = people.days.get(label or "", 0 if not label else None)
        values, wrong = _values(row, columns, days)
        errors += wrong
        if label is None or visit is None:
            continue
        table = tables.setdefault(visit.occasion, {})
        if f"sub-{label}" in table:
            errors.append(f"{row.where}: the subject has a row already{_hint(keys)}")
        session = [f"ses-{visit.session}" if visit.session else UNKNOWN] if keys.session else []
        table[f"sub-{label}"] = [*session, *values]
    if errors:
        raise TableError(errors)
    return tables


def _values(row: Row, columns: Sequence[Column], days: int | None) -> tuple[list[str], list[str]]:
    """The values of a row, and a line for each cell that is wrong."""
    values: list[str] = []
    wrong: list[str] = []
    for column in columns:
        try:
            values.append(column.value(row.cells.get(column.source, ""), days))
        except ValueError as error:
            wrong.append(f"{row.where}, column {column.name}: {error}")
    return values, wrong


def _visit(row: Row, people: People, keys: Keys) -> Visit | None:
    """The occasion of a row, "" where the table has none; None where the row stays behind."""
    if keys.session is None:
        return Visit("", None)
    try:
        return people.visit(row.subject, row.cells.get(keys.session, "").strip(), keys.occasions)
    except ValueError as error:
        raise DataError(f"{row.where}, column {keys.session}: {error}") from None


def _named(name: str, tables: Mapping[str, Cells], keys: Keys) -> list[tuple[str, Cells]]:
    """The tables by their names. One occasion needs no name of its own."""
    planned = [cell for cell, pattern in (keys.occasions or {}).items() if pattern is not None]
    occasions = sorted(planned or tables)
    if len(occasions) < 2:
        return [(name, next(iter(tables.values()), {}))]
    return [(f"{name}_{_plain(occasion)}", tables.get(occasion, {})) for occasion in occasions]


def _plain(occasion: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]+", "", occasion)


def _hint(keys: Keys) -> str:
    return "" if keys.session else "; name the column of the session in `session_column`"
