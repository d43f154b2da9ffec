"""The same bytes as `plain` makes, without decoding what did not change.

The files of a series share their structure: most elements stand in each of them with the same
bytes. So the bytes of each element are compared with those of the file before, and what became
of them there is spliced in; only what differs is cleaned, by the same rules. A file that is not
in Explicit VR Little Endian, or whose structure has anything unusual, goes to `plain`.
"""

import struct

from coil.deid.dicom import parts, plain, risk
from coil.deid.dicom.layout import Layout, MisfitError, read_element, skip
from coil.deid.dicom.profile import Rules

_LONG = struct.Struct("<I")
_ITEM = struct.Struct("<HHI")
_DEEPEST = 64
_REMEMBERED = 50_000
_SMALL = 512
_LAYOUTS = 32


class Engine:
    """De-identifies the files of one series after the other.

    `plainly` counts the files that `plain` had to take.
    """

    def __init__(self, family: parts.Family) -> None:
        self.family = family
        self.plainly = 0
        self._workers: dict[int, _Worker] = {}
        self._learnt: list[_Learnt] = []

    def clean(self, data: bytes) -> list[bytes | memoryview]:
        """A DICOM file's bytes, de-identified, in parts; raises as `plain.clean` does."""
        try:
            return self._clean(data)
        except (MisfitError, struct.error):
            self.plainly += 1
            return [plain.clean(data, self.family)]

    def _clean(self, data: bytes) -> list[bytes | memoryview]:
        learnt = self._find(data)
        layout = learnt.layout
        _, _, value, end, _ = layout.found.get(parts.SOP_INSTANCE, (b"", 0, 0, 0, False))
        instance = parts.uid_of(data[value:end], learnt.worker.rules)
        body = learnt.worker.root(data, learnt)
        return [parts.head(learnt.sop_class, instance, layout.syntax), *body, *learnt.pixels(data)]

    def _find(self, data: bytes) -> "_Learnt":
        """What was learnt of a file that was like this one, else of this one."""
        for place, learnt in enumerate(self._learnt):
            if learnt.layout.fits(data):
                if place:
                    self._learnt.insert(0, self._learnt.pop(place))
                return learnt
        layout = Layout.read(data)

        def get(tag: int) -> bytes | None:
            span = layout.found.get(tag)
            return data[span[2] : span[3]] if span else None

        risk.check(get, sorted({tag >> 16 for tag in layout.found if tag >> 24 == 0x60}))
        rules = self.family.find(get)
        if id(rules) not in self._workers:
            self._workers[id(rules)] = _Worker(rules)
        learnt = _Learnt(layout, self._workers[id(rules)], get, data)
        self._learnt = [learnt, *self._learnt[: _LAYOUTS - 1]]
        return learnt


class _Learnt:
    """A layout, what becomes of each of its elements, and in which order they are written."""

    def __init__(self, layout: Layout, worker: "_Worker", get: risk.Get, data: bytes) -> None:
        self.layout, self.worker = layout, worker
        self.sop_class = (get(risk.SOP_CLASS) or b"").rstrip(b" \0").decode("ascii")
        self.length = risk.pixels_length(get)
        self.creators: dict[int, str] = {}
        self.plan: list[tuple[int, bytes, int, int, int, bool, str]] = []
        for tag, (vr, start, value, end, undefined) in layout.found.items():
            creator = ""
            if tag & 0x10000:
                if tag & 0xFF00 == 0:
                    self.creators[tag & 0xFFFF00FF] = parts.creator_name(data[value:end])
                    continue
                creator = self.creators.get(tag >> 16 << 16 | tag >> 8 & 0xFF, "")
            if worker.looks_at(tag, creator):
                self.plan.append((tag, vr, start, value, end, undefined, creator))
        self.before: list[tuple[bytes, bytes]] = [
            worker.last.get((one[0], one[6]), (b"", b"")) for one in self.plan
        ]
        self.order: list[int | bytes] = []
        self.pattern: list[bool] = []

    def arrange(self, pattern: list[bool]) -> None:
        """Learn the order of what is written: places in the plan, and what is always the same."""
        worker = self.worker
        out: dict[int, int | bytes] = {}
        blocks = set()
        for place, there in enumerate(pattern):
            tag = self.plan[place][0]
            if there:
                out[tag] = place
                blocks.add((tag >> 16, tag >> 8 & 0xFF))
        for tag, one in worker.instead.items():
            if tag in self.layout.found and tag not in out:
                out[tag] = one
        out |= worker.always
        out |= _named(self.creators, blocks)
        self.order, self.pattern = [out[tag] for tag in sorted(out)], pattern

    def pixels(self, data: bytes) -> list[bytes | memoryview]:
        """The pixels, without what stands behind them."""
        tag, (vr, _, value, stop, open_ended) = self.layout.pixels
        view = memoryview(data)[value:stop]
        if self.layout.syntax != parts.EXPLICIT:
            if not open_ended:
                raise MisfitError
            return [parts.encapsulated(tag, view, self.layout.syntax)]
        if open_ended or vr not in (b"OB", b"OW", b"OF", b"OD"):
            raise MisfitError
        whole = parts.native_pixels(view, self.length)
        return [struct.pack("<HH2sHI", tag >> 16, tag & 0xFFFF, vr, 0, len(whole)), whole]


class _Worker:
    """Remembers what became of elements under the same rules."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.last: dict[tuple[int, str], tuple[bytes, bytes]] = {}
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

    def root(self, data: bytes, learnt: _Learnt) -> list[bytes]:
        """The root's elements that stay, in order, without the pixels."""
        before = learnt.before
        for place, (tag, vr, start, value, end, undefined, creator) in enumerate(learnt.plan):
            raw = data[start:end]
            if before[place][0] != raw:
                if vr == b"SQ":
                    new = self.sequence(data, tag, value, end, undefined, creator, 0)
                else:
                    new = self.element(data, tag, vr, value, end, creator, 0)
                before[place] = self.last[tag, creator] = raw, new
        pattern = [bool(new) for _, new in before]
        if pattern != learnt.pattern:
            learnt.arrange(pattern)
        return [before[one][1] if isinstance(one, int) else one for one in learnt.order]

    def element(
        self, data: bytes, tag: int, vr: bytes, value: int, end: int, creator: str, depth: int
    ) -> bytes:
        """What becomes of one element; nothing if it is removed."""
        if vr == b"SQ":
            return self.sequence(data, tag, value, end, False, creator, depth)
        name, raw = vr.decode("ascii"), data[value:end]
        rules = self.rules
        private_one = tag >> 16 & 1
        new = (
            rules.private(tag, name, raw, creator) if private_one else rules.public(tag, name, raw)
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
            out |= _named(creators, {(tag >> 16, tag >> 8 & 0xFF) for tag in out})
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
        if len(raw) > _SMALL:
            before = self.last.get((tag, "item" + creator))
            if before and before[0] == raw:
                return before[1]
        elif (known := self.memory.get((creator, raw))) is not None:
            return known
        new = self.element(data, tag, vr, value, stop, creator, depth)
        if len(raw) > _SMALL:
            self.last[tag, "item" + creator] = raw, new
        else:
            if len(self.memory) > _REMEMBERED:
                self.memory.clear()
            self.memory[creator, raw] = new
        return new


def _named(creators: dict[int, str], blocks: set[tuple[int, int]]) -> dict[int, bytes]:
    """The creators of the private blocks of which something stays."""
    return {
        key: parts.element(key, "LO", parts.creator_value(creator))
        for key, creator in creators.items()
        if (key >> 16, key & 0xFF) in blocks
    }
