"""Where the elements of a file stand, if it can be taken apart by its bytes."""

from dataclasses import dataclass

from coil.deid.dicom import parts
from coil.dicom.encoding import (
    BEGIN,
    EXPLICIT,
    OPEN,
    PIXELS,
    SYNTAX,
    UnusualError,
    read_element,
    skip_items,
)

_ENCAPSULATED = "1.2.840.10008.1.2.4."
_RLE = "1.2.840.10008.1.2.5"
_NO_ROOT = (0x0000, 0x0002, 0xFFFE)  # groups
_TRAILING_PADDING = 0xFFFCFFFC

# VR, where the element begins, where its value, where it ends, whether its length is undefined.
Span = tuple[bytes, int, int, int, bool]


@dataclass(frozen=True)
class Layout:
    """The elements of a file's head and of its root, by tag, and its pixels with their tag."""

    syntax: str
    meta: dict[int, Span]
    root: dict[int, Span]
    pixels: tuple[int, Span]

    @classmethod
    def read(cls, data: bytes) -> "Layout":
        """The layout of a file. Raises UnusualError: `plain` has to read it."""
        meta, position, syntax = _read_meta(data)
        return cls(syntax, meta, *_read_root(data, position))


def decides(tag: int) -> bool:
    """Whether an element's value decides over other elements or over the whole file."""
    return (
        (tag in parts.DECIDING and tag != parts.SOP_INSTANCE)
        or tag == SYNTAX
        or tag & 0x1FF00 == 0x10000  # names a private block
        or tag >> 24 == 0x60  # an overlay
    )


def _read_meta(data: bytes) -> tuple[dict[int, Span], int, str]:
    """The file meta information, where the data set begins, and the transfer syntax."""
    if data[BEGIN - 4 : BEGIN] != b"DICM":
        raise UnusualError
    position, syntax, before = BEGIN, "", -1
    meta: dict[int, Span] = {}
    while data[position : position + 2] == b"\2\0":
        start = position
        tag, vr, value, position = read_element(data, start, len(data))
        if position == OPEN or tag <= before:
            raise UnusualError
        meta[tag], before = (vr, start, value, position, False), tag
        if tag == SYNTAX:
            syntax = data[value:position].rstrip(b" \0").decode("ascii", "replace")
    if syntax != EXPLICIT and syntax != _RLE and not syntax.startswith(_ENCAPSULATED):
        raise UnusualError
    return meta, position, syntax


def _read_root(data: bytes, position: int) -> tuple[dict[int, Span], tuple[int, Span]]:
    """The elements of the root before the pixels, and the pixels."""
    root: dict[int, Span] = {}
    before, end = -1, len(data)
    while position < end:
        start = position
        tag, vr, value, position = read_element(data, start, end)
        if tag <= before or tag >> 16 in _NO_ROOT:
            raise UnusualError
        before, undefined = tag, position == OPEN
        if tag in PIXELS:
            check_tail(data, None if undefined else position, tag)
            return root, (tag, (vr, start, value, end if undefined else position, undefined))
        if undefined:
            position = skip_items(data, value, end, 0)
        root[tag] = (vr, start, value, position, undefined)
    raise UnusualError


def check_tail(data: bytes, position: int | None, tag: int) -> None:
    """Nothing but padding may stand behind the pixels."""
    if position is None or position == len(data):
        return
    behind, *_ = read_element(data, position, len(data))
    if behind != _TRAILING_PADDING or tag != parts.PIXEL_DATA:
        raise UnusualError
