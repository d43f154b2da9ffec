"""Every text of a DICOM data set, at every depth, read from its bytes.

The encodings are those of PS3.5 section 7: explicit and implicit VR, both byte orders; sequences of
defined and undefined length, also those that hide in UN or in a private OB. The files of a session
share most of their bytes: what was walked once is known by its bytes and passed over, one
comparison for a whole run of elements; of an element with the same tag, VR and length only the
value is looked at.
"""

import re
from abc import ABC, abstractmethod

from coil.deid.leak import elements
from coil.deid.leak.elements import (
    WALKED,
    BrokenError,
    Buffer,
    Known,
    Leaf,
    Syntax,
)
from coil.deid.leak.texts import Texts
from coil.errors import DataError

DEEPEST = 100  # sequences within each other; scanners write about ten
LARGE = 256

_KEPT = 1 << 20  # an element up to this size is known again by its bytes
_KEPT_DEPTH = 8
_SEEN = 1 << 12  # short values of a kind
_SMALL = 1 << 16  # larger bytes of a standard's element are tables and curves
_UNKNOWN: Known = (b"", WALKED, b"")
_CONTROL = re.compile(rb"[\0-\x08\x0e-\x1a\x1c-\x1f]")  # no text holds these


class DatasetWalk(ABC):
    """The walk through the data sets of one session's files."""

    def __init__(self, learns: bool = True, last: int = 0xFFFFFFFF) -> None:
        """`learns` is for tests: without, all elements of all files are walked. A file is read
        up to the element `last` of its root."""
        self._learns, self._last = learns, last
        self._syntaxes: dict[tuple[bool, str, bytes], Syntax] = {}
        self._leaves: dict[tuple[int, bytes, bytes, Syntax], Leaf] = {}
        self._meta: dict[bytes, bytes] = {}
        self._texts = Texts()

    @abstractmethod
    def _file(self, data: Buffer, depth: int) -> None:
        """Walk a whole file, such as a value holds."""

    def _dataset(
        self, data: Buffer, pos: int, end: int, syntax: Syntax, depth: int, open_end: bool
    ) -> int:
        """Walk elements up to `end`, or to the item's delimiter; returns the position after it."""
        _check_depth(depth)
        syntax = self._as_written(data, pos, end, syntax)
        known, runs, low, item_end = syntax.known, syntax.runs, syntax.low, syntax.item_end
        creators: dict[bytes, bytes] = {}
        private, run_start, run_key = b"", -1, b""
        start = pos
        while pos < end:
            last, start, key = start, pos, data[pos : pos + 8]
            if end - pos < 8:
                raise BrokenError(last)
            if key[low] & 1:
                if creators and (private := creators.get(key[:2], b"")):
                    key += private
            elif open_end and key[:4] == item_end:
                if run_start >= 0:
                    runs[run_key] = data[run_start:pos]
                return pos + 8
            if (before := runs.get(key)) and data[pos : pos + len(before)] == before:
                stop = pos + len(before)
                if stop <= end:
                    if run_start >= 0:
                        runs[run_key] = data[run_start:start]
                        run_start = -1
                    pos = stop
                    continue
            before, leaf, creator = known.get(key, _UNKNOWN)
            stop = start + len(before)
            raw = data[start:stop] if stop <= end else b""
            same = raw == before and stop > start
            if same and not creator:
                # A run stays within a private group, whose creators its key tells.
                if run_start >= 0 and key[low] & 1 and key[:2] != run_key[:2]:
                    runs[run_key] = data[run_start:start]
                    run_start = -1
                if run_start < 0:
                    run_start, run_key = start, key
                pos = stop
                continue
            if run_start >= 0:
                runs[run_key] = data[run_start:start]
                run_start = -1
            if same:
                creators[key[:2]] = creator
                pos = stop
                continue
            if raw and leaf is not WALKED:
                if leaf and raw not in leaf.seen:
                    self._other_value(leaf, raw)
                known[key] = (raw, leaf, b"")
                pos = stop
                continue
            private = private if key[low] & 1 else b""
            try:
                pos, number = self._element(data, start, end, syntax, private, depth)
            except BrokenError as broken:
                # What is wrong may be the length of the element before.
                raise BrokenError(last) from broken
            if number > self._last and not depth:
                return pos
            syntax = self._learn(data, start, pos, key, number, private, creators, syntax, depth)
            known, runs = syntax.known, syntax.runs
        if open_end:
            raise BrokenError(start)
        return pos

    def _learn(
        self,
        data: Buffer,
        start: int,
        stop: int,
        key: bytes,
        tag: int,
        private: bytes,
        creators: dict[bytes, bytes],
        syntax: Syntax,
        depth: int,
    ) -> Syntax:
        """Note an element that was walked; returns the syntax of those after it."""
        keeps = self._learns and stop - start <= _KEPT and depth <= _KEPT_DEPTH
        if tag >> 16 & 1 and 0x10 <= tag & 0xFFFF < 0x100:
            named = data[start + 8 : stop].strip(b"\0 ")
            after = creators[key[:2]] = private + bytes([tag & 0xFF]) + named + b"\0"
            if keeps:
                syntax.known[key] = (data[start:stop], WALKED, after)
        elif tag == elements.CHARSET:
            return self._syntax(syntax.implicit, syntax.order, data[start + 8 : stop])
        elif keeps and tag not in elements.PIXELS:
            leaf = self._leaf(key, tag, private, syntax, depth)
            syntax.known[key] = (data[start:stop], leaf, b"")
        return syntax

    def _other_value(self, leaf: Leaf, raw: bytes) -> None:
        """Look at the value of an element that differs from one before in its value alone."""
        self._value(leaf, raw[8:])
        if len(raw) <= LARGE and len(leaf.seen) < _SEEN:
            leaf.seen.add(raw)

    def _leaf(
        self, key: bytes, tag: int, creators: bytes, syntax: Syntax, depth: int
    ) -> Leaf | None:
        """The kind of the elements that begin with these bytes, which tell their length; None if
        they need not be looked at."""
        vr = elements.vr_of(tag) if syntax.implicit else key[4:6]
        is_defined = key[4:8] != b"\xff\xff\xff\xff" if syntax.implicit else vr not in elements.LONG
        if not is_defined or vr in elements.BYTES or vr == b"SQ":
            return WALKED
        if vr not in elements.TEXT_VRS and vr not in elements.STRICT:
            return None
        name = (tag, vr, creators, syntax)
        if name not in self._leaves:
            self._leaves[name] = Leaf(*name, depth)
        return self._leaves[name]

    def _element(
        self, data: Buffer, pos: int, end: int, syntax: Syntax, creators: bytes, depth: int
    ) -> tuple[int, int]:
        """Walk one element; returns the position after it, and its tag."""
        if end - pos < 8:
            raise BrokenError(pos)
        if syntax.implicit:
            group, number, length = syntax.plain(data, pos)
            vr, value = elements.vr_of(group << 16 | number), pos + 8
        else:
            group, number, vr, length = syntax.head(data, pos)
            value = pos + 8
            if vr in elements.LONG:
                if end - pos < 12:
                    raise BrokenError(pos)
                (length,), value = syntax.length(data, value), pos + 12
        tag = group << 16 | number
        if group == 0xFFFE:
            if tag == elements.ITEM_END:
                return pos + 8, tag
            raise BrokenError(pos)
        if vr not in elements.VRS:
            raise BrokenError(pos)
        if length == elements.UNDEFINED:
            if tag in elements.PIXELS or vr in (b"OB", b"OW"):
                return self._fragments(data, value, end, syntax), tag
            # UN of undefined length holds implicit VR (PS3.5 section 6.2.2).
            inner = self._syntax(True, "<", syntax.charset) if vr == b"UN" else syntax
            return self._sequence(data, value, end, inner, depth + 1, open_end=True), tag
        stop = value + length
        if tag in elements.PIXELS:  # nothing stands behind those that were cut off
            return min(stop, end), tag
        if stop > end:
            raise BrokenError(pos)
        if vr == b"SQ":
            self._try_sequence(data, value, stop, syntax, depth)
        elif length and vr in elements.LOOKED_AT:
            self._value(Leaf(tag, vr, creators, syntax, depth), data[value:stop])
        return stop, tag

    def _value(self, leaf: Leaf, value: bytes) -> None:
        """Look at a value, wherever it stands."""
        vr, charset, depth = leaf.vr, leaf.syntax.charset, leaf.depth
        if vr in elements.TEXT_VRS:
            self._texts.tell(leaf.tag, vr.decode(), value, leaf.creators, charset, depth)
            # Such a text swallowed the elements behind it.
            if len(value) > 8 and _CONTROL.search(value.rstrip(b"\0")):
                self._texts.carve(value, 0, len(value), charset, depth)
        elif vr in elements.STRICT:
            if not elements.STRICT[vr].fullmatch(value):
                self._texts.tell(leaf.tag, "LO", value, leaf.creators, charset, depth)
        else:
            self._of_bytes(leaf, value)

    def _of_bytes(self, leaf: Leaf, value: bytes) -> None:
        """Look into a value that has no VR: a sequence, a file, text, or what nobody knows."""
        tag, vr, syntax, depth = leaf.tag, leaf.vr, leaf.syntax, leaf.depth
        if value[:4] in (b"\xfe\xff\0\xe0", b"\xff\xfe\xe0\0"):
            order = "<" if value[0] == 0xFE else ">"
            inner = self._syntax(vr == b"UN", order, syntax.charset)
            self._try_sequence(value, 0, len(value), inner, depth)
        elif value[128:132] == b"DICM":
            self._file(value, depth + 1)
        elif vr == b"UN" or tag >> 16 & 1 or len(value) <= _SMALL or tag == 0xFFFCFFFC:
            self._texts.tell(tag, vr.decode(), value, leaf.creators, syntax.charset, depth)

    def _try_sequence(self, data: Buffer, pos: int, end: int, syntax: Syntax, depth: int) -> None:
        """Walk a sequence of defined length; what is broken in it does not concern the others."""
        try:
            self._sequence(data, pos, end, syntax, depth + 1, open_end=False)
        except BrokenError as broken:
            self._texts.carve(data, broken.pos, end, syntax.charset, depth)

    def _sequence(
        self, data: Buffer, pos: int, end: int, syntax: Syntax, depth: int, open_end: bool
    ) -> int:
        while pos < end:
            if end - pos < 8:
                raise BrokenError(pos)
            group, number, length = syntax.plain(data, pos)
            tag, start = group << 16 | number, pos
            pos += 8
            if tag == elements.SEQUENCE_END and open_end:
                return pos
            if tag != elements.ITEM:
                raise BrokenError(start)
            if length == elements.UNDEFINED:
                pos = self._dataset(data, pos, end, syntax, depth, open_end=True)
            elif pos + length > end:
                raise BrokenError(pos)
            else:
                pos = self._dataset(data, pos, pos + length, syntax, depth, open_end=False)
        if open_end:
            raise BrokenError(pos)
        return pos

    def _fragments(self, data: Buffer, pos: int, end: int, syntax: Syntax) -> int:
        """Pass over compressed pixels."""
        while end - pos >= 8:
            group, number, length = syntax.plain(data, pos)
            pos += 8
            if group << 16 | number == elements.SEQUENCE_END:
                return pos
            if group << 16 | number != elements.ITEM or pos + length > end:
                break
            pos += length
        raise BrokenError(pos)

    def _as_written(self, data: Buffer, pos: int, end: int, syntax: Syntax) -> Syntax:
        """The syntax that the first element has: some items have another than their file."""
        if end - pos < 8 or data[pos : pos + 2] in (b"\xfe\xff", b"\xff\xfe"):
            return syntax
        implicit = data[pos + 4 : pos + 6] not in elements.VRS
        if implicit == syntax.implicit:
            return syntax
        return self._syntax(implicit, syntax.order, syntax.charset)

    def _syntax(self, implicit: bool, order: str, charset: bytes) -> Syntax:
        key = (implicit, order, charset)
        if key not in self._syntaxes:
            self._syntaxes[key] = Syntax(*key)
        return self._syntaxes[key]


def _check_depth(depth: int) -> None:
    if depth > DEEPEST:
        raise DataError(
            f"a DICOM file holds sequences more than {DEEPEST} deep, so it cannot be checked; "
            "repair or remove it in the archive"
        )
