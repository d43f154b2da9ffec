"""The texts of a session's DICOM files, each noted once, also where bytes are no elements.

What has no bounds is a `DataError`: what cannot be checked is not admitted.
"""

import hashlib
import re

from coil.deid.leak.elements import CARVED, Buffer, Element
from coil.errors import DataError

MOST_CARVED = 1 << 26  # bytes of a file that are no elements
MOST_FOUND = 1 << 20  # texts that differ, of a session

_WHOLE = 256  # bytes of a text that is known again by itself, not by its digest
_CARVED_TEXT = 1024  # of a longer one the words are found as runs
_CARVE = re.compile(rb"(?s)(?:AE|DA|DT|LO|LT|PN|SH|ST|TM|UI)(?=..)|(?:UC|UN|UR|UT)\0\0(?=....)")


class Texts:
    """The texts of one session: `found` are the new ones of the file that is read."""

    def __init__(self) -> None:
        self._seen: set[tuple[int, bytes, bytes, bytes, bytes]] = set()
        self.found: list[Element] = []
        self._carved = 0

    def begin(self) -> None:
        """Turn to the next file."""
        self.found, self._carved = [], 0

    def carve(self, data: Buffer, start: int, end: int, charset: bytes, depth: int) -> None:
        """Whatever looks like an element in bytes that are none, and these bytes as they are."""
        self._carved += end - start
        if self._carved > MOST_CARVED:
            raise DataError(
                "a file among the session's cannot be read as DICOM, so it cannot be checked; "
                "repair or remove it in the archive"
            )
        piece = data[start:end]
        for match in _CARVE.finditer(piece):
            size = 2 if len(match[0]) == 2 else 4
            value = match.end() + size
            stop = value + int.from_bytes(piece[match.end() : value], "little")
            if 4 <= stop - value <= min(_CARVED_TEXT, len(piece) - value):
                self.tell(0, match[0][:2].decode(), piece[value:stop], b"", charset, depth)
        self.tell(0, CARVED, piece, b"", charset, depth)

    def tell(
        self, tag: int, vr: str, value: bytes, creators: bytes, charset: bytes, depth: int
    ) -> None:
        """Note a text, if it is the first like it."""
        short = value if len(value) <= _WHOLE else hashlib.blake2b(value, digest_size=16).digest()
        key = (tag, vr.encode(), creators, charset, short)
        if not value or key in self._seen:
            return
        self._seen.add(key)
        if len(self._seen) > MOST_FOUND:
            raise DataError("the session's headers hold too many texts to be checked")
        self.found.append(Element(tag, vr, value, creators, charset, depth))
