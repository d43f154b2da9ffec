"""The archive's listing of a session: `private/<project>/sessions/<unit>.json`.

Snakemake goes by the file's time, so that it is written only where the data are other ones.
"""

from typing import ClassVar

from coil.records import Part, Record


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
