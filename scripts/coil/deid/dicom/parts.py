"""What both engines share: the file's head, its pixels, and how the root is put together."""

import struct
from collections.abc import Iterable
from functools import cache

from coil.deid import pixels
from coil.deid.dicom import risk, values
from coil.deid.dicom.profile import CLASSES, IMPLEMENTATION, Profile, Rules, begin_of, options
from coil.deid.pixels import SOP_CLASS, Get
from coil.dicom import encoding
from coil.dicom.encoding import BEGIN, ITEM, LONG, SEQUENCE_END, SYNTAX, element, item, read_item
from coil.errors import DataError

SOP_INSTANCE, STUDY_TIME, PIXEL_DATA = 0x00080018, 0x00080030, 0x7FE00010
# Root elements that decide over the whole file.
DECIDING = pixels.DECIDING | {
    risk.ALLOCATED, risk.COLUMNS, risk.SAMPLES, risk.FRAMES, SOP_INSTANCE, STUDY_TIME,
}  # fmt: skip
_MAGIC = bytes(BEGIN - 4) + b"DICM"
_JPEG = tuple(f"1.2.840.10008.1.2.4.{n}" for n in (50, 51, 57, 70, 80, 81))
_MARK = b"\xff\xd8"

Element = tuple[str, bytes]


def encapsulated(tag: int, value: memoryview, syntax: str) -> bytes:
    """Compressed pixels: their items and the delimiter, nothing behind it."""
    return encoding.encapsulated(tag, fragments(value, syntax))


def head(sop_class: str, instance: str, syntax: str) -> bytes:
    """Preamble and file meta information, made anew."""
    before, behind = _around(sop_class, syntax)
    meta = before + element(0x00020003, "UI", values.padded(instance, b"\0")) + behind
    return _MAGIC + element(0x00020000, "UL", struct.pack("<I", len(meta))) + meta


@cache
def _around(sop_class: str, syntax: str) -> tuple[bytes, bytes]:
    """The meta information before and behind the file's own UID."""
    before = (
        element(0x00020001, "OB", b"\0\1"),
        element(0x00020002, "UI", values.padded(sop_class, b"\0")),
    )
    behind = (
        element(SYNTAX, "UI", values.padded(syntax, b"\0")),
        element(0x00020012, "UI", values.padded(IMPLEMENTATION, b"\0")),
        element(0x00020013, "SH", b"COIL"),
    )
    return b"".join(before), b"".join(behind)


def added(rules: Rules) -> dict[int, bytes]:
    """The root elements that say who it is now and what was done, as they are written."""
    found = {
        tag: element(tag, vr, even(vr, value) or b"") for tag, (vr, value) in rules.added.items()
    }
    methods = b"".join(
        item(
            element(0x00080100, "SH", values.padded(code))
            + element(0x00080102, "SH", b"DCM ")
            + element(0x00080104, "LO", values.padded(meaning))
        )
        for code, meaning in options(rules.profile.dates).items()
    )
    return found | {0x00120064: element(0x00120064, "SQ", methods)}


class Family:
    """The rules of a profile by SOP class and begin of the study, made once."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self._rules: dict[tuple[str, float], Rules] = {}

    def find(self, get: Get) -> Rules:
        """The rules for a file by its deciding elements."""
        sop_class = values.text_of(get(SOP_CLASS) or b"") or ""
        begin = begin_of(self.profile, values.text_of(get(STUDY_TIME) or b"") or "")
        if (sop_class, begin) not in self._rules:
            if sop_class not in CLASSES:
                raise DataError("no image of a known class; leave it out")
            self._rules[sop_class, begin] = Rules(self.profile, sop_class, begin)
        return self._rules[sop_class, begin]


def uid_of(raw: bytes | None, rules: Rules) -> str:
    """The new SOP instance UID. Raises DataError if there is none."""
    new = values.of_uids(raw or b"", rules.profile.renew) if raw else None
    if not new:
        raise DataError("a file has no valid SOP instance UID; repair it in the archive")
    return new.rstrip(b"\0").decode("ascii")


def even(vr: str, value: bytes) -> bytes | None:
    """A value padded to an even length; None if it is too long for its VR."""
    if len(value) % 2:
        value += b"\0"
    return value if len(value) < 0xFFFF or vr.encode("ascii") in LONG else None


def native_pixels(pixels: memoryview, length: int) -> memoryview:
    """The `length` bytes of pixels, padded, and no more. Raises DataError if some lack."""
    if not length or len(pixels) < length:
        raise DataError("a file has less pixels than its header tells; repair it in the archive")
    return memoryview(bytes(pixels[:length]) + b"\0") if length % 2 else pixels[:length]


def fragments(data: memoryview, syntax: str) -> Iterable[memoryview]:
    """The items of encapsulated pixels (PS3.5, A.4), up to the delimiter.

    Raises DataError if they are damaged, or hold text or an application's data beside the image.
    """
    position = 0
    while position + 8 <= len(data):
        tag, length = read_item(data, position)
        start, end = position + 8, position + 8 + length
        if tag == SEQUENCE_END:
            return
        if tag != ITEM or end > len(data):
            break
        part = data[start:end]
        if syntax in _JPEG and bytes(part[:2]) == _MARK:
            _check_jpeg(part)
        yield data[position:end]
        position = end
    if position != len(data):
        raise DataError("its compressed pixels are damaged; repair it in the archive")


def _check_jpeg(part: memoryview) -> None:
    """Refuse comments and unknown application data between the marks of a JPEG stream."""
    position = 2
    while position + 4 <= len(part) and part[position] == 0xFF:
        mark, length = part[position + 1], int.from_bytes(part[position + 2 : position + 4], "big")
        if mark == 0xDA:  # the image itself
            return
        plain = bytes(part[position + 4 : position + 9]) in (b"JFIF\0", b"Adobe") and length < 17
        if mark == 0xFE or (0xE0 <= mark <= 0xEF and not plain):
            raise DataError("its compressed pixels carry a comment; decompress it in the archive")
        position += 2 + length


def creator_name(raw: bytes) -> str:
    """A private creator as it names itself."""
    return raw.decode("latin-1").strip(" \0")


def creator_value(name: str) -> bytes:
    """The value that names a private creator; only known ones get as far as here."""
    return values.padded(name)
