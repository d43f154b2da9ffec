"""Catalog refresh: rows brought in step with files that came or went behind the server's back."""

import hashlib
from pathlib import Path

from localxnat.storage.archives import CHUNK
from localxnat.storage.resources import File, Resource, Resources
from localxnat.storage.store import Object


def refresh(resources: Resources, owner: Object, resource: Resource, options: set[str]) -> None:
    """Bring a resource's rows in step with its folder.

    `append` enters files that have no row, `delete` drops rows that have no file, `checksum`
    takes the digest and the size of every file again, `populateStats` counts the files.
    """
    folder = resources.root / resource.folder
    on_disk = {
        path.relative_to(folder).as_posix(): path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }
    rows = {file.path: file for file in resources.files(resource)}
    entered = [
        _read(resource, name, path, rows.get(name))
        for name, path in on_disk.items()
        if (name in rows and "checksum" in options) or (name not in rows and "append" in options)
    ]
    gone = [name for name in rows if name not in on_disk] if "delete" in options else []
    resources.correct(owner, resource, entered, gone, count="populateStats" in options)


def _read(resource: Resource, name: str, path: Path, row: File | None) -> File:
    md5 = hashlib.md5(usedforsecurity=False)
    size = 0
    with path.open("rb") as source:
        while data := source.read(CHUNK):
            md5.update(data)
            size += len(data)
    kept = row or File(resource.id, name, 0, "")
    return File(resource.id, name, size, md5.hexdigest(), kept.format, kept.content, kept.tags)
