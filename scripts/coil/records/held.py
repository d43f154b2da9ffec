"""The state of the archive that was pulled of a session: `private/<project>/pulled/<unit>.json`.

Discovery compares with it when the archive says that the session was touched.
"""

from typing import ClassVar

from coil.records import Record


class HeldFiles(Record, frozen=True, kw_only=True):
    """The digest of the files that the archive held (`coil.archive.contents.digest`)."""

    VERSION: ClassVar[int] = 1

    held: str
