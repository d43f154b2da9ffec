"""Where the elements of a file stand, told from its bytes alone."""

import struct
from dataclasses import dataclass

from coil.deid.dicom import parts

_HEAD = struct.Struct("<HH2sH")
_LONG = struct.Struct("<I")
_ITEM = struct.Struct("<HHI")
_VRS = parts.LONG | frozenset(
    (b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO", b"LT", b"PN",
     b"SH", b"SL", b"SS", b"ST", b"TM", b"UI", b"UL", b"US")
)  # fmt: skip
_DEEPEST = 64
_ENCAPSULATED = "1.2.840.10008.1.2.4."
_RLE = "1.2.840.10008.1.2.5"

# VR, where the element begins, where its value, where it ends, whether the end is not told.
Span = tuple[bytes, int, int, int, bool]


class MisfitError(Exception):
    """The file is not one that can be taken apart by its bytes; `plain` has to read it."""


@dataclass(frozen=True)
class Layout:
    """The elements of a file's head and of its root, by tag, and its pixels with their tag."""

    syntax: str
    meta: dict[int, Span]
    found: dict[int, Span]
    pixels: tuple[int, Span]

    @classmethod
    def read(cls, data: bytes) -> "Layout":
        """The layout of a file. Raises MisfitError."""
        meta, place, syntax = _read_meta(data)
        return cls(syntax, meta, *_read_root(data, place))


def decides(tag: int) -> bool:
    """Whether an element's value decides over other elements or over the whole file."""
    return (
        (tag in parts.DECIDING and tag != parts.SOP_INSTANCE)
        or tag == parts.SYNTAX
        or tag & 0x1FF00 == 0x10000  # names a private block
        or tag >> 24 == 0x60  # an overlay
    )


def read_element(data: bytes, place: int, end: int) -> tuple[int, bytes, int, int, bool]:
    """(tag, VR, where the value begins, where it ends, whether the end is not told)."""
    group, number, vr, length = _HEAD.unpack_from(data, place)
    tag = group << 16 | number
    if vr in parts.LONG:
        (length,) = _LONG.unpack_from(data, place + 8)
        value = place + 12
        if length == parts.UNDEFINED:
            if vr != b"SQ" and tag not in parts.PIXELS:
                raise MisfitError
            return tag, vr, value, end, True
    elif vr in _VRS:
        value = place + 8
    elif tag == 0xFFFEE00D:
        return tag, vr, place + 8, place + 8, False
    else:
        raise MisfitError
    if value + length > end:
        raise MisfitError
    return tag, vr, value, value + length, False


def skip(data: bytes, place: int, end: int, depth: int) -> int:
    """Where a sequence ends that does not tell its length."""
    if depth > _DEEPEST:
        raise MisfitError
    while place < end:
        group, number, length = _ITEM.unpack_from(data, place)
        place += 8
        if (group, number) == (0xFFFE, 0xE0DD):
            return place
        if (group, number) != (0xFFFE, 0xE000):
            break
        if length != parts.UNDEFINED:
            place += length
            continue
        while place < end:
            tag, _, value, stop, open_ended = read_element(data, place, end)
            place = skip(data, value, end, depth + 1) if open_ended else stop
            if tag == 0xFFFEE00D:
                break
    raise MisfitError


def _read_meta(data: bytes) -> tuple[dict[int, Span], int, str]:
    """The file meta information, where the data set begins, and the transfer syntax."""
    if data[128:132] != b"DICM":
        raise MisfitError
    place, syntax, before = 132, "", -1
    meta: dict[int, Span] = {}
    while data[place : place + 2] == b"\2\0":
        start = place
        tag, vr, value, place, open_ended = read_element(data, place, len(data))
        if open_ended or tag <= before:
            raise MisfitError
        meta[tag], before = (vr, start, value, place, open_ended), tag
        if tag == parts.SYNTAX:
            syntax = data[value:place].rstrip(b" \0").decode("ascii", "replace")
    if syntax != parts.EXPLICIT and syntax != _RLE and not syntax.startswith(_ENCAPSULATED):
        raise MisfitError
    return meta, place, syntax


def _read_root(data: bytes, place: int) -> tuple[dict[int, Span], tuple[int, Span]]:
    """The elements of the root before the pixels, and the pixels."""
    found: dict[int, Span] = {}
    before, end = -1, len(data)
    while place < end:
        start = place
        tag, vr, value, stop, open_ended = read_element(data, place, end)
        if tag <= before or tag >> 16 in (0x0000, 0x0002, 0xFFFE):
            raise MisfitError
        before = tag
        if tag in parts.PIXELS:
            check_tail(data, stop if not open_ended else None, tag)
            return found, (tag, (vr, start, value, stop, open_ended))
        if open_ended:
            stop = skip(data, value, end, 0)
        found[tag] = (vr, start, value, stop, open_ended)
        place = stop
    raise MisfitError


def check_tail(data: bytes, place: int | None, tag: int) -> None:
    """Nothing but padding may stand behind the pixels."""
    if place is None or place == len(data):
        return
    behind, *_ = read_element(data, place, len(data))
    if behind != 0xFFFCFFFC or tag != parts.PIXELS[0]:
        raise MisfitError
