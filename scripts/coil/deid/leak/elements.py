"""How the elements of a DICOM file are encoded (PS3.5 sections 6.2, 7.1 and 7.5)."""

import mmap
import re
import struct
from typing import NamedTuple

CARVED = "??"  # the VR of bytes that are no element

UNDEFINED = 0xFFFFFFFF
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
CHARSET = 0x00080005
PIXELS = frozenset((0x7FE00008, 0x7FE00009, 0x7FE00010))
IMPLICIT, DEFLATED = b"1.2.840.10008.1.2", b"1.2.840.10008.1.2.1.99"
BIG = b"1.2.840.10008.1.2.2"

_TEXTS = frozenset((b"AE", b"LO", b"LT", b"SH", b"ST", b"UC", b"UR", b"UT"))
TEXT_VRS = _TEXTS | {b"AS", b"PN", b"DA", b"DT", b"TM", b"UI"}
BYTES = frozenset((b"OB", b"OW", b"UN"))
LONG = BYTES | {b"OD", b"OF", b"OL", b"OV", b"SQ", b"SV", b"UC", b"UR", b"UT", b"UV"}
VRS = (LONG | TEXT_VRS).union(
    (b"AT", b"CS", b"DS", b"FD", b"FL", b"IS", b"SL", b"SS", b"UL", b"US")
)
# A text of these is no name and no date, if it is what its VR says.
STRICT = {
    b"CS": re.compile(rb"[A-Z0-9 _\\]*\0*"),
    b"DS": re.compile(rb"[0-9+\-Ee. \\]*\0*"),
    b"IS": re.compile(rb"[0-9+\- \\]*\0*"),
}

LOOKED_AT = TEXT_VRS | BYTES | STRICT.keys()

Buffer = bytes | mmap.mmap


class Element(NamedTuple):
    """A text: its tag, VR (`CARVED` if it has none), bytes, the creators of the private blocks of
    its group, the character sets that hold for it, and how deep it stands."""

    tag: int
    vr: str
    value: bytes
    creators: bytes
    charset: bytes
    depth: int


class BrokenError(Exception):
    """From this position on the bytes are no elements."""

    def __init__(self, pos: int) -> None:
        self.pos = pos


class Syntax:
    """The encoding of elements, and those that were walked before, by their first bytes."""

    def __init__(self, implicit: bool, order: str, charset: bytes) -> None:
        self.implicit, self.order, self.charset = implicit, order, charset
        self.head = struct.Struct(order + "HH2sH").unpack_from
        self.plain = struct.Struct(order + "HHI").unpack_from
        self.length = struct.Struct(order + "I").unpack_from
        self.item_end = struct.pack(order + "HH", 0xFFFE, 0xE00D)
        self.low = 0 if order == "<" else 1  # the byte that tells a private group
        self.known: dict[bytes, Known] = {}
        self.runs: dict[bytes, bytes] = {}


class Leaf:
    """A kind of element, wherever it stands, and those of it with short values that were seen."""

    __slots__ = ("creators", "depth", "seen", "syntax", "tag", "vr")

    def __init__(self, tag: int, vr: bytes, creators: bytes, syntax: Syntax, depth: int) -> None:
        self.tag, self.vr, self.creators = tag, vr, creators
        self.syntax, self.depth = syntax, depth
        self.seen: set[bytes] = set()


WALKED = Leaf(0, b"", b"", Syntax(False, "<", b""), 0)
# An element that was walked: its bytes; what its value is, None if that need not be looked at,
# `WALKED` if another one has to be walked; the creators of its group's blocks after it, if it
# names one.
Known = tuple[bytes, Leaf | None, bytes]


def vr_of(tag: int) -> bytes:
    """The VR of an element that is written without."""
    if tag & 0xFFFF == 0:
        return b"UL"
    from pydicom.datadict import dictionary_VR

    if tag >> 16 & 1:
        return b"LO" if 0x10 <= tag & 0xFFFF < 0x100 else b"UN"
    try:
        return dictionary_VR(tag)[:2].encode()
    except KeyError:
        return b"UN"
