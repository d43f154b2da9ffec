"""Work that is noted in the database before it is done on the disk, and done after a kill.

A file that has arrived is noted in `pending` until it has its path and its row, an object that
changes its label or its project in `moving`, what is to go in `removing` with the rows that drop
it.
"""

import fcntl
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from localxnat.storage.resource_rows import Catalogs, Resource
from localxnat.storage.store import Store, now


class Notes(Catalogs):
    """The archive's folders, and the notes of what is being done in them."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._incoming = self.root / ".incoming"
        for folder in (self._incoming, self.root / "archive", self.root / "prearchive"):
            folder.mkdir(mode=0o700, exist_ok=True)

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        with (self.root / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _move_in(self, resource: Resource, path: str, temporary: Path) -> None:
        target = self.path_of(resource, path)
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary.replace(target)

    def _enter(
        self, connection: sqlite3.Connection, resource: Resource, path: str, temporary: Path
    ) -> None:
        """Enter a noted file that has its place, and drop the note in any case."""
        if not temporary.exists() and self.path_of(resource, path).is_file():
            connection.execute(
                "INSERT OR REPLACE INTO files (resource, path, size, digest, format, content, tags)"
                " SELECT resource, path, size, digest, format, content, tags FROM pending"
                " WHERE temporary = ?",
                (temporary.name,),
            )
        connection.execute("DELETE FROM pending WHERE temporary = ?", (temporary.name,))

    def _recount(self, connection: sqlite3.Connection, resource: int) -> None:
        connection.execute(
            "UPDATE resources SET (file_count, file_size) = (SELECT COUNT(*),"
            " COALESCE(SUM(size), 0) FROM files WHERE resource = resources.id) WHERE id = ?",
            (resource,),
        )

    def _relabel(
        self, connection: sqlite3.Connection, pk: int, label: str, project: str, old: str, new: str
    ) -> None:
        """Enter the label and the project of an object whose folder is where it goes."""
        parts = (
            "parent = ? AND kind IN ('scan', 'reconstruction', 'assessor')"
            " AND project = (SELECT project FROM objects WHERE pk = ?)"
        )
        connection.execute(
            f"DELETE FROM shares WHERE project = ? AND (object = ? OR object IN"
            f" (SELECT pk FROM objects WHERE {parts}))",
            (project, pk, pk, pk),
        )
        connection.execute(f"UPDATE objects SET project = ? WHERE {parts}", (project, pk, pk))
        connection.execute(
            "UPDATE objects SET label = ?, project = ?, last_modified = ? WHERE pk = ?",
            (label, project, now(), pk),
        )
        connection.execute(
            "UPDATE resources SET folder = ? || substr(folder, ?) WHERE folder LIKE ? ESCAPE '\\'",
            (new, len(old) + 1, _like(old) + "/%"),
        )
        connection.execute("DELETE FROM moving WHERE object = ?", (pk,))

    def _note(self, connection: sqlite3.Connection, paths: list[str]) -> None:
        connection.executemany(
            "INSERT OR IGNORE INTO removing VALUES (?)", [(path,) for path in paths]
        )

    def _remove(self, paths: list[str]) -> None:
        """Remove files and folders that are noted to go, and their notes."""
        for path in paths:
            on_disk = self.root / path
            if on_disk.is_dir() and not on_disk.is_symlink():
                shutil.rmtree(on_disk, ignore_errors=True)
            else:
                on_disk.unlink(missing_ok=True)
        with self.store.database.write() as connection:
            connection.executemany(
                "DELETE FROM removing WHERE path = ?", [(path,) for path in paths]
            )

    def recover(self) -> None:
        """Finish what a killed process had noted, and sweep what nobody is writing."""
        with self._exclusive():
            with self.store.database.write() as connection:
                for row in connection.execute("SELECT * FROM moving").fetchall():
                    if (self.root / row["old"]).exists():
                        connection.execute("DELETE FROM moving WHERE object = ?", (row["object"],))
                    else:
                        self._relabel(connection, *row)
                pending = connection.execute(
                    "SELECT temporary, path, resources.* FROM pending"
                    " JOIN resources ON resources.id = resource"
                ).fetchall()
                for temporary, path, *columns in pending:
                    resource = Resource(*columns)
                    arrived = self._incoming / temporary
                    with suppress(OSError):
                        if arrived.exists():
                            self._move_in(resource, path, arrived)
                    self._enter(connection, resource, path, arrived)
                    self._recount(connection, resource.id)
            removing = self.store.database.connection.execute("SELECT path FROM removing")
            self._remove([row["path"] for row in removing.fetchall()])
            for leftover in self._incoming.iterdir():
                if not _alive(leftover.name.split("-", 1)[0]):
                    leftover.unlink(missing_ok=True)


def _like(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _alive(pid: str) -> bool:
    if not pid.isdecimal():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
