"""Resources and their files: where they lie, how they arrive whole, how they go.

A file is written under `.incoming`, then noted in `pending`, then renamed to its place, then
entered in `files`. A process that is killed at any point leaves either the old file with its
old row, or a note from which `recover` enters the new one.
"""

import fcntl
import os
import shutil
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from localxnat.errors import Refused
from localxnat.incoming import Arrived, Incoming
from localxnat.store import Object, Store, now, scan_order


@dataclass
class Resource:
    """A row of `resources`; `folder` is relative to the archive's root."""

    id: int
    owner: int
    label: str
    folder: str
    format: str
    content: str
    tags: str
    description: str
    file_count: int
    file_size: int


@dataclass
class File:
    """A row of `files`; `path` is relative to the resource's folder."""

    resource: int
    path: str
    size: int
    digest: str
    format: str = ""
    content: str = ""
    tags: str = ""


class Resources:
    """The resources of a store's objects, with their files on disk."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.root = store.root
        self._incoming = self.root / ".incoming"
        self._incoming.mkdir(mode=0o700, exist_ok=True)

    # Where things lie ------------------------------------------------------------------------

    def object_folder(self, item: Object) -> Path:
        """The folder of an object below the root, as XNAT's archive has it."""
        project = Path("archive") / item.project
        match item.kind:
            case "project":
                return project
            case "subject":
                return project / "subjects" / item.label
            case "experiment":
                return project / "arc001" / item.label
            case "scan":
                return self.object_folder(self.store.session_of(item)) / "SCANS" / item.id
            case "reconstruction":
                return self.object_folder(self.store.session_of(item)) / "PROCESSED" / item.id
            case _:
                return self.object_folder(self.store.session_of(item)) / "ASSESSORS" / item.label

    def _resource_folder(self, item: Object, label: str) -> Path:
        folder = self.object_folder(item)
        if item.kind == "project":
            return folder / "resources" / label
        if item.kind == "experiment":
            return folder / "RESOURCES" / label
        return folder / label

    def path_of(self, resource: Resource, path: str) -> Path:
        return self.root / resource.folder / path

    # Finding ---------------------------------------------------------------------------------

    def of(self, owner: Object) -> list[Resource]:
        rows = self.store.database.connection.execute(
            "SELECT * FROM resources WHERE owner = ? ORDER BY id", (owner.pk,)
        )
        return [Resource(**dict(row)) for row in rows]

    def scans(self, session: Object) -> list[tuple[Object, Resource | None]]:
        """A session's scans with their resources, by one query; None for a scan without."""
        rows = self.store.database.connection.execute(
            "SELECT objects.*, resources.* FROM objects LEFT JOIN resources"
            " ON resources.owner = objects.pk WHERE parent = ? AND kind = 'scan'"
            " ORDER BY resources.id",
            (session.pk,),
        ).fetchall()
        found = [(Object.of(row), Resource(*row[11:]) if row[11] else None) for row in rows]
        return sorted(found, key=lambda pair: scan_order(pair[0].id))

    def find(self, owner: Object, name: str) -> Resource | None:
        """An object's resource by its label or its ID."""
        row = self.store.database.connection.execute(
            "SELECT * FROM resources WHERE owner = ? AND (label = ? OR CAST(id AS TEXT) = ?)",
            (owner.pk, name, name),
        ).fetchone()
        return Resource(**dict(row)) if row else None

    def files(self, resource: Resource) -> list[File]:
        rows = self.store.database.connection.execute(
            "SELECT * FROM files WHERE resource = ? ORDER BY path", (resource.id,)
        )
        return [File(**dict(row)) for row in rows]

    def file(self, resource: Resource, path: str) -> File | None:
        row = self.store.database.connection.execute(
            "SELECT * FROM files WHERE resource = ? AND path = ?", (resource.id, path)
        ).fetchone()
        return File(**dict(row)) if row else None

    # Changing --------------------------------------------------------------------------------

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
        folder = self._resource_folder(owner, label).as_posix()
        with self.store.database.write() as connection:
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
        resource: Resource,
        arrived: Iterable[Arrived],
        *,
        overwrite: bool = False,
        format: str = "",
        content: str = "",
        tags: str = "",
    ) -> list[str]:
        """Put arrived files in place; the paths of those that exist already and stay as they are.

        With `overwrite` they are replaced. A path below a name that is a file is refused (409).
        """
        duplicates: list[str] = []
        waiting = list(arrived)
        with self._exclusive():
            notes: list[Arrived] = []
            with self.store.database.write() as connection:
                for item in waiting:
                    if not overwrite and self.file(resource, item.path):
                        duplicates.append(item.path)
                        item.temporary.unlink()
                        continue
                    self._check_place(resource, item.path)
                    connection.execute(
                        "INSERT INTO pending VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                        (
                            item.temporary.name,
                            resource.id,
                            item.path,
                            item.size,
                            item.digest,
                            format,
                            content,
                            tags,
                        ),
                    )
                    notes.append(item)
            for item in notes:
                target = self.path_of(resource, item.path)
                target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                item.temporary.replace(target)
            with self.store.database.write() as connection:
                for item in notes:
                    self._enter(connection, item.temporary.name)
                if notes:
                    self._recount(connection, resource.id)
                    self.store.touch(owner)
        return duplicates

    def _check_place(self, resource: Resource, path: str) -> None:
        target = self.path_of(resource, path)
        folder = self.root / resource.folder
        above = [parent for parent in target.parents if folder in parent.parents]
        if target.is_dir() or any(parent.is_file() for parent in above):
            raise Refused(409, "A file and a folder cannot have the same name.")

    def _enter(self, connection: sqlite3.Connection, temporary: str) -> None:
        connection.execute(
            "INSERT OR REPLACE INTO files (resource, path, size, digest, format, content, tags)"
            " SELECT resource, path, size, digest, format, content, tags FROM pending"
            " WHERE temporary = ?",
            (temporary,),
        )
        connection.execute("DELETE FROM pending WHERE temporary = ?", (temporary,))

    def _recount(self, connection: sqlite3.Connection, resource: int) -> None:
        connection.execute(
            "UPDATE resources SET (file_count, file_size) = (SELECT COUNT(*),"
            " COALESCE(SUM(size), 0) FROM files WHERE resource = resources.id) WHERE id = ?",
            (resource,),
        )

    def recover(self) -> None:
        """Finish or undo what a killed process left, and sweep what nobody is writing."""
        with self._exclusive():
            with self.store.database.write() as connection:
                for row in connection.execute("SELECT * FROM pending").fetchall():
                    if (self._incoming / row["temporary"]).exists():
                        connection.execute(
                            "DELETE FROM pending WHERE temporary = ?", (row["temporary"],)
                        )
                    else:
                        self._enter(connection, row["temporary"])
                        self._recount(connection, row["resource"])
                for row in connection.execute("SELECT * FROM renaming").fetchall():
                    if (self.root / row["old"]).exists():
                        connection.execute(
                            "DELETE FROM renaming WHERE object = ?", (row["object"],)
                        )
                    else:
                        self._relabel(connection, *row)
            for leftover in self._incoming.iterdir():
                if not _alive(leftover.name.split("-", 1)[0]):
                    leftover.unlink(missing_ok=True)

    def rename(self, item: Object, label: str) -> None:
        """Give an object a new label, and its folder the new name; 409 if it is taken."""
        old = self.object_folder(item).as_posix()
        new = self.object_folder(replace(item, label=label)).as_posix()
        with self._exclusive():
            with self.store.database.write() as connection:
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
                connection.execute(
                    "DELETE FROM files WHERE resource = ? AND path = ?", (resource.id, path)
                )
                self._recount(connection, resource.id)
                self.store.touch(owner)
            self.path_of(resource, path).unlink(missing_ok=True)

    def delete(self, owner: Object, resource: Resource, *, files: bool) -> None:
        with self._exclusive():
            with self.store.database.write() as connection:
                connection.execute("DELETE FROM resources WHERE id = ?", (resource.id,))
                self.store.touch(owner)
            if files:
                shutil.rmtree(self.root / resource.folder, ignore_errors=True)

    def delete_object(self, item: Object, *, files: bool) -> None:
        """Remove an object, all below it and, if asked, their files."""
        folders = [self.object_folder(item)]
        if item.kind == "subject":
            experiments = self.store.children(item, "experiment")
            folders += [self.object_folder(experiment) for experiment in experiments]
        with self._exclusive():
            self.store.delete(item)
            if files:
                for folder in folders:
                    shutil.rmtree(self.root / folder, ignore_errors=True)


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
