"""What becomes of elements whose bytes are at hand, remembered by these bytes."""

import struct
from typing import TypeVar

from coil.deid.dicom import parts
from coil.deid.dicom.layout import MisfitError, read_element, skip
from coil.deid.dicom.profile import Rules

_ITEM = struct.Struct("<HHI")
_DEEPEST = 64
_REMEMBERED = 50_000
SMALL = 512
_K = TypeVar("_K")


class Worker:
    """Remembers what became of elements under the same rules."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.small: dict[tuple[int, bytes, bool, str], dict[bytes, bytes]] = {}
        self.large: dict[tuple[int, bytes, bool, str], tuple[bytes, bytes]] = {}
        self.inner: dict[tuple[int, str], tuple[bytes, bytes]] = {}
        self.memory: dict[tuple[str, bytes], bytes] = {}
        self.looked: dict[tuple[int, str], bool] = {}
        self.always = parts.added(rules)
        self.instead = {
            tag: parts.element(tag, vr, parts.even(vr, value) or b"")
            for tag, (vr, value) in rules.required.items()
        }

    def looks_at(self, tag: int, creator: str) -> bool:
        """Whether an element may stay, if its value may."""
        if (known := self.looked.get((tag, creator))) is None:
            known = self.rules.looks_at(tag, creator)
            self.looked[tag, creator] = known
        return known

    def known(self, tag: int, vr: bytes, undefined: bool, creator: str) -> dict[bytes, bytes]:
        """What became of the short values of an element of the root."""
        return self.small.setdefault((tag, vr, undefined, creator), {})

    def root(
        self,
        raw: bytes,
        tag: int,
        vr: bytes,
        undefined: bool,
        creator: str,
        known: dict[bytes, bytes],
    ) -> bytes:
        """What becomes of an element of the root by its value; remembered, in `known` if short."""
        is_short, key = len(raw) <= SMALL, (tag, vr, undefined, creator)
        if is_short:
            if (new := known.get(raw)) is not None:
                return new
        elif (before := self.large.get(key)) and before[0] == raw:
            return before[1]
        if vr == b"SQ":
            new = self.sequence(raw, tag, 0, len(raw), undefined, creator, 0)
        else:
            new = self.element(raw, tag, vr, creator)
        if not new:
            new = self.instead.get(tag, b"")
        if is_short:
            if len(known) > _REMEMBERED:
                known.clear()
            known[raw] = new
        else:
            self.large[key] = raw, new
        return new

    def element(self, raw: bytes, tag: int, vr: bytes, creator: str) -> bytes:
        """What becomes of one element that is no sequence; nothing if it is removed."""
        name = vr.decode("ascii")
        new = (
            self.rules.private(tag, name, raw, creator)
            if tag & 0x10000
            else self.rules.public(tag, name, raw)
        )
        whole = parts.even(*new) if new else None
        return b"" if new is None or whole is None else parts.element(tag, new[0], whole)

    def sequence(
        self, data: bytes, tag: int, start: int, end: int, undefined: bool, creator: str, depth: int
    ) -> bytes:
        """A sequence with its items cleaned; nothing if it is removed."""
        if not self.rules.descends(tag, creator):
            return b""
        items = []
        place = start
        while place < end:
            group, number, length = _ITEM.unpack_from(data, place)
            if (group, number) == (0xFFFE, 0xE0DD) and undefined:
                break
            if (group, number) != (0xFFFE, 0xE000):
                raise MisfitError
            place += 8
            stop = end if length == parts.UNDEFINED else place + length
            if stop > end:
                raise MisfitError
            body, place = self.item(data, place, stop, length == parts.UNDEFINED, depth + 1)
            items.append(parts.item(body))
        return parts.element(tag, "SQ", b"".join(items))

    def item(
        self, data: bytes, place: int, end: int, undefined: bool, depth: int
    ) -> tuple[bytes, int]:
        """An item's elements that stay, and where it ends."""
        if depth > _DEEPEST:
            raise MisfitError
        out: dict[int, bytes] = {}
        creators: dict[int, str] = {}
        before = -1
        while place < end:
            start = place
            tag, vr, value, stop, open_ended = read_element(data, place, end)
            if tag == 0xFFFEE00D and undefined:
                place += 8
                break
            if tag <= before or tag >> 16 in (0x0000, 0x0002, 0xFFFE):
                raise MisfitError
            before = tag
            if open_ended:
                stop = skip(data, value, end, depth)
            place = stop
            if tag & 0xFFFF == 0 or tag in parts.PIXELS:
                continue
            creator = ""
            if tag & 0x10000:
                if tag & 0xFF00 == 0:
                    creators[tag & 0xFFFF00FF] = parts.creator_name(data[value:stop])
                    continue
                creator = creators.get(tag >> 16 << 16 | tag >> 8 & 0xFF, "")
            if not self.looks_at(tag, creator):
                continue
            new = self.nested(data, (tag, vr, start, value, stop, open_ended), creator, depth)
            if new:
                out[tag] = new
        else:
            if undefined:
                raise MisfitError
        if creators:
            out |= named(creators, {(tag >> 16, tag >> 8 & 0xFF) for tag in out})
        return b"".join(out[tag] for tag in sorted(out)), place

    def nested(
        self,
        data: bytes,
        span: tuple[int, bytes, int, int, int, bool],
        creator: str,
        depth: int,
    ) -> bytes:
        """What becomes of an element of an item; remembered by its bytes."""
        tag, vr, start, value, stop, open_ended = span
        if vr == b"SQ":
            return self.sequence(data, tag, value, stop, open_ended, creator, depth)
        raw = data[start:stop]
        if len(raw) > SMALL:
            before = self.inner.get((tag, creator))
            if before and before[0] == raw:
                return before[1]
        elif (known := self.memory.get((creator, raw))) is not None:
            return known
        new = self.element(data[value:stop], tag, vr, creator)
        if len(raw) > SMALL:
            self.inner[tag, creator] = raw, new
        else:
            remember(self.memory, (creator, raw), new)
        return new


def named(creators: dict[int, str], blocks: set[tuple[int, int]]) -> dict[int, bytes]:
    """The creators of the private blocks of which something stays."""
    return {
        key: parts.element(key, "LO", parts.creator_value(creator))
        for key, creator in creators.items()
        if (key >> 16, key & 0xFF) in blocks
    }


def remember(memory: dict[_K, bytes], key: _K, new: bytes) -> None:
    """Keep what became of something, of the last ones only."""
    if len(memory) > _REMEMBERED:
        memory.clear()
    memory[key] = new
