"""The attributes of a DICOM file's header, read without importing pydicom where that serves.

pydicom takes 0.4 s of processor time to import, more than dcm2niix takes for most sessions. The
usual encodings (little endian, PS3.5 section 7) are read here; of whatever is unusual, and of
attributes that are not listed here, pydicom tells.
"""

import struct
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from coil.dicom.attributes import KNOWN, SOP_CLASSES
from coil.dicom.elements import Elements, find, mapped
from coil.dicom.encoding import (
    BYTES,
    FIRST_PIXELS,
    LONG,
    NUMBERS,
    TEXTS,
    UNDEFINED,
    WHOLE_TEXTS,
    UnusualError,
)

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_BY_TAG = dict(KNOWN.values())

_CREATORS = range(0x10, 0x100)
_FIRST_BYTES = 8192
_TAG = 4  # bytes of a tag

_length = struct.Struct("<I").unpack_from


class Element(NamedTuple):
    """An attribute."""

    value: Any


class Header:
    """A header or an item of a sequence, as far as possible with the interface of a `Dataset`.

    A text is a string, a decimal or integer string a number, several values are a list, a
    sequence is a list of headers.
    """

    def __init__(self, elements: "Elements | None", fallback: "Callable[[], Dataset]") -> None:
        self._elements = elements
        self._load = fallback
        self._loaded: Dataset | None = None
        self._sequences: dict[int, list[Header]] = {}

    def get(self, key: str | tuple[int, int], default: Any = None) -> Any:
        """The value of a keyword, the element of a tag; `default` where it is absent."""
        if self._elements is None or (isinstance(key, str) and key not in KNOWN):
            return self._fallback.get(key, default)
        tag = KNOWN[key][0] if isinstance(key, str) else key[0] << 16 | key[1]
        if tag not in self._elements.spans:
            return default
        try:
            value = self._value(tag)
        except (UnusualError, ValueError, struct.error):
            return self._fallback.get(key, default)
        return value if isinstance(key, str) else Element(value)

    def written(self, keyword: str) -> str:
        """The text of an attribute as it is written; "" where it is absent."""
        if self._elements is not None:
            return self._elements.text(KNOWN[keyword][0])
        value = self._fallback.get(keyword)
        several = not isinstance(value, str) and hasattr(value, "__len__")
        return "\\".join(map(str, value)) if several else str("" if value is None else value)

    def raw(self, tag: int) -> bytes | None:
        """The bytes of the value of a tag, as far as they are at hand; None where it is absent."""
        if self._elements is not None:
            _, start, end = self._elements.spans.get(tag, (b"", 0, 0))
            return bytes(self._elements.data[start:end]) if tag in self._elements.spans else None
        element = self._fallback.get_item(tag) if tag in self._fallback else None
        return None if element is None else _bytes(element.value)

    def tags(self) -> list[int]:
        """The tags of the root, in order."""
        tags = self._fallback.keys() if self._elements is None else self._elements.spans
        return sorted(map(int, tags))

    def layout(self) -> list[tuple[int, int, int, int]]:
        """Of each element of the file, before the pixels: its tag, how many bytes tell its
        length, where its value begins and where it ends. Nothing where pydicom had to read it."""
        parts = (
            [self._elements.meta, self._elements] if self._elements and self._elements.meta else []
        )
        return [
            (tag, 4 if not vr or vr in LONG else 2, start, end)
            for part in parts
            for tag, (vr, start, end) in part.spans.items()
        ]

    def start(self) -> bytes:
        """The bytes of the file up to the tag of its pixels."""
        assert self._elements is not None
        return bytes(self._elements.data[: self._elements.end + _TAG])

    def private_block(self, group: int, creator: str) -> Any:
        """The attributes of a private creator by the low byte of their elements.

        Raises
        ------
        KeyError
            If the header has none.
        """
        if self._elements is None:
            return self._fallback.private_block(group, creator)
        for number in _CREATORS:
            if self._elements.text(group << 16 | number) == creator:
                return _Block(self, group, number << 8)
        raise KeyError(creator)

    def __getitem__(self, tag: tuple[int, int]) -> Any:
        element = self.get(tag)
        if element is None:
            raise KeyError(tag)
        return element

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
    def _fallback(self) -> "Dataset":
        if self._loaded is None:
            self._loaded = self._load()
        return self._loaded

    def _value(self, tag: int) -> Any:
        assert self._elements
        written, start, end = self._elements.spans[tag]
        vr = written.decode() if written else _BY_TAG.get(tag, "UN")
        if vr == "SQ":
            if tag not in self._sequences:
                self._sequences[tag] = [
                    Header(item, lambda i=i: self._fallback[tag].value[i])
                    for i, item in enumerate(self._elements.items(tag))
                ]
            return self._sequences[tag]
        return _convert(vr, bytes(self._elements.data[start:end]))


class _Block:
    """A private block of a header."""

    def __init__(self, header: Header, group: int, offset: int) -> None:
        self._header, self._group, self._offset = header, group, offset

    def __getitem__(self, element: int) -> Any:
        return self._header[self._group, self._offset | element]


def read(path: Path) -> Header:
    """The header of a file, without its pixels; whatever pydicom raises where it is broken."""

    def fallback() -> "Dataset":
        import pydicom

        dcmread: Callable[..., Dataset] = pydicom.dcmread  # pyright: ignore
        return dcmread(path, stop_before_pixels=True)

    try:
        return Header(find(mapped(path), FIRST_PIXELS), fallback)
    except (UnusualError, ValueError, struct.error):
        header = Header(None, fallback)
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
            elements = find(mapped(path) if whole else start, stop)
            return tuple([elements.text(KNOWN[keyword][0]) for keyword in keywords])
        except (UnusualError, ValueError, struct.error):
            continue
    header = read(path)
    return tuple([header.written(keyword) for keyword in keywords])


def _search(data: bytes, keyword: str) -> Any:
    """The only text in `data` with the mark of an attribute, or None."""
    tag, vr = KNOWN[keyword]
    mark = struct.pack("<HH2s", tag >> 16, tag & 0xFFFF, vr.encode())
    position = data.find(mark)
    start = position + len(mark) + 2
    if position < 0 or len(data) < start or data.find(mark, start) >= 0:
        return None
    text = data[start : start + int.from_bytes(data[start - 2 : start], "little")]
    return text.decode("latin-1").strip(" \0")


def read_pixels(path: Path) -> bytes:
    """The pixels of a file as they are stored; nothing where they are compressed, or unusual."""
    try:
        elements = find(mapped(path), FIRST_PIXELS)
        start = elements.end + (12 if elements.explicit else 8)
        (length,) = _length(elements.data, start - 4)
    except (UnusualError, ValueError, struct.error):
        return b""
    return b"" if length == UNDEFINED else elements.data[start : start + length]


def sop_class_name(uid: str) -> str:
    """The name of an SOP class, or the UID of one that is not known."""
    if uid in SOP_CLASSES or not uid.startswith("1.2.840.10008."):
        return SOP_CLASSES.get(uid, uid)
    from pydicom.uid import UID

    return UID(uid).name


def _convert(vr: str, data: bytes) -> Any:
    """A value by its VR, as pydicom has it."""
    if vr in BYTES:
        return data
    if vr in NUMBERS:
        form = NUMBERS[vr]
        values = struct.unpack(f"<{len(data) // struct.calcsize(form)}{form}", data)
        return _one_or_all(list(values), None)
    if vr not in TEXTS and vr not in WHOLE_TEXTS and vr not in ("DS", "IS"):
        raise UnusualError
    if not data.isascii() or b"\x1b" in data:
        raise UnusualError  # a character set decides
    text = data.decode("ascii")
    if vr in WHOLE_TEXTS:
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
