"""Where the elements of a DICOM file lie, in its usual encodings (PS3.5 section 7)."""

import mmap
from functools import cached_property
from pathlib import Path
from typing import Any

from coil.dicom.encoding import (
    BEGIN,
    FIRST_PIXELS,
    IMPLICIT,
    ITEM,
    ITEM_END,
    NO_TAG,
    OPEN,
    PIXELS,
    SEQUENCE_END,
    SYNTAX,
    UNDEFINED,
    UnusualError,
    read_element,
    read_item,
)

Span = tuple[bytes, int, int]
"""VR (b"" if implicit), and where the value begins and ends."""


class Elements:
    """The elements of a data set, as places in the bytes of its file.

    An item of a sequence of defined length is walked through when it is first looked into.
    `nested` has the items of the sequences that had to be, to find where they end.
    """

    def __init__(self, data: Any, explicit: bool, start: int, end: int, stop: int = NO_TAG) -> None:
        self.data, self.explicit = data, explicit
        self.meta: Elements | None = None  # before the root
        self._range = (start, end, stop)
        self.nested: dict[int, list[Elements]] = {}

    @cached_property
    def spans(self) -> dict[int, Span]:
        """Where each element lies, by its tag."""
        return self._walked[0]

    @property
    def end(self) -> int:
        """Where the data set ends, or the element stands that it stopped before."""
        return self._walked[1]

    def text(self, tag: int) -> str:
        """The text at `tag`, as it is written."""
        _, start, end = self.spans.get(tag, (b"", 0, 0))
        return bytes(self.data[start:end]).decode("latin-1").strip(" \0")

    def items(self, tag: int) -> "list[Elements]":
        """The items of the sequence at `tag`."""
        _, start, end = self.spans[tag]
        if tag not in self.nested:
            self.nested[tag] = self._items(start, end)[0]
        return self.nested[tag]

    @cached_property
    def _walked(self) -> tuple[dict[int, Span], int]:
        spans: dict[int, Span] = {}
        data, explicit = self.data, self.explicit
        position, end, stop = self._range
        while position < end:
            tag, vr, start, after = read_element(data, position, end, explicit, stop)
            if tag >= stop:
                if stop == FIRST_PIXELS and tag not in PIXELS:
                    raise UnusualError
                break
            if tag == ITEM_END:
                position = after
                break
            if after == OPEN:
                if vr not in (b"SQ", b""):
                    raise UnusualError
                self.nested[tag], after = self._items(start, end)
                if after > end:
                    raise UnusualError
            spans[tag] = (vr, start, after)
            position = after
        return spans, position

    def _items(self, position: int, end: int) -> "tuple[list[Elements], int]":
        """The items of a sequence, and where it ends."""
        items: list[Elements] = []
        while position + 8 <= end:
            tag, length = read_item(self.data, position)
            position += 8
            if tag == SEQUENCE_END:
                break
            if tag != ITEM:
                raise UnusualError
            last = end if length == UNDEFINED else position + length
            items.append(Elements(self.data, self.explicit, position, last))
            position = items[-1].end if length == UNDEFINED else last
        return items, position


def mapped(path: Path) -> mmap.mmap:
    """A file as bytes; `ValueError` if it is empty."""
    with path.open("rb") as stream:
        return mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)


def find(data: Any, stop: int) -> Elements:
    """The elements before the tag `stop`."""
    if data[BEGIN - 4 : BEGIN] != b"DICM":
        raise UnusualError
    meta = Elements(data, True, BEGIN, len(data), 0x00030000)
    syntax = meta.text(SYNTAX)
    if not syntax.startswith(IMPLICIT) or syntax.endswith((".2.2", ".1.99")):
        raise UnusualError  # big endian, deflated, unknown
    root = Elements(data, syntax != IMPLICIT, meta.end, len(data), stop)
    _ = root.spans
    root.meta = meta
    return root
