"""What becomes of elements whose bytes are at hand, remembered by these bytes."""

from collections.abc import Callable
from typing import TypeVar

from coil.deid.dicom import parts
from coil.deid.dicom.profile import Rules
from coil.dicom.encoding import (
    DEEPEST,
    ITEM,
    ITEM_END,
    OPEN,
    PIXELS,
    SEQUENCE_END,
    UNDEFINED,
    UnusualError,
    element,
    item,
    opening,
    read_element,
    read_item,
    skip_items,
)

_REMEMBERED = 50_000
SMALL = 512
Clean = Callable[[bytes], bytes]
Root = tuple[dict[bytes, bytes], Clean]
_K = TypeVar("_K")


class Cleaner:
    """Remembers what became of elements under the same rules."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.roots: dict[tuple[int, bytes, bool, str], Root] = {}
        self.elements: dict[tuple[int, bytes, str], Clean] = {}
        self.inner: dict[tuple[int, str], tuple[bytes, bytes]] = {}
        self.memory: dict[tuple[str, bytes], bytes] = {}
        self.looked: dict[tuple[int, str], bool] = {}
        self.always = parts.added(rules)
        self.instead = {
            tag: element(tag, vr, parts.even(vr, value) or b"")
            for tag, (vr, value) in rules.required.items()
        }

    def looks_at(self, tag: int, creator: str) -> bool:
        """Whether an element may stay, if its value may."""
        if (known := self.looked.get((tag, creator))) is None:
            known = self.rules.looks_at(tag, creator)
            self.looked[tag, creator] = known
        return known

    def root(self, tag: int, vr: bytes, undefined: bool, creator: str) -> Root:
        """What becomes of an element of the root: the memory of its short values, and what to
        call with those that are not remembered there."""
        key = tag, vr, undefined, creator
        if key not in self.roots:
            self.roots[key] = self._root(*key)
        return self.roots[key]

    def _root(self, tag: int, vr: bytes, undefined: bool, creator: str) -> Root:
        known: dict[bytes, bytes] = {}
        last = b"", b""
        instead = self.instead.get(tag, b"")
        clean = self.element(tag, vr, creator)

        def renew(raw: bytes) -> bytes:
            nonlocal last
            if (is_short := len(raw) <= SMALL) and raw in known:
                return known[raw]
            if last[0] == raw and not is_short:
                return last[1]
            if vr == b"SQ":
                new = self.sequence(raw, tag, 0, len(raw), undefined, creator, 0) or instead
            else:
                new = clean(raw) or instead
            if not is_short:
                last = raw, new
            else:
                remember(known, raw, new)
            return new

        return known, renew

    def element(self, tag: int, vr: bytes, creator: str) -> Clean:
        """What makes of the value of an element that is no sequence the element's bytes from now
        on; none if it is removed."""
        key = tag, vr, creator
        if key not in self.elements:
            self.elements[key] = self._element(*key)
        return self.elements[key]

    def _element(self, tag: int, vr: bytes, creator: str) -> Clean:
        rule = self.rules.rule_of(tag, vr.decode("ascii"), creator)
        if rule is None:
            return _removed
        name, form = rule
        begin, digits = opening(tag, name)

        def clean(raw: bytes) -> bytes:
            value = form(raw) if raw else raw
            if value is None:
                return b""
            if (size := len(value)) & 1:
                value, size = value + b"\0", size + 1
            if digits == 2 and size >= 0xFFFF:
                return b""
            return begin + size.to_bytes(digits, "little") + value

        return clean

    def sequence(
        self, data: bytes, tag: int, start: int, end: int, undefined: bool, creator: str, depth: int
    ) -> bytes:
        """A sequence with its items cleaned; nothing if it is removed."""
        if not self.rules.descends(tag, creator):
            return b""
        items: list[bytes] = []
        position = start
        while position < end:
            delimiter, length = read_item(data, position)
            if delimiter == SEQUENCE_END and undefined:
                break
            if delimiter != ITEM:
                raise UnusualError
            position += 8
            stop = end if length == UNDEFINED else position + length
            if stop > end:
                raise UnusualError
            body, position = self.item(data, position, stop, length == UNDEFINED, depth + 1)
            items.append(item(body))
        return element(tag, "SQ", b"".join(items))

    def item(
        self, data: bytes, position: int, end: int, undefined: bool, depth: int
    ) -> tuple[bytes, int]:
        """An item's elements that stay, and where it ends."""
        if depth > DEEPEST:
            raise UnusualError
        out: dict[int, bytes] = {}
        creators: dict[int, str] = {}
        before = -1
        while position < end:
            start = position
            tag, vr, value, stop = read_element(data, position, end)
            if tag == ITEM_END and undefined:
                position += 8
                break
            if tag <= before or tag >> 16 in (0x0000, 0x0002, 0xFFFE):
                raise UnusualError
            before = tag
            if is_open := stop == OPEN:
                stop = skip_items(data, value, end, depth)
            position = stop
            if tag & 0xFFFF == 0 or tag in PIXELS:
                continue
            creator = ""
            if tag & 0x10000:
                if tag & 0xFF00 == 0:
                    creators[tag & 0xFFFF00FF] = parts.creator_name(data[value:stop])
                    continue
                creator = creators.get(tag >> 16 << 16 | tag >> 8 & 0xFF, "")
            if not self.looks_at(tag, creator):
                continue
            new = self.nested(data, (tag, vr, start, value, stop, is_open), creator, depth)
            if new:
                out[tag] = new
        else:
            if undefined:
                raise UnusualError
        if creators:
            out |= named(creators, {(tag >> 16, tag >> 8 & 0xFF) for tag in out})
        return b"".join(out[tag] for tag in sorted(out)), position

    def nested(
        self,
        data: bytes,
        span: tuple[int, bytes, int, int, int, bool],
        creator: str,
        depth: int,
    ) -> bytes:
        """What becomes of an element of an item; remembered by its bytes."""
        tag, vr, start, value, stop, is_open = span
        if vr == b"SQ":
            return self.sequence(data, tag, value, stop, is_open, creator, depth)
        raw = data[start:stop]
        if len(raw) > SMALL:
            before = self.inner.get((tag, creator))
            if before and before[0] == raw:
                return before[1]
        elif (known := self.memory.get((creator, raw))) is not None:
            return known
        new = self.element(tag, vr, creator)(data[value:stop])
        if len(raw) > SMALL:
            self.inner[tag, creator] = raw, new
        else:
            remember(self.memory, (creator, raw), new)
        return new


def _removed(raw: bytes) -> bytes:
    return b""


def named(creators: dict[int, str], blocks: set[tuple[int, int]]) -> dict[int, bytes]:
    """The creators of the private blocks of which something stays."""
    return {
        key: element(key, "LO", parts.creator_value(creator))
        for key, creator in creators.items()
        if (key >> 16, key & 0xFF) in blocks
    }


def remember(memory: dict[_K, bytes], key: _K, new: bytes) -> None:
    """Keep what became of something, of the last ones only."""
    if len(memory) > _REMEMBERED:
        memory.clear()
    memory[key] = new
