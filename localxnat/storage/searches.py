"""Searches that users saved, and the rows of those whose results are kept for a day."""

import json
import secrets
import time
from dataclasses import dataclass

from localxnat.storage.database import Database

_DAY = 24 * 3600


@dataclass(frozen=True)
class Search:
    """A saved search: who saved it, and its XML document."""

    id: str
    login: str
    document: str


@dataclass(frozen=True)
class Results:
    """The columns and rows that a search found, and for whom."""

    login: str
    columns: list[dict[str, str]]
    rows: list[dict[str, str]]


class Searches:
    """The searches of an archive."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> list[Search]:
        """The saved searches by their names."""
        rows = self._database.connection.execute(
            "SELECT id, login, document FROM searches ORDER BY id"
        )
        return [Search(**dict(row)) for row in rows]

    def find(self, name: str) -> Search | None:
        row = self._database.connection.execute(
            "SELECT id, login, document FROM searches WHERE id = ?", (name,)
        ).fetchone()
        return Search(**dict(row)) if row else None

    def save(self, search: Search) -> None:
        """Keep a search, instead of one that has its name."""
        with self._database.write() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO searches (id, login, document) VALUES (?, ?, ?)",
                (search.id, search.login, search.document),
            )

    def remove(self, name: str) -> None:
        with self._database.write() as connection:
            connection.execute("DELETE FROM searches WHERE id = ?", (name,))

    def keep_results(self, results: Results) -> str:
        """Keep what a search found for a day; the ID under which it is."""
        name = f"_{results.login}_{secrets.token_hex(8)}"
        kept = json.dumps({"columns": results.columns, "rows": results.rows})
        with self._database.write() as connection:
            connection.execute("DELETE FROM cached_searches WHERE made < ?", (time.time() - _DAY,))
            values = (name, results.login, time.time(), kept)
            connection.execute("INSERT INTO cached_searches VALUES (?, ?, ?, ?)", values)
        return name

    def results(self, name: str) -> Results | None:
        """The results that were kept under an ID."""
        row = self._database.connection.execute(
            "SELECT login, found FROM cached_searches WHERE id = ?", (name,)
        ).fetchone()
        return Results(row["login"], **json.loads(row["found"])) if row else None
