"""Resources and their files: where they lie, how they arrive whole, how they go.

Files are written under `.incoming`, then noted in `pending` (all of an upload in one
transaction), then renamed to their places, then entered in `files`. What goes is noted in
`removing` with the rows that drop it. A process that is killed at any point leaves either
nothing of what it did, or notes from which `recover` does the rest.
"""

import sqlite3
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path, PurePosixPath

from localxnat.errors import Refused
from localxnat.storage.archives import ORDINARY, Unpacking, extract
from localxnat.storage.incoming import Arrived, Incoming
from localxnat.storage.moves import GONE, Moves
from localxnat.storage.resource_rows import File, Resource
from localxnat.storage.store import Object, Store


class Resources(Moves):
    """The resources of a store's objects, with their files on disk."""

    def __init__(self, store: Store, unpacking: Unpacking = ORDINARY) -> None:
        super().__init__(store)
        self._unpacking = unpacking

    def unpack(self, archive: Path, name: str) -> list[Arrived]:
        """The files in an uploaded archive, all arrived or none; 400 for what may not be one."""
        return extract(archive, name, self.incoming, self._unpacking)

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
                    self._check_path(found, item.path)
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
                    self._move_in(found, item.path, item.temporary)
            finally:
                # All of them, unless the disk is full or the like: then what has its place.
                if notes:
                    with self.store.database.write() as connection:
                        for item in notes:
                            self._enter(connection, found, item.path, item.temporary)
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

    def _check_path(self, resource: Resource, path: str) -> None:
        target = self.path_of(resource, path)
        folder = self.root / resource.folder
        above = [parent for parent in target.parents if folder in parent.parents]
        if target.is_dir() or any(parent.is_file() for parent in above):
            raise Refused(409, "A file and a folder cannot have the same name.")

    def correct(
        self,
        owner: Object,
        resource: Resource,
        entered: list[File],
        gone: list[str],
        *,
        count: bool = False,
    ) -> None:
        """Enter rows as they are given, and drop those of paths that are gone.

        What is counted anew is the files of a resource that changed, or with `count` of any.
        """
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
            if entered or gone or count:
                self._recount(connection, resource.id)
            if entered or gone:
                self.store.touch(owner)

    def delete_files(self, owner: Object, resource: Resource, paths: list[str]) -> None:
        """Remove files, and the folders within the resource that are empty then."""
        with self._exclusive():
            with self.store.database.write() as connection:
                folder = self._current(resource).folder
                gone = [f"{folder}/{path}" for path in paths]
                connection.executemany(
                    "DELETE FROM files WHERE resource = ? AND path = ?",
                    [(resource.id, path) for path in paths],
                )
                self._recount(connection, resource.id)
                self.store.touch(owner)
                self._note(connection, gone)
            self._remove(gone)
            self._prune(folder, paths)

    def _prune(self, folder: str, paths: list[str]) -> None:
        above = {parent for path in paths for parent in PurePosixPath(path).parents}
        for one in sorted(above - {PurePosixPath()}, reverse=True):
            with suppress(OSError):  # something is in it
                (self.root / folder / one).rmdir()

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
                below_root = [self.object_folder(one).as_posix() for one in (current, *below)]
                folders = below_root if files else []
                self.store.delete(current)
                self._note(connection, folders)
            self._remove(folders)


def _check_together(paths: list[str]) -> None:
    """409 when one of the paths of an upload is a folder of another."""
    names = set(paths)
    if any(str(parent) in names for path in paths for parent in PurePosixPath(path).parents):
        raise Refused(409, "A file and a folder cannot have the same name.")
