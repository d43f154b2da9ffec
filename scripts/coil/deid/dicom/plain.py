"""The engine with pydicom: reads every encoding, cleans element by element, writes anew.

Output is Explicit VR Little Endian; compressed pixels stay as they are. `fast` gives the same
bytes for the files that it takes.
"""

import io
import warnings
from typing import Any

import pydicom
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag, Tag

from coil import passing
from coil.deid.dicom import parts, private, risk
from coil.deid.dicom.profile import Rules
from coil.deid.pixels import Get
from coil.dicom.encoding import BIG, DEEPEST, DEFLATED, EXPLICIT, IMPLICIT, PIXELS, element, item
from coil.errors import DataError


def clean(data: bytes, family: parts.Family) -> bytes:
    """A DICOM file's bytes, de-identified.

    Raises
    ------
    risk.RefusedError
        If text may stand in its pixels, or it is no image.
    DataError
        If it cannot be read; the message quotes nothing.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            source = pydicom.dcmread(io.BytesIO(data))  # pyright: ignore[reportUnknownMemberType]
            return _clean(source, family)
        except DataError:
            raise
        except Exception as error:  # of many kinds, and their messages quote the file
            passing.let_through(error)
            raise DataError("a file cannot be read as DICOM; repair it in the archive") from None


def _clean(source: Any, family: parts.Family) -> bytes:
    syntax = str(source.file_meta.TransferSyntaxUID)
    if syntax == BIG:
        raise DataError("its byte order is big endian, which is retired; convert it in the archive")
    raws = {int(tag): source.get_item(tag) for tag in source.keys()}  # noqa: SIM118

    def get(tag: int) -> bytes | None:
        raw = raws.get(tag)
        return raw.value if isinstance(raw, RawDataElement) else None

    risk.check(get, raws)
    rules = family.find(get)
    instance = parts.uid_of(get(parts.SOP_INSTANCE), rules)
    out = _items(source, rules, 0)
    for tag, (vr, value) in rules.required.items():
        if tag in raws and tag not in out:
            _put(out, tag, vr, value)
    out |= parts.added(rules)
    compressed = syntax not in (EXPLICIT, IMPLICIT, DEFLATED)
    body = _joined(out) + _pixels(raws, get, syntax if compressed else "")
    written = syntax if compressed else EXPLICIT
    return parts.head(str(source.SOPClassUID), instance, written) + body


def _items(source: Dataset, rules: Rules, depth: int) -> dict[int, bytes]:
    """The elements of a dataset or an item that stay, as they are written."""
    if depth > DEEPEST:
        raise DataError("a file's sequences are too deep; repair it in the archive")
    out: dict[int, bytes] = {}
    creators: dict[tuple[int, int], str] = {}
    used: set[tuple[int, int]] = set()
    # First, as pydicom replaces raw elements by decoded ones when it decodes others.
    raws = {tag: source.get_item(tag) for tag in sorted(source.keys())}
    for tag, raw in raws.items():
        number = int(tag)
        group, block = number >> 16, number >> 8 & 0xFF
        if number in PIXELS or group in (0x0000, 0x0002) or number & 0xFFFF == 0:
            continue
        if group % 2 and number & 0xFF00 == 0:
            creators[group, number & 0xFF] = _creator(raw)
            continue
        creator = creators.get((group, block), "") if group % 2 else ""
        vr = _representation(raw, tag, creator, source)
        if vr == "SQ":
            if rules.descends(number, creator):
                inner = [_items(item, rules, depth + 1) for item in source[tag].value or ()]
                items = b"".join(item(_joined(one)) for one in inner)
                out[number] = element(number, "SQ", items)
                used.add((group, block))
            continue
        value = _bytes(raw)
        if value is None:
            continue
        rule = rules.rule_of(number, vr, creator)
        if not rule:
            continue
        new = rule[1](value) if value else value
        if new is not None and _put(out, number, rule[0], new):
            used.add((group, block))
    for (group, block), creator in creators.items():
        if (group, block) in used:
            _put(out, group << 16 | block, "LO", parts.creator_value(creator))
    return out


def _bytes(raw: Any) -> bytes | None:
    """The bytes of a value; what pydicom itself had to decode is a short number or no use."""
    if raw.value is None:  # as pydicom has it where no byte stands
        return b""
    if isinstance(raw, RawDataElement):
        return raw.value
    if raw.VR == "US" and isinstance(raw.value, int):
        return raw.value.to_bytes(2, "little")
    return None


def _creator(raw: Any) -> str:
    value = raw.value if isinstance(raw, RawDataElement) else b""
    return parts.creator_name(value or b"")


def _representation(raw: Any, tag: BaseTag, creator: str, source: Dataset) -> str:
    """The VR of an element, from the file or, in its implicit form, from the dictionaries."""
    vr = raw.VR
    if vr is not None:
        return str(vr)
    if tag.is_private:
        kept = private.find(creator, int(tag))
        return kept.vr if kept else "UN"
    try:
        vr = dictionary_VR(tag)
    except KeyError:
        return "UN"
    if vr == "US or SS":
        return "SS" if _signed(source) else "US"
    return vr.partition(" or ")[0]


def _signed(source: Dataset) -> bool:
    raw = source.get_item(Tag(0x00280103)) if 0x00280103 in source else None
    return raw is not None and (_bytes(raw) or b"\0\0") != b"\0\0"


def _put(out: dict[int, bytes], tag: int, vr: str, value: bytes) -> bool:
    whole = parts.even(vr, value)
    if whole is not None:
        out[tag] = element(tag, vr, whole)
    return whole is not None


def _joined(elements: dict[int, bytes]) -> bytes:
    return b"".join(elements[tag] for tag in sorted(elements))


def _pixels(raws: dict[int, Any], get: Get, syntax: str) -> bytes:
    tag = next((tag for tag in PIXELS if raws.get(tag) is not None), None)
    if tag is None:
        raise risk.RefusedError("it has no pixels; leave it out")
    value = memoryview(raws[tag].value or b"")
    if syntax:
        return parts.encapsulated(tag, value, syntax)
    vr = raws[tag].VR
    if vr not in ("OB", "OW", "OF", "OD"):
        vr = "OW"
    return element(tag, vr, parts.native_pixels(value, risk.pixels_length(get)))
