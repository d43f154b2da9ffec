"""Siemens's CSA headers: lists of named elements, each with a VR and items.

Sources: nibabel, siemens_csa.rst; dcm2niix, nii_dicom.cpp (readCSAImageHeader).
"""

import struct

_HEAD = 16  # the mark, four bytes, how many elements, 77
_TAG = struct.Struct("<64sI4sIII")
_ITEM = struct.Struct("<IIII")
_EMPTY = _ITEM.pack(0, 0, 77, 0)
_LENGTH = struct.Struct("<4xI8x")  # of an item, without the numbers around it
_MOST_ELEMENTS, _MOST_ITEMS = 1024, 4096
TAG_SIZE, HEAD_SIZE = _TAG.size, _HEAD

Span = tuple[bytes, int, int]
"""Name, begin and end of an element."""


def first_byte(raw: bytes, name: bytes) -> bytes:
    """The first byte of the first item of an element, in both formats; nothing if it has none."""
    position = raw.find(name + b"\0")
    value = position + _TAG.size + _ITEM.size
    return raw[value : value + 1] if position >= 0 else b""


def spans(raw: bytes) -> list[Span]:
    """The elements of a header in the format SV10. Raises struct.error if it is none."""
    magic, count = struct.unpack_from("<4s4xI", raw)
    if magic != b"SV10" or count > _MOST_ELEMENTS:
        raise struct.error
    found: list[Span] = []
    position = _HEAD
    for _ in range(count):
        name, _, _, _, items, _ = _TAG.unpack_from(raw, position)
        start, position = position, _behind(raw, position + _TAG.size, items)
        found.append((name.partition(b"\0")[0], start, position))
    return found


def end_of(raw: bytes, items: int) -> int:
    """Where an element ends whose items begin at `items`. Raises struct.error."""
    return _behind(raw, items, _TAG.unpack_from(raw, items - _TAG.size)[4])


def _behind(raw: bytes, position: int, items: int) -> int:
    if items > _MOST_ITEMS:
        raise struct.error
    for _ in range(items):
        (length,) = _LENGTH.unpack_from(raw, position)
        if position + 16 + length > len(raw):
            raise struct.error
        position += 16 + (length + 3 & ~3)
    return position


def read(element: bytes) -> tuple[bytes, int, bytes, list[bytes]]:
    """Name, multiplicity, VR and the texts of the items of an element."""
    name, many, vr, _, items, _ = _TAG.unpack_from(element)
    position = _TAG.size
    texts: list[bytes] = []
    for _ in range(items):
        (length,) = _LENGTH.unpack_from(element, position)
        position += 16
        if not length:
            texts.append(b"")
            continue
        texts.append(element[position : position + length].partition(b"\0")[0].strip())
        position += length + 3 & ~3
    return name.partition(b"\0")[0], many, vr[:2], texts


def write(name: bytes, vr: bytes, many: int, items: list[bytes]) -> bytes:
    """An element, anew."""
    out = [_TAG.pack(name, many % 4096, vr, 0, len(items), 77)]
    for item in items:
        if size := len(item):
            out += [_ITEM.pack(size, size, 77, size), item, bytes(-size % 4)]
        else:
            out.append(_EMPTY)
    return b"".join(out)


def header(elements: list[bytes]) -> bytes:
    """A header of these elements."""
    head = b"SV10\4\3\2\1" + struct.pack("<II", len(elements), 77)
    data = b"".join([head, *elements, bytes(4)])
    return data + bytes(len(data) % 2)
