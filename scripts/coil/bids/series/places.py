"""Where the attributes of a DICOM file lie, in its usual encodings (PS3.5 section 7)."""

import mmap
import struct
from functools import cached_property
from pathlib import Path
from typing import Any

BEGIN = 132  # behind the preamble and `DICM`
PIXELS = (0x7FE00008, 0x7FE00009, 0x7FE00010)
UNDEFINED = _NO_TAG = 0xFFFFFFFF
_ITEM, _ITEM_ENDS, _SEQUENCE_ENDS = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD

TEXTS = frozenset(["AE", "AS", "CS", "DA", "DT", "LO", "PN", "SH", "TM", "UC", "UI"])
WHOLE_TEXTS = frozenset(["LT", "ST", "UR", "UT"])
BYTES = frozenset(["OB", "OD", "OF", "OL", "OV", "OW"])
NUMBERS = {
    "US": "H", "SS": "h", "UL": "I", "SL": "i", "UV": "Q", "SV": "q", "FL": "f", "FD": "d",
    "AT": "I",
}  # fmt: skip
LONG = frozenset(vr.encode() for vr in (*BYTES, "SQ", "SV", "UC", "UN", "UR", "UT", "UV"))
_SHORT = frozenset(
    vr.encode() for vr in (*TEXTS, *WHOLE_TEXTS, *NUMBERS, "DS", "IS")
) - LONG  # fmt: skip

_element = struct.Struct("<HH2sH").unpack_from
_implicit = struct.Struct("<HHI").unpack_from
_length = struct.Struct("<I").unpack_from


class UnusualError(Exception):
    """The file is encoded in a way that is left to pydicom, or it is broken."""


class Found:
    """Where the values of a header lie in its file: VR (b"" if implicit), start and end by tag.

    An item of a sequence of known length is walked through when it is first looked into.
    `nested` has the items of the sequences that had to be, to find where they end.
    """

    def __init__(
        self, data: Any, explicit: bool, start: int, end: int, stop: int = _NO_TAG
    ) -> None:
        self.data, self.explicit = data, explicit
        self.meta: Found | None = None  # before the root
        self._range = (start, end, stop)
        self.nested: dict[int, list[Found]] = {}

    @cached_property
    def places(self) -> dict[int, tuple[bytes, int, int]]:
        """The places by tag."""
        return self._walked[0]

    @property
    def end(self) -> int:
        """Where the data set ends, or the attribute stands that it stopped before."""
        return self._walked[1]

    def text(self, tag: int) -> str:
        """The text at `tag`, as it is written."""
        _, start, end = self.places.get(tag, (b"", 0, 0))
        return bytes(self.data[start:end]).decode("latin-1").strip(" \0")

    def items(self, tag: int) -> "list[Found]":
        """The items of the sequence at `tag`."""
        _, start, end = self.places[tag]
        if tag not in self.nested:
            self.nested[tag] = self._items(start, end)[0]
        return self.nested[tag]

    @cached_property
    def _walked(self) -> tuple[dict[int, tuple[bytes, int, int]], int]:
        places: dict[int, tuple[bytes, int, int]] = {}
        data, explicit = self.data, self.explicit
        position, end, stop = self._range
        while position < end:
            group, element, vr, length = _element(data, position)
            tag = group << 16 | element
            if tag >= stop:
                if stop == PIXELS[0] and tag not in PIXELS:
                    raise UnusualError
                break
            if tag == _ITEM_ENDS:
                position += 8
                break
            start = position + 8
            if not explicit:
                (length,) = _length(data, position + 4)
                vr = b""
            elif vr in LONG:
                (length,) = _length(data, start)
                start += 4
            elif vr not in _SHORT:
                raise UnusualError
            if length == UNDEFINED:
                if vr not in (b"SQ", b""):
                    raise UnusualError
                self.nested[tag], position = self._items(start, end)
            else:
                position = start + length
            if position > end:
                raise UnusualError
            places[tag] = (vr, start, position)
        return places, position

    def _items(self, position: int, end: int) -> "tuple[list[Found], int]":
        """The items of a sequence, and where it ends."""
        found = []
        while position + 8 <= end:
            group, element, length = _implicit(self.data, position)
            position += 8
            if group << 16 | element == _SEQUENCE_ENDS:
                break
            if group << 16 | element != _ITEM:
                raise UnusualError
            last = end if length == UNDEFINED else position + length
            found.append(Found(self.data, self.explicit, position, last))
            position = found[-1].end if length == UNDEFINED else last
        return found, position


def mapped(path: Path) -> mmap.mmap:
    """A file as bytes; `ValueError` if it is empty."""
    with path.open("rb") as stream:
        return mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)


def find(data: Any, stop: int) -> Found:
    """The attributes before the tag `stop`."""
    if data[BEGIN - 4 : BEGIN] != b"DICM":
        raise UnusualError
    meta = Found(data, True, BEGIN, len(data), 0x00030000)
    syntax = meta.text(0x00020010)
    if not syntax.startswith("1.2.840.10008.1.2") or syntax.endswith((".2.2", ".1.99")):
        raise UnusualError  # big endian, deflated, unknown
    found = Found(data, syntax != "1.2.840.10008.1.2", meta.end, len(data), stop)
    _ = found.places
    found.meta = meta
    return found
