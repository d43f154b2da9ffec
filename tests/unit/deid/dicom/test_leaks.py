"""A unique value in every attribute of Annex E's table, wherever it could hide: none survives.

The control: the untouched file shows the values, so that the search can see them.
"""

import functools
import gzip
import struct
from collections.abc import Callable

import pytest

from coil.deid.dicom import fast, ge, parts, protocol
from coil.deid.dicom.profile import attributes
from coil.dicom import encoding
from coil.files import packed
from tests.support.dicom import by_fast, by_plain, csa, encoded, exported, image, profile

UNLISTED = 0x00091002  # no sequence that the standard has
NAMED = 0x00081140  # Referenced Image Sequence, which stays
DEEP = (0x52009229, 0x00189114, 0x00081140)
VENDORS = (
    "SIEMENS MR HEADER",
    "SIEMENS CSA HEADER",
    "SIEMENS MR SDI 02",
    "GEMS_PARM_01",
    "Philips MR Imaging DD 005",
    "Image Private Header",
)


def planted(tag: int, vr: str, where: int) -> bytes | None:
    """A value that stands nowhere else, of the attribute's form; None where it has no bytes."""
    number = where * 100_000 + sorted(attributes()).index(tag)
    if vr in ("DA", "DT"):  # no shift ends at such a year
        day = f"{2100 + where}{1 + number % 12:02}{1 + number % 28:02}"
        return (day if vr == "DA" else f"{day}{number % 86400:06}").encode()
    if vr == "TM":
        return f"{number % 24:02}{number % 60:02}{number % 59:02}.{number:06}".encode()
    if vr == "UI":
        return f"1.2.826.0.1.{number + 10**7}.7".encode()
    if vr == "PN":
        return f"Quill{number:07}^Zoe".encode()
    if vr in ("DS", "IS"):
        return f"{number:07}".encode()
    if vr in ("US", "SS", "UL", "SL", "FL", "FD", "AT", "UV", "SV"):
        return None
    return f"ZQ{number:07}".encode()


def even(value: bytes) -> bytes:
    return value + b" " * (len(value) % 2)


def at_root(tag: int, vr: str, value: bytes) -> dict[int, bytes]:
    return {tag: encoding.element(tag, vr, even(value))}


def inside(*path: int) -> Callable[[int, str, bytes], dict[int, bytes]]:
    """In items of sequences, the outermost first."""

    def place(tag: int, vr: str, value: bytes) -> dict[int, bytes]:
        data = encoding.element(tag, vr, even(value))
        for outer in reversed(path):
            data = encoding.element(outer, "SQ", encoding.item(data))
        return {path[0]: data}

    return place


def as_unknown(tag: int, _: str, value: bytes) -> dict[int, bytes]:
    return {tag: encoding.element(tag, "UN", even(value))}


def in_private_block(tag: int, vr: str, value: bytes) -> dict[int, bytes]:
    number = sorted(attributes()).index(tag)
    creator = VENDORS[number % len(VENDORS)]
    group = (0x0019, 0x0021, 0x0029, 0x0043, 0x0051, 0x0065, 0x2005)[number % 7]
    start = group << 16
    place = start | 0x1000 | number * 37 % 256
    written = "LO" if vr == "SQ" else vr
    return {
        start | 0x10: encoding.element(start | 0x10, "LO", even(creator.encode())),
        place: encoding.element(place, written, even(value)),
    }


def in_csa(_: int, __: str, value: bytes) -> dict[int, bytes]:
    text = value.decode()
    header = csa({"ICE_Dims": [text], "ImageHistory": [text], "Who": [text], "B_value": [text]})
    protocol = (
        b'### ASCCONV BEGIN ###\ntProtocolName = "' + value + b'"\nlContrasts = "' + value + b'"\n'
        b"sWipMemBlock.tFree = " + value + b"\n### ASCCONV END ###"
    )
    return {
        0x00290010: encoding.element(0x00290010, "LO", b"SIEMENS CSA HEADER"),
        0x00291010: encoding.element(0x00291010, "OB", header),
        0x00291020: encoding.element(
            0x00291020, "OB", even(csa({"MrPhoenixProtocol": [protocol.decode()]}))
        ),
    }


PLACES = {
    "at the root": at_root,
    "in a sequence of nobody": inside(UNLISTED),
    "in a sequence that stays": inside(NAMED),
    "three deep": inside(*DEEP),
    "as unknown": as_unknown,
    "in a private block": in_private_block,
    "in a CSA header": in_csa,
}


@functools.cache
def base() -> tuple[bytes, dict[int, bytes]]:
    """The head of a plain file, and its elements."""
    raw = encoded(image())
    start = place = raw.index(b"\x08\x00\x08\x00CS")
    found = {}
    while place < len(raw):
        tag, _, _, stop = encoding.read_element(raw, place, len(raw))
        found[tag] = raw[place:stop]
        place = stop
    return raw[:start], found


def with_elements(extra: dict[int, bytes]) -> bytes:
    head, found = base()
    merged = found | {tag: data for tag, data in extra.items() if tag not in KEPT_AS_THEY_ARE}
    return head + b"".join(merged[tag] for tag in sorted(merged))


# What decides over the file as a whole: its class, and that it is no capture.
KEPT_AS_THEY_ARE = {0x00080016}


@pytest.mark.parametrize("where", PLACES)
def test_no_value_planted_in_an_attribute_of_the_table_survives(where: str):
    number = list(PLACES).index(where)
    seen, survived, count = 0, [], 0
    engine = fast.Engine(parts.Family(profile(time_of_day="drop")))
    for tag, row in sorted(attributes().items()):
        value = planted(tag, row.vr, number) if row.basic and tag >> 16 > 2 else None
        if value is None or tag >> 16 == 0x0000:
            continue
        if row.vr == "SQ":
            inner = encoding.element(0x00080104, "LO", even(value))
            extra = PLACES[where](tag, "LO", value)
            if where in ("at the root", "three deep"):
                extra = {tag: encoding.element(tag, "SQ", encoding.item(inner))}
        else:
            extra = PLACES[where](tag, row.vr or "LO", value)
        raw = with_elements(extra)
        count += 1
        seen += value in raw
        clean = b"".join(engine.clean(raw))
        if value in clean:
            survived.append(row.keyword)
    assert seen / count > 0.99
    assert survived == []


# A name, and a code of initials with a year, for texts that a vocabulary must judge by what they
# say: nothing tells them from a term by its form.
NAMES = {"a name": "QUILLDOR", "a code": "QZW1953"}
_TEXTS = ("AE", "CS", "LO", "LT", "SH", "ST", "UC", "UR", "UT", "OB", "OW", "UN")


@pytest.mark.parametrize("form", NAMES)
@pytest.mark.parametrize("where", ["at the root", "in a sequence that stays"])
def test_no_name_passes_as_a_term(where: str, form: str):
    """In none of the attributes that have text, whether or not the table has them."""
    engine = fast.Engine(parts.Family(profile()))
    value, survived = NAMES[form].encode(), []
    for tag, row in sorted(attributes().items()):
        if row.vr.partition(" ")[0] not in _TEXTS or tag >> 16 <= 2 or tag in risk_decides():
            continue
        raw = with_elements(PLACES[where](tag, row.vr.partition(" ")[0], value * 2))
        if value in b"".join(engine.clean(raw)):
            survived.append(row.keyword)
    assert survived == []


def risk_decides() -> set[int]:
    """Elements that a file is refused for, and its pixels."""
    return {*parts.DECIDING, *encoding.PIXELS}


def test_of_several_codes_only_the_terms_stay():
    data = image()
    data.ImageType = ["ORIGINAL", "PRIMARY", "QUILLDOR", "ND"]
    assert list(exported(data).ImageType) == ["ORIGINAL", "PRIMARY", "", "ND"]


def test_a_table_of_colours_stays_and_a_text_in_its_place_does_not():
    data = image()
    data.RedPaletteColorLookupTableData = bytes(range(256)) * 2
    data.BluePaletteColorLookupTableData = "Quilldor".encode("utf-16-le")
    clean = exported(data)
    assert "RedPaletteColorLookupTableData" in clean
    assert "BluePaletteColorLookupTableData" not in clean


def test_an_integer_string_of_seven_digits_is_no_number_of_a_scanner():
    data = image()
    data.AcquisitionNumber, data.NumberOfTemporalPositions = 1_234_567, 123_456
    clean = exported(data)
    assert "AcquisitionNumber" not in clean or clean.AcquisitionNumber is None
    assert clean.NumberOfTemporalPositions == 123_456


def test_no_value_survives_in_preamble_meta_information_and_padding():
    values = [f"ZQ{number:07}".encode() for number in range(20)]
    raw = bytearray(encoded(image()))
    raw[:18] = values[0] + values[1]
    meta = b"".join(
        encoding.element(0x00020000 | number, vr, even(value))
        for number, vr, value in (
            (0x16, "AE", values[2]),
            (0x17, "AE", values[3]),
            (0x18, "AE", values[4]),
            (0x26, "UR", values[5]),
            (0x100, "UI", b"1.2.826.0.1.5551212"),
            (0x102, "OB", values[6]),
        )
    )
    start = raw.index(b"\x08\x00\x08\x00CS")
    length = struct.unpack_from("<I", raw, 140)[0] + len(meta)
    raw[140:144] = struct.pack("<I", length)
    whole = bytes(raw[:start]) + meta + bytes(raw[start:])
    whole += encoding.element(0xFFFCFFFC, "OB", values[7])
    used = [*values[:8], b"1.2.826.0.1.5551212"]
    assert all(value in whole for value in used)
    for engine in (by_fast, by_plain):
        assert not [value for value in used if value in engine(whole)]


def test_a_name_in_a_protocol_that_is_kept_stays_behind():
    """Where a line may tell a sequence or a coil; what names these stays."""
    lines = b"\n".join(
        (
            b"### ASCCONV BEGIN ###",
            rb'tSequenceFileName = ""%CustomerSeq%\quilldor_ep2d""',
            rb'asCoilSelectMeas[0].asList[0].sCoilElementID.tCoilID = ""Quilldor_64""',
            rb'asCoilSelectMeas[0].asList[1].sCoilElementID.tCoilID = ""HeadNeck_64""',
            b"### ASCCONV END ###",
        )
    )
    kept = protocol.protocol(lines) or b""
    assert b"uilldor" not in kept
    assert b"HeadNeck_64" in kept
    named = rb'tSequenceFileName = ""%CustomerSeq%\cmrr_mbep2d_bold""'
    marks = (b"### ASCCONV BEGIN ###\n", b"\n### ASCCONV END ###")
    assert named in (protocol.protocol(marks[0] + named + marks[1]) or b"")


def test_a_name_in_a_line_of_ges_protocol_stays_behind():
    text = b'set IOPT "Quilldor, EPI"\nset PSEQ "epi"\nset SLICEORDER "1"\n'
    block = ge.protocol_block(packed(text)) or b""
    kept = gzip.decompress(block)
    assert b"Quilldor" not in kept
    assert b'PSEQ "epi"' in kept
    assert b'SLICEORDER "1"' in kept
