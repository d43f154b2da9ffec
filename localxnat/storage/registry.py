"""JSON objects that administrators set up and clients ask for again, with a number each."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from localxnat.storage.database import Database

Document = dict[str, object]


class Registry:
    """The objects of one kind, in the order in which they were added."""

    def __init__(self, database: Database, kind: str) -> None:
        self._database = database
        self._kind = kind

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make one step of what is found, checked and written within: nobody writes in between."""
        with self._database.write():
            yield

    def start_with(self, document: Document) -> None:
        """Add an object that is there from the start; once, so that it can be removed."""
        name = f"{self._kind}s"
        begun = "SELECT 1 FROM counters WHERE name = ?"
        if self._database.connection.execute(begun, (name,)).fetchone():
            return
        with self._database.write() as connection:
            first = connection.execute("INSERT OR IGNORE INTO counters VALUES (?, 1)", (name,))
            if first.rowcount:
                self.add(document)

    def all(self) -> list[Document]:
        """The objects, each with its number as `id`."""
        rows = self._database.connection.execute(
            "SELECT id, document FROM registered WHERE kind = ? ORDER BY id", (self._kind,)
        )
        return [_document(row["id"], row["document"]) for row in rows]

    def get(self, number: int) -> Document | None:
        row = self._database.connection.execute(
            "SELECT document FROM registered WHERE kind = ? AND id = ?", (self._kind, number)
        ).fetchone()
        return _document(number, row["document"]) if row else None

    def add(self, document: Document) -> Document:
        """Keep an object; it comes back with its number."""
        with self._database.write() as connection:
            cursor = connection.execute(
                "INSERT INTO registered (kind, document) VALUES (?, ?)",
                (self._kind, _text(document)),
            )
        return {**document, "id": cursor.lastrowid}

    def replace(self, document: Document) -> None:
        """Keep an object instead of the one that has its number."""
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


def _document(number: int, text: str) -> Document:
    return {"id": number, **json.loads(text)}


def _text(document: Document) -> str:
    return json.dumps({name: value for name, value in document.items() if name != "id"})
