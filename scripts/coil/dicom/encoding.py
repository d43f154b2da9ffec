"""How the elements of a DICOM file are encoded (PS3.5 sections 6.2, 7 and A.4)."""

import struct
from collections.abc import Iterable
from functools import cache
from typing import Any

BEGIN = 132  # behind the preamble and `DICM`
SYNTAX = 0x00020010
PIXELS = (0x7FE00010, 0x7FE00008, 0x7FE00009)
FIRST_PIXELS = min(PIXELS)
UNDEFINED = NO_TAG = 0xFFFFFFFF
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
OPEN = -1  # the end of a value of undefined length
DEEPEST = 64  # sequences within each other

EXPLICIT, IMPLICIT, DEFLATED, BIG = (
    "1.2.840.10008.1.2.1",
    "1.2.840.10008.1.2",
    "1.2.840.10008.1.2.1.99",
    "1.2.840.10008.1.2.2",
)

TEXTS = frozenset(["AE", "AS", "CS", "DA", "DT", "LO", "PN", "SH", "TM", "UC", "UI"])
WHOLE_TEXTS = frozenset(["LT", "ST", "UR", "UT"])
BYTES = frozenset(["OB", "OD", "OF", "OL", "OV", "OW"])
NUMBERS = {
    "US": "H", "SS": "h", "UL": "I", "SL": "i", "UV": "Q", "SV": "q", "FL": "f", "FD": "d",
    "AT": "I",
}  # fmt: skip
# VRs whose length has four bytes, and those whose has two.
LONG = frozenset(vr.encode() for vr in (*BYTES, "SQ", "SV", "UC", "UN", "UR", "UT", "UV"))
SHORT = frozenset(
    vr.encode() for vr in (*TEXTS, *WHOLE_TEXTS, *NUMBERS, "DS", "IS")
) - LONG  # fmt: skip

_explicit = struct.Struct("<HH2sH").unpack_from
_item = struct.Struct("<HHI").unpack_from
_length = struct.Struct("<I").unpack_from


class UnusualError(Exception):
    """The file is encoded in a way that is left to pydicom, or it is broken."""


def read_element(
    data: Any, position: int, end: int, explicit: bool = True, stop: int = NO_TAG
) -> tuple[int, bytes, int, int]:
    """Tag and VR (b"" if implicit) of an element, where its value begins and ends.

    An element from the tag `stop` on is not looked at: it begins and ends where it stands. An
    item's delimiter ends behind itself, a value of undefined length at `OPEN`.

    Raises
    ------
    UnusualError
        If it is none, or ends behind `end`.
    struct.error
        If `data` ends before its value.
    """
    group, number, vr, length = _explicit(data, position)
    tag = group << 16 | number
    if tag >= stop:
        return tag, vr, position, position
    value = position + 8
    if explicit and vr in SHORT:  # most are: what comes first here decides over the speed
        if (after := value + length) > end:
            raise UnusualError
        return tag, vr, value, after
    if tag == ITEM_END:
        return tag, vr, value, value
    if not explicit:
        (length,) = _length(data, position + 4)
        vr = b""
    elif vr in LONG:
        (length,) = _length(data, value)
        value += 4
    else:
        raise UnusualError
    if length == UNDEFINED and (not vr or vr == b"SQ" or tag in PIXELS):
        return tag, vr, value, OPEN
    if value + length > end:
        raise UnusualError
    return tag, vr, value, value + length


def read_item(data: Any, position: int) -> tuple[int, int]:
    """The tag and the length of an item or a delimiter. Raises struct.error."""
    group, number, length = _item(data, position)
    return group << 16 | number, length


def skip_items(data: Any, position: int, end: int, depth: int) -> int:
    """Where a sequence of undefined length ends, in explicit VR.

    Raises
    ------
    UnusualError
        If it does not, or holds sequences that are too deep.
    struct.error
        If `data` ends before.
    """
    if depth > DEEPEST:
        raise UnusualError
    while position < end:
        tag, length = read_item(data, position)
        position += 8
        if tag == SEQUENCE_END:
            return position
        if tag != ITEM:
            break
        if length != UNDEFINED:
            position += length
            continue
        while position < end:
            tag, _, value, stop = read_element(data, position, end)
            position = skip_items(data, value, end, depth + 1) if stop == OPEN else stop
            if tag == ITEM_END:
                break
    raise UnusualError


def element(tag: int, vr: str, value: bytes | memoryview, undefined: bool = False) -> bytes:
    """An element in Explicit VR Little Endian (PS3.5, 7.1.2)."""
    begin, digits = opening(tag, vr)
    length = UNDEFINED if undefined else len(value)
    return b"".join((begin, length.to_bytes(digits, "little"), value))


@cache
def opening(tag: int, vr: str) -> tuple[bytes, int]:
    """An element up to its length, and the bytes of that."""
    code = vr.encode("ascii")
    head = struct.pack("<HH2s", tag >> 16, tag & 0xFFFF, code)
    return (head + b"\0\0", 4) if code in LONG else (head, 2)


def item(body: bytes) -> bytes:
    """An item of a sequence, of defined length."""
    return struct.pack("<HHI", ITEM >> 16, ITEM & 0xFFFF, len(body)) + body


def encapsulated(tag: int, items: Iterable[memoryview]) -> bytes:
    """Compressed pixels: their items and the delimiter (A.4)."""
    end = struct.pack("<HHI", SEQUENCE_END >> 16, SEQUENCE_END & 0xFFFF, 0)
    return element(tag, "OB", b"", undefined=True) + b"".join(items) + end
