"""Resources and their files: where they lie, how they arrive whole, how they go.

Files are written under `.incoming`, then noted in `pending` (all of an upload in one
transaction), then renamed to their places, then entered in `files`. What goes is noted in
`removing` with the rows that drop it. A process that is killed at any point leaves either
nothing of what it did, or notes from which `recover` does the rest.
"""

import fcntl
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path, PurePosixPath

from localxnat.errors import Refused
from localxnat.incoming import Arrived, Incoming
from localxnat.resource_rows import Catalogs, File, Resource
from localxnat.store import Object, Store, now

GONE = "The object was deleted meanwhile."


class Resources(Catalogs):
    """The resources of a store's objects, with their files on disk."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._incoming = self.root / ".incoming"
        for folder in (self._incoming, self.root / "archive", self.root / "prearchive"):
            folder.mkdir(mode=0o700, exist_ok=True)

    def create(
        self,
        owner: Object,
        label: str,
        format: str = "",
        content: str = "",
        tags: str = "",
        description: str = "",
    ) -> Resource:
        """A new resource; 409 if the object has one of this label."""
        with self.store.database.write() as connection:
            current = self.store.by_pk(owner.pk)
            if current is None:
                raise Refused(404, GONE)
            folder = self.resource_folder(current, label).as_posix()
            try:
                cursor = connection.execute(
                    "INSERT INTO resources (owner, label, folder, format, content, tags,"
                    " description) VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (owner.pk, label, folder, format, content, tags, description),
                )
            except sqlite3.IntegrityError:
                raise Refused(409, "Specified resource already exists.") from None
            self.store.touch(owner)
            row = connection.execute(
                "SELECT * FROM resources WHERE id = ?", (cursor.lastrowid,)
            ).fetchone()
            return Resource(**dict(row))

    def incoming(self) -> Incoming:
        """A place for a file that arrives; always on the archive's own file system."""
        return Incoming(self._incoming)

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        with (self.root / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def commit(
        self,
        owner: Object,
        resource: Resource | Callable[[], Resource],
        arrived: Iterable[Arrived],
        *,
        overwrite: bool = False,
        format: str = "",
        content: str = "",
        tags: str = "",
    ) -> list[str]:
        """Put arrived files in place; the paths of those that exist already and stay as they are.

        With `overwrite` they are replaced. A path below a name that is a file is refused (409).
        `resource` may be what makes it: a resource comes with its first files or not at all.
        """
        duplicates: list[str] = []
        waiting = list(arrived)
        notes: list[Arrived] = []
        with self._exclusive():
            with self.store.database.write() as connection:
                # Only now does nobody rename or delete it.
                found = self._current(resource if isinstance(resource, Resource) else resource())
                _check_together([item.path for item in waiting])
                for item in waiting:
                    if not overwrite and self.file(found, item.path):
                        duplicates.append(item.path)
                        continue
                    self._check_place(found, item.path)
                    connection.execute(
                        "INSERT OR REPLACE INTO pending VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                        (
                            item.temporary.name,
                            found.id,
                            item.path,
                            item.size,
                            item.digest,
                            format,
                            content,
                            tags,
                        ),
                    )
                    notes.append(item)
            try:
                for item in notes:
                    self._place(found, item.path, item.temporary)
            finally:
                # All of them, unless the disk is full or the like: then what has its place.
                if notes:
                    with self.store.database.write() as connection:
                        for item in notes:
                            self._settle(connection, found, item.path, item.temporary)
                        self._recount(connection, found.id)
                        self.store.touch(owner)
        for item in waiting:
            item.temporary.unlink(missing_ok=True)
        return duplicates

    def _current(self, resource: Resource) -> Resource:
        row = self.store.database.connection.execute(
            "SELECT * FROM resources WHERE id = ?", (resource.id,)
        ).fetchone()
        if row is None:
            raise Refused(404, GONE)
        return Resource(**dict(row))

    def _place(self, resource: Resource, path: str, temporary: Path) -> None:
        target = self.path_of(resource, path)
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary.replace(target)

    def _check_place(self, resource: Resource, path: str) -> None:
        target = self.path_of(resource, path)
        folder = self.root / resource.folder
        above = [parent for parent in target.parents if folder in parent.parents]
        if target.is_dir() or any(parent.is_file() for parent in above):
            raise Refused(409, "A file and a folder cannot have the same name.")

    def _settle(
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

    def recover(self) -> None:
        """Finish what a killed process had noted, and sweep what nobody is writing."""
        with self._exclusive():
            with self.store.database.write() as connection:
                for row in connection.execute("SELECT * FROM renaming").fetchall():
                    if (self.root / row["old"]).exists():
                        connection.execute(
                            "DELETE FROM renaming WHERE object = ?", (row["object"],)
                        )
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
                            self._place(resource, path, arrived)
                    self._settle(connection, resource, path, arrived)
                    self._recount(connection, resource.id)
            removing = self.store.database.connection.execute("SELECT path FROM removing")
            self._remove([row["path"] for row in removing.fetchall()])
            for leftover in self._incoming.iterdir():
                if not _alive(leftover.name.split("-", 1)[0]):
                    leftover.unlink(missing_ok=True)

    def _note(self, connection: sqlite3.Connection, paths: list[str]) -> None:
        connection.executemany(
            "INSERT OR IGNORE INTO removing VALUES (?)", [(path,) for path in paths]
        )

    def _remove(self, paths: list[str]) -> None:
        """Remove files and folders that are noted to go, and their notes."""
        for path in paths:
            place = self.root / path
            if place.is_dir() and not place.is_symlink():
                shutil.rmtree(place, ignore_errors=True)
            else:
                place.unlink(missing_ok=True)
        with self.store.database.write() as connection:
            connection.executemany(
                "DELETE FROM removing WHERE path = ?", [(path,) for path in paths]
            )

    def rename(self, item: Object, label: str) -> None:
        """Give an object a new label, and its folder the new name; 409 if it is taken."""
        with self._exclusive():
            with self.store.database.write() as connection:
                current = self.store.by_pk(item.pk)
                if current is None:
                    raise Refused(404, GONE)
                old = self.object_folder(current).as_posix()
                new = self.object_folder(replace(current, label=label)).as_posix()
                taken = connection.execute(
                    "SELECT 1 FROM objects WHERE project = ? AND label = ? AND"
                    " (kind = 'subject') = ? AND kind != 'project' AND kind != 'scan'",
                    (item.project, label, item.kind == "subject"),
                ).fetchone()
                if taken or (self.root / new).exists():
                    raise Refused(409, "The label is in use.")
                note = (item.pk, label, old, new)
                connection.execute("INSERT OR REPLACE INTO renaming VALUES (?, ?, ?, ?)", note)
            if (self.root / old).exists():
                (self.root / old).rename(self.root / new)
            with self.store.database.write() as connection:
                self._relabel(connection, *note)
        item.label = label

    def _relabel(
        self, connection: sqlite3.Connection, pk: int, label: str, old: str, new: str
    ) -> None:
        stamp = now()
        connection.execute(
            "UPDATE objects SET label = ?, last_modified = ? WHERE pk = ?", (label, stamp, pk)
        )
        connection.execute(
            "UPDATE resources SET folder = ? || substr(folder, ?) WHERE folder LIKE ? ESCAPE '\\'",
            (new, len(old) + 1, _like(old) + "/%"),
        )
        connection.execute("DELETE FROM renaming WHERE object = ?", (pk,))

    def correct(
        self, owner: Object, resource: Resource, entered: list[File], gone: list[str]
    ) -> None:
        """Enter rows as they are given, and drop those of paths that are gone."""
        with self._exclusive(), self.store.database.write() as connection:
            for file in entered:
                connection.execute(
                    "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?)",
                    tuple(vars(file).values()),
                )
            for path in gone:
                connection.execute(
                    "DELETE FROM files WHERE resource = ? AND path = ?", (resource.id, path)
                )
            if entered or gone:
                self._recount(connection, resource.id)
                self.store.touch(owner)

    def delete_file(self, owner: Object, resource: Resource, path: str) -> None:
        with self._exclusive():
            with self.store.database.write() as connection:
                place = f"{self._current(resource).folder}/{path}"
                connection.execute(
                    "DELETE FROM files WHERE resource = ? AND path = ?", (resource.id, path)
                )
                self._recount(connection, resource.id)
                self.store.touch(owner)
                self._note(connection, [place])
            self._remove([place])

    def delete(self, owner: Object, resource: Resource, *, files: bool) -> None:
        with self._exclusive():
            with self.store.database.write() as connection:
                folders = [self._current(resource).folder] if files else []
                connection.execute("DELETE FROM resources WHERE id = ?", (resource.id,))
                self.store.touch(owner)
                self._note(connection, folders)
            self._remove(folders)

    def delete_object(self, item: Object, *, files: bool) -> None:
        """Remove an object, all below it and, if asked, their files."""
        with self._exclusive():
            with self.store.database.write() as connection:
                current = self.store.by_pk(item.pk)
                if current is None:
                    raise Refused(404, GONE)
                below = self.store.children(current, "experiment") if item.kind == "subject" else []
                places = [self.object_folder(one).as_posix() for one in (current, *below)]
                folders = places if files else []
                self.store.delete(current)
                self._note(connection, folders)
            self._remove(folders)


def _check_together(paths: list[str]) -> None:
    """409 when one of the paths of an upload is a folder of another."""
    names = set(paths)
    if any(str(parent) in names for path in paths for parent in PurePosixPath(path).parents):
        raise Refused(409, "A file and a folder cannot have the same name.")


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
