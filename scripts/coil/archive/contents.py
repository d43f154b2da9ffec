"""The files of one session with their digests, as the archive lists them."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from coil.archive.client import Archive, part
from coil.archive.listing import IMAGES

OF_SCANS = "scans/"
"""The beginning of the label of a resource that scans have; no label itself holds a slash."""

Key = tuple[str, str, str]
"""A file's scan, resource and path."""


@dataclass(frozen=True, order=True)
class ArchiveFile:
    """One file of a session.

    `scan` is empty for a file of a session resource; `path` is relative to the
    resource; `digest` is an MD5, or empty where the archive has none.
    """

    scan: str
    resource: str
    path: str
    bytes: int
    digest: str

    @property
    def is_image(self) -> bool:
        """Whether it is a scan's image, and not a file beside the images."""
        return bool(self.scan) and self.resource in IMAGES

    @property
    def key(self) -> Key:
        """The key by which a file is told from the session's others."""
        return self.scan, self.resource, self.path


@dataclass(frozen=True)
class Contents:
    """The files of a session that count, and the bytes of `others` by scan."""

    files: Sequence[ArchiveFile]
    others: dict[str, int]


def read(archive: Archive, session_id: str, resources: Iterable[str]) -> Contents:
    """The files of all scans in one request, and those of each session resource in one.

    Of the scans' files the images count, and those of `resources` that are `scans/LABEL`.
    """
    base = f"/data/experiments/{part(session_id)}"
    found: list[ArchiveFile] = []
    others: dict[str, int] = {}
    labels = set(resources)
    of_scans = {label[len(OF_SCANS) :] for label in labels if label.startswith(OF_SCANS)}
    for file in map(_file, archive.rows(f"{base}/scans/ALL/files")):
        if file.resource in IMAGES or file.resource in of_scans:
            found.append(file)
        else:
            others[file.scan] = others.get(file.scan, 0) + file.bytes
    for label in sorted(label for label in labels if not label.startswith(OF_SCANS)):
        rows = archive.rows(f"{base}/resources/{part(label)}/files", absent_ok=True)
        found += map(_file, rows)
    return Contents(sorted(found), others)


def list_files(
    archive: Archive, session_id: str, resources: Iterable[str]
) -> Sequence[ArchiveFile]:
    """The files that count: images of all scans, and those of some resources."""
    return read(archive, session_id, resources).files


def digest(files: Sequence[ArchiveFile]) -> str:
    """A digest of the contents: of names and sizes, and of the MD5s.

    The second is empty where the archive does not know the MD5 of each file: a catalog that
    is stale says nothing, and must not look like other data.
    """
    names, digests = hashlib.sha256(), hashlib.sha256()
    for file in sorted(files):
        line = "\x00".join((file.scan, file.resource, file.path, str(file.bytes)))
        names.update(line.encode() + b"\n")
        digests.update(file.digest.encode() + b"\n")
    known = all(file.digest for file in files)
    return f"{names.hexdigest()[:32]}-{digests.hexdigest()[:32] if known else ''}"


def same(one: str, other: str) -> bool:
    """Whether two results of `digest` are of the same contents, as far as is known."""
    (names, _, digests), (others, _, theirs) = one.partition("-"), other.partition("-")
    return names == others and (digests == theirs or not digests or not theirs)


def _file(row: dict[str, str]) -> ArchiveFile:
    """A row of a files listing; its URI ends in [scans/ID/]resources/R/files/PATH."""
    uri, name = row.get("URI", ""), row.get("Name", "")
    before, _, path = uri.partition("/files/")
    _, _, scan = before.partition("/scans/")
    # Servers differ in whether they encode; where the name itself holds a %, it tells.
    plain = "%" in name and path.endswith(name)
    return ArchiveFile(
        scan=unquote(scan.split("/")[0]) if scan else "",
        resource=row.get("collection", ""),
        path=(path if plain else unquote(path)) or name,
        bytes=int(row.get("Size") or 0),
        digest=(row.get("digest") or "").lower(),
    )
