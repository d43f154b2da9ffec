"""The archive's listing of a session: `private/<project>/sessions/<unit>.json`.

Snakemake goes by the file's time, so that it is written only where the data are other ones.
"""

import functools
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from coil.records import Part, Record

UNCOUNTED = 200_000_000
"""Bytes that a scan is taken to have where the archive does not tell."""


class Scan(Part, frozen=True):
    """One scan as the listing tells it; `files` and `bytes` count its image resources.

    They are None where the archive has not counted them: 0 is to have none.
    """

    scan: str
    type: str = ""
    series_description: str = ""
    quality: str = ""
    note: str = ""
    frames: str = ""
    files: int | None = 0
    bytes: int | None = 0


class ListedSession(Record, frozen=True, kw_only=True):
    """The scans of a session that are wanted, and what tells of a change of them.

    held         a digest of the session's files, "" where the listing tells enough
    fingerprint  of scans and files together
    home_labels  of a shared session and its subject in their own project
    salt         what nobody can guess: Snakemake notes a digest of the file
    """

    VERSION: ClassVar[int] = 1

    scans: tuple[Scan, ...]
    held: str = ""
    fingerprint: str = ""
    home_labels: tuple[str, ...] = ()
    salt: str = ""


def size(scans: Iterable[Scan]) -> int:
    """The bytes of the images of scans, each that is not counted taken for `UNCOUNTED`."""
    return sum(UNCOUNTED if scan.bytes is None else scan.bytes for scan in scans)


@functools.cache
def listed_bytes(path: Path) -> int:
    """The bytes of a session's images by its file; 0 where discovery left none of this form."""
    session = ListedSession.read_or_none(path)
    return size(session.scans) if session else 0
