"""An index of what was listed: `private/<project>/listed.json`.

With it an invocation where nothing changed reads no session's own file.
"""

from typing import ClassVar

from coil.records import Record


class ListedIndex(Record, frozen=True, kw_only=True):
    """For each session ID a digest of its scans as listed, and when it was last touched."""

    VERSION: ClassVar[int] = 1

    sessions: dict[str, tuple[str, str]] = {}
