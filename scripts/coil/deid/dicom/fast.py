"""The same bytes as `plain` makes, without decoding what did not change.

The files of a series share their structure: most elements stand in each of them with the same
bytes. So the bytes of each element are compared with those of the file before, and what became
of them there is spliced in; only what differs is cleaned, by the same rules. A file that is not
in Explicit VR Little Endian, or whose structure has anything unusual, goes to `plain`.
"""

import struct

from coil.deid.dicom import parts, plain, private, risk
from coil.deid.dicom.profile import Rules

_HEAD = struct.Struct("<HH2sH")
_LONG = struct.Struct("<I")
_ITEM = struct.Struct("<HHI")
_VRS = parts.LONG | frozenset(
    (b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO", b"LT", b"PN",
     b"SH", b"SL", b"SS", b"ST", b"TM", b"UI", b"UL", b"US")
)  # fmt: skip
_DEEPEST = 64
_REMEMBERED = 50_000
_SMALL = 512
_ENCAPSULATED = "1.2.840.10008.1.2.4."
_RLE = "1.2.840.10008.1.2.5"


class _MisfitError(Exception):
    """The file is not of the learnt structure."""


class Engine:
    """De-identifies the files of one series after the other.

    `plainly` counts the files that `plain` had to take.
    """

    def __init__(self, family: parts.Family) -> None:
        self.family = family
        self.plainly = 0
        self._workers: dict[int, _Worker] = {}

    def clean(self, data: bytes) -> list[bytes | memoryview]:
        """A DICOM file's bytes, de-identified, in parts; raises as `plain.clean` does."""
        try:
            return self._clean(data)
        except (_MisfitError, struct.error):
            self.plainly += 1
            return [plain.clean(data, self.family)]

    def _clean(self, data: bytes) -> list[bytes | memoryview]:
        place, syntax = _read_meta(data)
        found, pixels = _read_root(data, place)

        def get(tag: int) -> bytes | None:
            span = found.get(tag)
            return data[span[2] : span[3]] if span else None

        risk.check(get, sorted({tag >> 16 for tag in found if tag >> 24 == 0x60}))
        rules = self.family.find(get)
        instance = parts.uid_of(get(parts.SOP_INSTANCE), rules)
        if id(rules) not in self._workers:
            self._workers[id(rules)] = _Worker(rules)
        body = self._workers[id(rules)].root(data, found)
        sop_class = (get(risk.SOP_CLASS) or b"").rstrip(b" \0").decode("ascii")
        return [parts.head(sop_class, instance, syntax), *body, *_pixels(data, pixels, syntax, get)]


class _Worker:
    """Remembers what became of elements under the same rules."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.last: dict[tuple[int, str], tuple[bytes, bytes]] = {}
        self.memory: dict[tuple[str, bytes], bytes] = {}
        self.always = parts.added(rules)
        self.instead = {
            tag: parts.element(tag, vr, parts.even(vr, value) or b"")
            for tag, (vr, value) in rules.required.items()
        }

    def root(self, data: bytes, found: "_Found") -> list[bytes]:
        """The root's elements that stay, in order, without the pixels."""
        out: dict[int, bytes] = {}
        creators: dict[int, str] = {}
        for tag, (vr, start, value, end, undefined) in found.items():
            if tag & 0x10000:
                if tag & 0xFF00 == 0:
                    creators[tag & 0xFFFF00FF] = parts.creator_name(data[value:end])
                    continue
                creator = creators.get(tag >> 16 << 16 | tag >> 8 & 0xFF, "")
                if not creator or private.find(creator, tag) is None:
                    continue
            else:
                creator = ""
                if tag not in self.rules.allowed:
                    continue
            if vr == b"SQ" and undefined:
                new = self.sequence(data, tag, value, end, True, creator, 0)
            else:
                raw = data[start:end]
                before = self.last.get((tag, creator))
                if before and before[0] == raw:
                    new = before[1]
                else:
                    new = self.element(data, tag, vr, value, end, creator, 0)
                    self.last[tag, creator] = raw, new
            if new:
                out[tag] = new
        for tag, one in self.instead.items():
            if tag in found and tag not in out:
                out[tag] = one
        out |= self.always
        _name_blocks(out, creators)
        return [out[tag] for tag in sorted(out)]

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
                raise _MisfitError
            place += 8
            stop = end if length == parts.UNDEFINED else place + length
            if stop > end:
                raise _MisfitError
            body, place = self.item(data, place, stop, length == parts.UNDEFINED, depth + 1)
            items.append(parts.item(body))
        return parts.element(tag, "SQ", b"".join(items))

    def item(
        self, data: bytes, place: int, end: int, undefined: bool, depth: int
    ) -> tuple[bytes, int]:
        """An item's elements that stay, and where it ends."""
        if depth > _DEEPEST:
            raise _MisfitError
        out: dict[int, bytes] = {}
        creators: dict[int, str] = {}
        before = -1
        while place < end:
            start = place
            tag, vr, value, stop, open_ended = _element(data, place, end)
            if tag == 0xFFFEE00D and undefined:
                place += 8
                break
            if tag <= before or tag >> 16 in (0x0000, 0x0002, 0xFFFE):
                raise _MisfitError
            before = tag
            if open_ended:
                stop = _skip(data, value, end, depth)
            place = stop
            if tag & 0xFFFF == 0 or tag in parts.PIXELS:
                continue
            creator = ""
            if tag & 0x10000:
                if tag & 0xFF00 == 0:
                    creators[tag & 0xFFFF00FF] = parts.creator_name(data[value:stop])
                    continue
                creator = creators.get(tag >> 16 << 16 | tag >> 8 & 0xFF, "")
                if not creator or private.find(creator, tag) is None:
                    continue
            elif tag not in self.rules.allowed:
                continue
            new = self.nested(data, (tag, vr, start, value, stop, open_ended), creator, depth)
            if new:
                out[tag] = new
        else:
            if undefined:
                raise _MisfitError
        _name_blocks(out, creators)
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


# By tag: the VR, where the element begins, where its value, where it ends, whether it says so.
_Found = dict[int, tuple[bytes, int, int, int, bool]]


def _name_blocks(out: dict[int, bytes], creators: dict[int, str]) -> None:
    """Name the creator of each private block of which something stays."""
    for key, creator in creators.items():
        group, block = key >> 16, key & 0xFF
        if any(tag >> 16 == group and tag >> 8 & 0xFF == block for tag in out):
            out[group << 16 | block] = parts.element(
                group << 16 | block, "LO", parts.creator_value(creator)
            )


def _element(data: bytes, place: int, end: int) -> tuple[int, bytes, int, int, bool]:
    """(tag, VR, where the value begins, where it ends, whether the end is not told)."""
    group, number, vr, length = _HEAD.unpack_from(data, place)
    tag = group << 16 | number
    if vr in parts.LONG:
        (length,) = _LONG.unpack_from(data, place + 8)
        value = place + 12
        if length == parts.UNDEFINED:
            if vr != b"SQ" and tag not in parts.PIXELS:
                raise _MisfitError
            return tag, vr, value, end, True
    elif vr in _VRS:
        value = place + 8
    elif tag == 0xFFFEE00D:
        return tag, vr, place + 8, place + 8, False
    else:
        raise _MisfitError
    if value + length > end:
        raise _MisfitError
    return tag, vr, value, value + length, False


def _skip(data: bytes, place: int, end: int, depth: int) -> int:
    """Where a sequence ends that does not tell its length."""
    if depth > _DEEPEST:
        raise _MisfitError
    while place < end:
        group, number, length = _ITEM.unpack_from(data, place)
        place += 8
        if (group, number) == (0xFFFE, 0xE0DD):
            return place
        if (group, number) != (0xFFFE, 0xE000):
            break
        if length != parts.UNDEFINED:
            place += length
            continue
        while place < end:
            tag, _, value, stop, open_ended = _element(data, place, end)
            place = _skip(data, value, end, depth + 1) if open_ended else stop
            if tag == 0xFFFEE00D:
                break
    raise _MisfitError


def _read_meta(data: bytes) -> tuple[int, str]:
    """Where the data set begins, and the transfer syntax."""
    if data[128:132] != b"DICM":
        raise _MisfitError
    place, syntax = 132, ""
    while data[place : place + 2] == b"\2\0":
        tag, _, value, place, _ = _element(data, place, len(data))
        if tag == 0x00020010:
            syntax = data[value:place].rstrip(b" \0").decode("ascii", "replace")
    if syntax != parts.EXPLICIT and syntax != _RLE and not syntax.startswith(_ENCAPSULATED):
        raise _MisfitError
    return place, syntax


def _read_root(data: bytes, place: int) -> tuple[_Found, tuple[int, bytes, int, int, bool]]:
    """The elements of the root before the pixels, and the pixels."""
    found: _Found = {}
    before, end = -1, len(data)
    while place < end:
        start = place
        tag, vr, value, stop, open_ended = _element(data, place, end)
        if tag <= before or tag >> 16 in (0x0000, 0x0002, 0xFFFE):
            raise _MisfitError
        before = tag
        if tag in parts.PIXELS:
            _check_tail(data, stop if not open_ended else None, tag)
            return found, (tag, vr, value, stop, open_ended)
        if open_ended:
            stop = _skip(data, value, end, 0)
        if tag & 0xFFFF:
            found[tag] = (vr, start, value, stop, open_ended)
        place = stop
    raise _MisfitError


def _check_tail(data: bytes, place: int | None, tag: int) -> None:
    """Nothing but padding may stand behind the pixels."""
    if place is None or place == len(data):
        return
    behind, *_ = _element(data, place, len(data))
    if behind != 0xFFFCFFFC or tag != parts.PIXELS[0]:
        raise _MisfitError


def _pixels(
    data: bytes, pixels: tuple[int, bytes, int, int, bool], syntax: str, get: risk.Get
) -> list[bytes | memoryview]:
    tag, vr, value, stop, open_ended = pixels
    view = memoryview(data)[value:stop]
    if syntax != parts.EXPLICIT:
        if not open_ended:
            raise _MisfitError
        return [parts.encapsulated(tag, view, syntax)]
    if open_ended or vr not in (b"OB", b"OW", b"OF", b"OD"):
        raise _MisfitError
    whole = parts.native_pixels(view, get)
    head = struct.pack("<HH2sHI", tag >> 16, tag & 0xFFFF, vr, 0, len(whole))
    return [head, whole]
