"""Resources and files as the database has them, and where they lie."""

from dataclasses import dataclass
from pathlib import Path

from localxnat.storage.store import Object, Store


@dataclass
class Resource:
    """A row of `resources`; `folder` is relative to the archive's root.

    Nobody knows how many files a catalog has that was never refreshed: its counts are None.
    """

    id: int
    owner: int
    label: str
    folder: str
    format: str
    content: str
    tags: str
    description: str
    file_count: int | None
    file_size: int | None


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


class Catalogs:
    """The resources of a store's objects, for reading."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.root = store.root

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
                session = self.store.session_of(item)
                # Two projects may use one label for what they have below a shared session.
                name = item.label if item.project == session.project else item.id
                return self.object_folder(session) / "ASSESSORS" / name

    def resource_folder(self, item: Object, label: str) -> Path:
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

    def find(self, owner: Object, name: str) -> Resource | None:
        """An object's resource by its label or its ID."""
        row = self.store.database.connection.execute(
            "SELECT * FROM resources WHERE owner = ? AND (label = ? OR CAST(id AS TEXT) = ?)",
            (owner.pk, name, name),
        ).fetchone()
        return Resource(**dict(row)) if row else None

    def files(self, resource: Resource, most: int = -1) -> list[File]:
        """A resource's files by their paths, the first so many of them."""
        rows = self.store.database.connection.execute(
            "SELECT * FROM files WHERE resource = ? ORDER BY path LIMIT ?", (resource.id, most)
        )
        return [File(**dict(row)) for row in rows]

    def file(self, resource: Resource, path: str) -> File | None:
        row = self.store.database.connection.execute(
            "SELECT * FROM files WHERE resource = ? AND path = ?", (resource.id, path)
        ).fetchone()
        return File(**dict(row)) if row else None
