"""Every text of a DICOM file, at every depth, read from its bytes.

The encodings are those of PS3.10 section 7 and PS3.5 annex A: with and without preamble, both byte
orders, deflated; whole files within elements. The data set itself is walked by
`coil.deid.leak.datasets`.

Where bytes cannot be read as elements (a file that was cut off, a length that is wrong), all that
reads like an element or like text is carved out of them, so that nothing is missed. What has no
bounds (of depth, of size) is a `DataError`: what cannot be checked is not admitted.
"""

import mmap
import zlib
from pathlib import Path

from coil.deid.leak import elements
from coil.deid.leak.datasets import LARGE, DatasetWalk
from coil.deid.leak.elements import CARVED, BrokenError, Buffer, Element
from coil.errors import DataError

MOST_INFLATED = 1 << 29

_MAPPED = 1 << 17  # a file from this size on is mapped, as its pixels are not looked at


class Walk(DatasetWalk):
    """The walk through the files of one session."""

    def file(self, path: Path) -> list[Element]:
        """The texts of a file that no file before had.

        Raises DataError if they cannot be told within bounds of depth and size.
        """
        with path.open("rb") as stream:
            data: Buffer = stream.read(_MAPPED)
            if len(data) == _MAPPED:
                data = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
            return self.read(data)

    def read(self, data: Buffer) -> list[Element]:
        """The same of the bytes of a file."""
        self._texts.begin()
        self._file(data, 0)
        return self._texts.found

    def _file(self, data: Buffer, depth: int) -> None:
        pos = 0
        if data[128:132] == b"DICM":
            if data[:128].strip(b"\0"):
                self._texts.tell(0, CARVED, data[:128], b"", b"", depth)
            pos = 132
        elif data[:2] not in (b"\2\0", b"\x08\0", b"\0\x08"):
            self._texts.carve(data, 0, len(data), b"", depth)
            return
        start, transfer = pos, b""
        meta = self._syntax(False, "<", b"")
        try:
            while data[pos : pos + 2] == b"\2\0":
                start, key = pos, data[pos : pos + 8]
                before = self._meta.get(key)
                if before and data[pos : pos + len(before)] == before:
                    pos += len(before)
                else:
                    pos, _ = self._element(data, pos, len(data), meta, b"", depth)
                    if self._learns and pos - start <= LARGE:
                        self._meta[key] = data[start:pos]
                if data[start : start + 4] == b"\2\0\x10\0":
                    transfer = data[start + 8 : pos].strip(b"\0 ")
        except BrokenError:
            self._texts.carve(data, start, len(data), b"", depth)
            return
        if transfer == elements.DEFLATED:
            start, pos, data = 0, 0, self._inflated(data[pos:], depth)
        order = ">" if transfer == elements.BIG or data[pos : pos + 2] == b"\0\x08" else "<"
        syntax = self._syntax(transfer == elements.IMPLICIT, order, b"")
        try:
            self._dataset(data, pos, len(data), syntax, depth, open_end=False)
        except BrokenError as broken:
            since = start if broken.pos == pos else broken.pos
            self._texts.carve(data, since, len(data), syntax.charset, depth)

    def _inflated(self, data: bytes, depth: int) -> bytes:
        """The data set of a deflated file, as far as it goes."""
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            whole = inflater.decompress(data, MOST_INFLATED)
        except zlib.error:
            self._texts.carve(data, 0, len(data), b"", depth)
            return b""
        if inflater.unconsumed_tail:
            raise DataError(
                "a deflated DICOM file is too large to be checked; inflate it in the archive"
            )
        return whole
