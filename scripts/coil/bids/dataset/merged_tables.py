"""Tables of several datasets as one: participants, sessions, questionnaires."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from coil.bids.dataset.tables import UNKNOWN, Dictionary, Note
from coil.errors import DataError
from coil.files import read_json

SITE = "site"


@dataclass(frozen=True)
class Table:
    """A table and its dictionary; every row is as long as the header."""

    header: list[str]
    rows: list[list[str]]
    dictionary: Dictionary

    @classmethod
    def read(cls, path: Path, dictionary: Path | None = None) -> "Table":
        """A table of a dataset and its dictionary, beside it unless it lies elsewhere."""
        header, *rows = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]
        return cls(header, rows, read_json(dictionary or path.with_suffix(".json")))

    def without(self, columns: Iterable[str]) -> "Table":
        """The table without some columns."""
        left = set(columns)
        kept = [place for place, name in enumerate(self.header) if name not in left]
        return Table(
            [self.header[place] for place in kept],
            [[row[place] for place in kept] for row in self.rows],
            {key: note for key, note in self.dictionary.items() if key not in left},
        )


def unlike(tables: Mapping[str, Table]) -> dict[str, str]:
    """The columns that are not described alike in all tables that have them, each with why."""
    reasons: dict[str, str] = {}
    first: dict[str, tuple[str, Note | None]] = {}
    for site, table in sorted(tables.items()):
        for column in {*table.header, *table.dictionary}:
            note = table.dictionary.get(column)
            known, other = first.setdefault(column, (site, note))
            if other != note:
                reasons[column] = (
                    f"{known} and {site} describe the column {column} differently; describe it "
                    "alike in both configs or dictionaries, or give it another name in one"
                )
    return reasons


def joined(tables: Mapping[str, Table]) -> Table:
    """One table of all rows, sorted, with the columns of all; what one lacks is n/a there.

    Raises DataError if the tables describe a column differently.
    """
    if wrong := unlike(tables):
        raise DataError(wrong[min(wrong)])
    header = union(table.header for _, table in sorted(tables.items()))
    rows = []
    for table in tables.values():
        place = {name: at for at, name in enumerate(table.header)}
        rows += [
            [row[place[name]] if name in place else UNKNOWN for name in header]
            for row in table.rows
        ]
    notes = {key: note for _, t in sorted(tables.items()) for key, note in t.dictionary.items()}
    return Table(header, sorted(rows), notes)


def with_site(table: Table, site: str) -> Table:
    """participants.tsv with the column `site` after the participant's label."""
    header = [table.header[0], SITE, *table.header[1:]]
    return Table(header, [[row[0], site, *row[1:]] for row in table.rows], table.dictionary)


def site_note(names: Mapping[str, str]) -> Note:
    """The entry of the column `site`; `names` are the sites' datasets' names."""
    return {
        "Description": "Where the participant was scanned",
        "Levels": dict(sorted(names.items())),
    }


def union(headers: Iterable[Sequence[str]]) -> list[str]:
    """The names of all headers, each once, in the order of their first coming."""
    return list(dict.fromkeys(name for header in headers for name in header))
