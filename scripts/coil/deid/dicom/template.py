"""A template of the files of a series, learnt from one of them.

What was the same in the files before is compared as a whole, from one element that varies to the
next, and its clean bytes are spliced in. What varies is read by its length and cleaned by the
same rules. A file in which anything else differs does not fit, and is taken apart.
"""

import struct
from collections.abc import Collection
from typing import NamedTuple

from coil.deid.dicom import parts, risk, values
from coil.deid.dicom.cleaner import SMALL, Clean, Cleaner, named
from coil.deid.dicom.layout import Layout, Span, check_tail, decides
from coil.deid.pixels import SOP_CLASS
from coil.dicom.encoding import BEGIN, EXPLICIT, LONG, UNDEFINED, UnusualError, skip_items

_BEGIN = BEGIN - 4  # behind the preamble
_SHORT, _LONG = struct.Struct("<H"), struct.Struct("<I")


class _Step(NamedTuple):
    """Bytes that are the same, and behind them an element that varies.

    The bytes end before its length, `value` bytes before its value; `length` reads that, None if
    it is not told. `known` is what became of its short values, `renew` makes it of others, and is
    None if it is removed whatever it says.
    """

    same: bytes
    value: int
    length: struct.Struct | None
    known: dict[bytes, bytes]
    renew: Clean | None


class Template:
    """How to get through a file that is like the one that it was learnt from.

    `structure` is what such files share: their elements, and what decides over others.
    """

    def __init__(
        self, data: bytes, layout: Layout, cleaner: Cleaner, varying: Collection[int]
    ) -> None:
        self.structure: list[tuple[int, bytes, bool, bytes]] = []
        self._cleaner = cleaner
        self._steps: list[_Step] = []
        self._clean: dict[int, bytes] = {}
        self._positions: dict[int, int] = {}  # in what varies and may stay
        self._creators: dict[int, str] = {}
        position = _BEGIN
        for tag, span in [*layout.meta.items(), *layout.root.items()]:
            decided = decides(tag)
            raw = data[span[1] : span[3]] if decided else b""
            self.structure.append((tag, span[0], span[4], raw))
            if tag in varying and not decided:
                self._add_step(data, position, tag, span)
                position = span[3]
            else:
                self._add_same(data, tag, span)
        self._rest = data[position : layout.pixels[1][2]]
        self._private = [position for tag, position in self._positions.items() if tag & 0x10000]
        self._pattern: list[bool] | None = None
        self._order: list[int | bytes] = []
        self._pixels = _Pixels(data, layout)

    def fill(self, data: bytes) -> list[bytes | memoryview] | None:
        """What becomes of a file, in parts; None if it does not fit."""
        position, end = _BEGIN, len(data)
        found: list[bytes] = []
        for same, behind, length, known, renew in self._steps:
            if not data.startswith(same, position):
                return None
            value = position + behind
            if length:
                (size,) = length.unpack_from(data, position + len(same))
                position = value + size
                if position > end or size == UNDEFINED:
                    return None
            else:
                position = skip_items(data, value, end, 0)
            if renew:
                raw = data[value:position]
                new = known.get(raw) if position - value <= SMALL else None
                found.append(renew(raw) if new is None else new)
        if not data.startswith(self._rest, position):
            return None
        instance = found[self._positions[parts.SOP_INSTANCE]][8:]
        if not instance:
            raise UnusualError
        pixels = self._pixels.of(data, position + len(self._rest))
        pattern = [bool(found[one]) for one in self._private]
        if pattern != self._pattern:
            self._arrange(pattern, found)
        body = [found[one] if isinstance(one, int) else one for one in self._order]
        return [self._pixels.head(instance), *body, *pixels]

    def _creator(self, tag: int) -> str:
        """Who made a private element."""
        return self._creators.get(tag >> 16 << 16 | tag >> 8 & 0xFF, "") if tag & 0x10000 else ""

    def _add_same(self, data: bytes, tag: int, span: Span) -> None:
        vr, _, value, end, undefined = span
        cleaner = self._cleaner
        if tag & 0x1FF00 == 0x10000:
            self._creators[tag] = parts.creator_name(data[value:end])
        elif cleaner.looks_at(tag, creator := self._creator(tag)):
            _, renew = cleaner.root(tag, vr, undefined, creator)
            self._clean[tag] = renew(data[value:end])
        elif tag in cleaner.instead:
            self._clean[tag] = cleaner.instead[tag]

    def _add_step(self, data: bytes, position: int, tag: int, span: Span) -> None:
        vr, _, value, _, undefined = span
        length = None if undefined else _LONG if vr in LONG else _SHORT
        digits = length.size if length else 0
        creator, known, renew = self._creator(tag), {}, None
        if self._cleaner.looks_at(tag, creator):
            self._positions[tag] = len(self._positions)
            known, renew = self._cleaner.root(tag, vr, undefined, creator)
        elif tag in self._cleaner.instead:
            self._clean[tag] = self._cleaner.instead[tag]
        same = data[position : value - digits]
        self._steps.append(_Step(same, value - position, length, known, renew))

    def _arrange(self, pattern: list[bool], found: list[bytes]) -> None:
        """Learn the order of what is written: clean bytes, and positions in what varies.

        `pattern` tells which of the private elements that vary stay: their creators stay with them.
        """
        out: dict[int, int | bytes] = {**self._clean, **self._positions}
        blocks = {
            (tag >> 16, tag >> 8 & 0xFF)
            for tag, one in out.items()
            if tag & 0x10000 and (found[one] if isinstance(one, int) else one)
        }
        out |= self._cleaner.always
        out |= named(self._creators, blocks)
        order: list[int | bytes] = []
        for tag in sorted(out):
            one = out[tag]
            if order and isinstance(one, bytes) and isinstance(order[-1], bytes):
                order[-1] += one
            else:
                order.append(one)
        self._order, self._pattern = order, pattern


class _Pixels:
    """The pixels, without what stands behind them, and the head that says how they are coded."""

    def __init__(self, data: bytes, layout: Layout) -> None:
        def get(tag: int) -> bytes | None:
            span = layout.root.get(tag)
            return data[span[2] : span[3]] if span else None

        self.tag, (self.vr, _, value, end, self.undefined) = layout.pixels
        self.size, self.syntax = end - value, layout.syntax
        self.native = layout.syntax == EXPLICIT
        self.sop_class = values.text_of(get(SOP_CLASS) or b"") or ""
        if self.native == self.undefined:
            raise UnusualError
        if self.native and self.vr not in (b"OB", b"OW", b"OF", b"OD"):
            raise UnusualError
        self.length = risk.pixels_length(get)

    def of(self, data: bytes, position: int) -> list[bytes | memoryview]:
        """The pixels whose value begins at a position."""
        view = memoryview(data)
        if not self.native:
            return [parts.encapsulated(self.tag, view[position:], self.syntax)]
        end = position + self.size
        if end > len(data):
            raise UnusualError
        check_tail(data, end, self.tag)
        whole = parts.native_pixels(view[position:end], self.length)
        head = struct.pack("<HH2sHI", self.tag >> 16, self.tag & 0xFFFF, self.vr, 0, len(whole))
        return [head, whole]

    def head(self, instance: bytes) -> bytes:
        """The file's head, by the UID that it has now."""
        return parts.head(self.sop_class, instance.rstrip(b"\0").decode("ascii"), self.syntax)
