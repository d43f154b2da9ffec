"""The attributes of a DICOM file's header, read without importing pydicom where that serves.

pydicom takes 0.4 s of processor time to import, more than dcm2niix takes for most sessions. The
usual encodings (little endian, PS3.5 section 7) are read here; of whatever is unusual, and of
attributes that are not listed here, pydicom tells.
"""

import mmap
import struct
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from coil.bids.series.attributes import KNOWN, SOP_CLASSES

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_BY_TAG = dict(KNOWN.values())

BEGIN = 132  # behind the preamble and `DICM`
_PIXELS = (0x7FE00008, 0x7FE00009, 0x7FE00010)
_CREATORS = range(0x10, 0x100)
_TAG = 4  # bytes of a tag
_FIRST_BYTES = 8192
_UNDEFINED = _NO_TAG = 0xFFFFFFFF
_ITEM, _ITEM_ENDS, _SEQUENCE_ENDS = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD

_TEXTS = frozenset(["AE", "AS", "CS", "DA", "DT", "LO", "PN", "SH", "TM", "UC", "UI"])
_WHOLE_TEXTS = frozenset(["LT", "ST", "UR", "UT"])
_BYTES = frozenset(["OB", "OD", "OF", "OL", "OV", "OW"])
_NUMBERS = {
    "US": "H", "SS": "h", "UL": "I", "SL": "i", "UV": "Q", "SV": "q", "FL": "f", "FD": "d",
    "AT": "I",
}  # fmt: skip
_LONG = frozenset(vr.encode() for vr in (*_BYTES, "SQ", "SV", "UC", "UN", "UR", "UT", "UV"))
_SHORT = frozenset(
    vr.encode() for vr in (*_TEXTS, *_WHOLE_TEXTS, *_NUMBERS, "DS", "IS")
) - _LONG  # fmt: skip

_element = struct.Struct("<HH2sH").unpack_from
_implicit = struct.Struct("<HHI").unpack_from
_length = struct.Struct("<I").unpack_from


class _UnusualError(Exception):
    """The file is encoded in a way that is left to pydicom, or it is broken."""


class Element(NamedTuple):
    """An attribute."""

    value: Any


class Header:
    """A header or an item of a sequence, as far as possible with the interface of a `Dataset`.

    A text is a string, a decimal or integer string a number, several values are a list, a
    sequence is a list of headers.
    """

    def __init__(self, found: "_Found | None", twin: "Callable[[], Dataset]") -> None:
        self._found = found
        self._load = twin
        self._loaded: Dataset | None = None
        self._sequences: dict[int, list[Header]] = {}

    def get(self, key: str | tuple[int, int], default: Any = None) -> Any:
        """The value of a keyword, the element of a tag; `default` where it is absent."""
        if self._found is None or (isinstance(key, str) and key not in KNOWN):
            return self._twin.get(key, default)
        tag = KNOWN[key][0] if isinstance(key, str) else key[0] << 16 | key[1]
        if tag not in self._found.places:
            return default
        try:
            value = self._value(tag)
        except (_UnusualError, ValueError, struct.error):
            return self._twin.get(key, default)
        return value if isinstance(key, str) else Element(value)

    def written(self, keyword: str) -> str:
        """The text of an attribute as it is written; "" where it is absent."""
        if self._found is not None:
            return self._found.text(KNOWN[keyword][0])
        value = self._twin.get(keyword)
        several = not isinstance(value, str) and hasattr(value, "__len__")
        return "\\".join(map(str, value)) if several else str("" if value is None else value)

    def raw(self, tag: int) -> bytes | None:
        """The bytes of the value of a tag, as far as they are at hand; None where it is absent."""
        if self._found is not None:
            _, start, end = self._found.places.get(tag, (b"", 0, 0))
            return bytes(self._found.data[start:end]) if tag in self._found.places else None
        element = self._twin.get_item(tag) if tag in self._twin else None
        return None if element is None else _bytes(element.value)

    def tags(self) -> list[int]:
        """The tags of the root, in order."""
        found = self._twin.keys() if self._found is None else self._found.places
        return sorted(map(int, found))

    def layout(self) -> list[tuple[int, int, int, int]]:
        """Of each element of the file, before the pixels: its tag, how many bytes tell its
        length, where its value begins and where it ends. Nothing where pydicom had to read it."""
        parts = [self._found.meta, self._found] if self._found and self._found.meta else []
        return [
            (tag, 4 if not vr or vr in _LONG else 2, start, end)
            for part in parts
            for tag, (vr, start, end) in part.places.items()
        ]

    def start(self) -> bytes:
        """The bytes of the file up to the tag of its pixels."""
        assert self._found is not None
        return bytes(self._found.data[: self._found.end + _TAG])

    def private_block(self, group: int, creator: str) -> Any:
        """The attributes of a private creator by the low byte of their elements.

        Raises
        ------
        KeyError
            If the header has none.
        """
        if self._found is None:
            return self._twin.private_block(group, creator)
        for number in _CREATORS:
            if self._found.text(group << 16 | number) == creator:
                return _Block(self, group, number << 8)
        raise KeyError(creator)

    def __getitem__(self, tag: tuple[int, int]) -> Any:
        found = self.get(tag)
        if found is None:
            raise KeyError(tag)
        return found

    def __getattr__(self, keyword: str) -> Any:
        if keyword.startswith("_"):
            raise AttributeError(keyword)
        value = self.get(keyword, self)
        if value is self:
            raise AttributeError(keyword)
        return value

    def __contains__(self, key: str | tuple[int, int]) -> bool:
        return self.get(key, self) is not self

    @property
    def _twin(self) -> "Dataset":
        if self._loaded is None:
            self._loaded = self._load()
        return self._loaded

    def _value(self, tag: int) -> Any:
        assert self._found
        written, start, end = self._found.places[tag]
        vr = written.decode() if written else _BY_TAG.get(tag, "UN")
        if vr == "SQ":
            if tag not in self._sequences:
                self._sequences[tag] = [
                    Header(found, lambda i=i: self._twin[tag].value[i])
                    for i, found in enumerate(self._found.items(tag))
                ]
            return self._sequences[tag]
        return _convert(vr, bytes(self._found.data[start:end]))


class _Block:
    """A private block of a header."""

    def __init__(self, header: Header, group: int, offset: int) -> None:
        self._header, self._group, self._offset = header, group, offset

    def __getitem__(self, element: int) -> Any:
        return self._header[self._group, self._offset | element]


class _Found:
    """Where the values of a header lie in its file: VR (b"" if implicit), start and end by tag.

    An item of a sequence of known length is walked through when it is first looked into.
    `nested` has the items of the sequences that had to be, to find where they end.
    """

    def __init__(
        self, data: Any, explicit: bool, start: int, end: int, stop: int = _NO_TAG
    ) -> None:
        self.data, self.explicit = data, explicit
        self.meta: _Found | None = None  # before the root
        self._range = (start, end, stop)
        self.nested: dict[int, list[_Found]] = {}

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

    def items(self, tag: int) -> "list[_Found]":
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
                if stop == _PIXELS[0] and tag not in _PIXELS:
                    raise _UnusualError
                break
            if tag == _ITEM_ENDS:
                position += 8
                break
            start = position + 8
            if not explicit:
                (length,) = _length(data, position + 4)
                vr = b""
            elif vr in _LONG:
                (length,) = _length(data, start)
                start += 4
            elif vr not in _SHORT:
                raise _UnusualError
            if length == _UNDEFINED:
                if vr not in (b"SQ", b""):
                    raise _UnusualError
                self.nested[tag], position = self._items(start, end)
            else:
                position = start + length
            if position > end:
                raise _UnusualError
            places[tag] = (vr, start, position)
        return places, position

    def _items(self, position: int, end: int) -> "tuple[list[_Found], int]":
        """The items of a sequence, and where it ends."""
        found = []
        while position + 8 <= end:
            group, element, length = _implicit(self.data, position)
            position += 8
            if group << 16 | element == _SEQUENCE_ENDS:
                break
            if group << 16 | element != _ITEM:
                raise _UnusualError
            last = end if length == _UNDEFINED else position + length
            found.append(_Found(self.data, self.explicit, position, last))
            position = found[-1].end if length == _UNDEFINED else last
        return found, position


def read(path: Path) -> Header:
    """The header of a file, without its pixels; whatever pydicom raises where it is broken."""

    def twin() -> "Dataset":
        import pydicom

        return pydicom.dcmread(path, stop_before_pixels=True)

    try:
        return Header(_find(_mapped(path), _PIXELS[0]), twin)
    except (_UnusualError, ValueError, struct.error):
        header = Header(None, twin)
        header.get("Rows")
        return header


def read_texts(path: Path, *keywords: str) -> tuple[str, ...]:
    """Texts of a file's header as they are written; the last has the highest tag.

    Sessions have thousands of files, so that an attribute is looked for by its bytes (tag and
    VR), and the header walked through where that does not find exactly one.
    """
    with path.open("rb", buffering=0) as stream:
        start = stream.read(_FIRST_BYTES)
    if None not in (texts := [_search(start, keyword) for keyword in keywords]):
        return tuple(texts)
    stop = KNOWN[keywords[-1]][0] + 1
    for whole in (False, True):
        try:
            found = _find(_mapped(path) if whole else start, stop)
            return tuple([found.text(KNOWN[keyword][0]) for keyword in keywords])
        except (_UnusualError, ValueError, struct.error):
            continue
    header = read(path)
    return tuple([header.written(keyword) for keyword in keywords])


def _search(data: bytes, keyword: str) -> Any:
    """The only text in `data` with the mark of an attribute, or None."""
    tag, vr = KNOWN[keyword]
    mark = struct.pack("<HH2s", tag >> 16, tag & 0xFFFF, vr.encode())
    place = data.find(mark)
    start = place + len(mark) + 2
    if place < 0 or len(data) < start or data.find(mark, start) >= 0:
        return None
    text = data[start : start + int.from_bytes(data[start - 2 : start], "little")]
    return text.decode("latin-1").strip(" \0")


def read_pixels(path: Path) -> bytes:
    """The pixels of a file as they are stored; nothing where they are compressed, or unusual."""
    try:
        found = _find(_mapped(path), _PIXELS[0])
        start = found.end + (12 if found.explicit else 8)
        (length,) = _length(found.data, start - 4)
    except (_UnusualError, ValueError, struct.error):
        return b""
    return b"" if length == _UNDEFINED else found.data[start : start + length]


def sop_class_name(uid: str) -> str:
    """The name of an SOP class, or the UID of one that is not known."""
    if uid in SOP_CLASSES or not uid.startswith("1.2.840.10008."):
        return SOP_CLASSES.get(uid, uid)
    from pydicom.uid import UID

    return UID(uid).name


def _mapped(path: Path) -> mmap.mmap:
    """A file as bytes; `ValueError` if it is empty."""
    with path.open("rb") as stream:
        return mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)


def _find(data: Any, stop: int) -> _Found:
    """The attributes before the tag `stop`."""
    if data[BEGIN - 4 : BEGIN] != b"DICM":
        raise _UnusualError
    meta = _Found(data, True, BEGIN, len(data), 0x00030000)
    syntax = meta.text(0x00020010)
    if not syntax.startswith("1.2.840.10008.1.2") or syntax.endswith((".2.2", ".1.99")):
        raise _UnusualError  # big endian, deflated, unknown
    found = _Found(data, syntax != "1.2.840.10008.1.2", meta.end, len(data), stop)
    _ = found.places
    found.meta = meta
    return found


def _convert(vr: str, data: bytes) -> Any:
    """A value by its VR, as pydicom has it."""
    if vr in _BYTES:
        return data
    if vr in _NUMBERS:
        form = _NUMBERS[vr]
        values = struct.unpack(f"<{len(data) // struct.calcsize(form)}{form}", data)
        return _one_or_all(list(values), None)
    if vr not in _TEXTS and vr not in _WHOLE_TEXTS and vr not in ("DS", "IS"):
        raise _UnusualError
    if not data.isascii() or b"\x1b" in data:
        raise _UnusualError  # a character set decides
    text = data.decode("ascii")
    if vr in _WHOLE_TEXTS:
        return text.rstrip(" \0")
    parts = [part.rstrip(" \0") for part in text.split("\\")] if text else []
    if vr == "DS":
        return _one_or_all([float(part) for part in parts], None)
    if vr == "IS":
        return _one_or_all([int(part) for part in parts], None)
    return _one_or_all(parts, "")


def _bytes(value: Any) -> bytes:
    """A value that pydicom may have decoded, as bytes: of a short number or a text."""
    if value is None or isinstance(value, bytes):
        return value or b""
    if isinstance(value, int):
        return value.to_bytes(2, "little")
    several = not isinstance(value, str) and hasattr(value, "__len__")
    text = "\\".join(map(str, value)) if several else str(value)
    return text.encode("latin-1", "replace")


def _one_or_all(values: list[Any], absent: Any) -> Any:
    return values if len(values) > 1 else values[0] if values else absent
