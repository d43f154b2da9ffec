"""What administrators set up and clients ask for again: JSON objects with a number each."""

import json
from typing import Any

from localxnat.storage.database import Database

Document = dict[str, Any]


class Registry:
    """The objects of one kind, in the order in which they were added."""

    def __init__(self, database: Database, kind: str) -> None:
        self._database = database
        self._kind = kind

    def all(self) -> list[Document]:
        rows = self._database.connection.execute(
            "SELECT id, document FROM registered WHERE kind = ? ORDER BY id", (self._kind,)
        )
        return [{"id": row["id"], **json.loads(row["document"])} for row in rows]

    def start_with(self, document: Document) -> None:
        """Add an object that is there from the start; once, so that it can be removed."""
        with self._database.write() as connection:
            first = connection.execute(
                "INSERT OR IGNORE INTO counters VALUES (?, 1)", (f"{self._kind}s",)
            )
            if first.rowcount:
                self.add(document)

    def get(self, number: int) -> Document | None:
        return next((one for one in self.all() if one["id"] == number), None)

    def add(self, document: Document) -> Document:
        """Keep an object; it comes back with its number."""
        with self._database.write() as connection:
            cursor = connection.execute(
                "INSERT INTO registered (kind, document) VALUES (?, ?)",
                (self._kind, _text(document)),
            )
        return {**document, "id": cursor.lastrowid}

    def replace(self, document: Document) -> None:
        with self._database.write() as connection:
            connection.execute(
                "UPDATE registered SET document = ? WHERE kind = ? AND id = ?",
                (_text(document), self._kind, document["id"]),
            )

    def remove(self, number: int) -> None:
        with self._database.write() as connection:
            connection.execute(
                "DELETE FROM registered WHERE kind = ? AND id = ?", (self._kind, number)
            )


def _text(document: Document) -> str:
    return json.dumps({name: value for name, value in document.items() if name != "id"})
