"""The fast engine gives the bytes of the plain one, for any file, in any order."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.uid import RLELossless

from coil.deid.dicom import fast, parts, plain, siemens
from coil.deid.dicom.profile import attributes
from coil.deid.dicom.risk import RefusedError
from coil.dicom import encoding
from coil.errors import DataError
from tests.support.dicom import SUBJECT, by_plain, csa, decoded, encoded, image, nested, profile

FAST = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
SAMPLES: dict[str, st.SearchStrategy[Any]] = {
    "LO": st.text("ABCdef \\^123é", max_size=12),
    "SH": st.text("ABCdef 123", max_size=12),
    "CS": st.text("ABC_ 123", max_size=12),
    "DA": st.sampled_from(["20240501", "19300131", "2024", ""]),
    "TM": st.sampled_from(["130743.25", "130743", "13", "x"]),
    "DT": st.sampled_from(["20240501130743.25", "20240501130743+0100", "9"]),
    "UI": st.sampled_from(["1.2.3.4", "1.2.840.10008.1.2", "1.02", ""]),
    "DS": st.sampled_from(["1.5", "-3e4", "seven"]),
    "IS": st.sampled_from(["15", "-3", "x"]),
    "PN": st.text("Quil^feath", max_size=12),
    "US": st.integers(0, 65535),
    "FD": st.floats(allow_nan=False, width=32),
    "OB": st.binary(max_size=40),
}
SHORT = st.sampled_from([b"", b"12", b"13  ", b"ABC_", b"130744"])
CSA_NAMES = st.sampled_from(["B_value", "ICE_Dims", "TimeAfterStart", "Who", "ImageHistory"])
CSA_TEXTS = st.sampled_from(["0", "0.25", "1234567.5", "X_1_1_1_1_1_2", "Quillfeather", ""])
TAGS = sorted(
    tag
    for tag, row in attributes().items()
    if row.vr in SAMPLES and tag >> 16 > 2 and tag < 0x7FE00000 and tag >> 16 != 0x28
)
SEQUENCES = [0x00081140, 0x00089215, 0x00082112, 0x52009229, 0x00400275, 0x00189114]
CREATORS = ["SIEMENS MR HEADER", "SIEMENS MR SDI 02", "GEMS_PARM_01", "SOMEBODY"]


@st.composite
def elements(draw: st.DrawFn) -> tuple[int, str, bytes]:
    """Any element with any bytes of its kind."""
    tag = draw(st.sampled_from(TAGS))
    vr = attributes()[tag].vr
    value = draw(SAMPLES[vr])
    if isinstance(value, bytes):
        return tag, vr, value + bytes(len(value) % 2)
    if vr == "US":
        return tag, vr, value.to_bytes(2, "little")
    if vr == "FD":
        return tag, vr, bytes(8)
    data = str(value).encode("latin-1")
    return tag, vr, data + b" " * (len(data) % 2)


@st.composite
def bodies(draw: st.DrawFn, depth: int = 0) -> dict[int, bytes]:
    """The elements of a data set, with sequences of told and untold length, and private blocks."""
    out = {
        tag: encoding.element(tag, vr, value)
        for tag, vr, value in draw(st.lists(elements(), max_size=6))
    }
    if draw(st.booleans()):
        group = draw(st.sampled_from([0x0019, 0x0021, 0x0043, 0x0051]))
        creator = draw(st.sampled_from(CREATORS))
        out[group << 16 | 0x10] = encoding.element(
            group << 16 | 0x10, "LO", creator.encode() + b" " * (len(creator) % 2)
        )
        for last in draw(st.lists(st.integers(0, 255), max_size=4)):
            tag = group << 16 | 0x1000 | last
            vr = draw(st.sampled_from(["IS", "LO", "UN", "OB", "SH"]))
            value = draw(st.sampled_from([b"12", b"p2", b"Quillfeather", b"HC1-7;NC1 "]))
            out[tag] = encoding.element(tag, vr, value)
    if depth < 3:
        for tag in draw(st.lists(st.sampled_from(SEQUENCES), max_size=2, unique=True)):
            items = draw(st.lists(bodies(depth + 1), max_size=2))
            untold = draw(st.booleans())
            body = b"".join(_item(one, untold) for one in items)
            out[tag] = encoding.element(tag, "SQ", body, undefined=untold)
            if untold:  # which the element's length does not tell
                out[tag] += b"\xfe\xff\xdd\xe0\0\0\0\0"
    return out


def _item(elements: dict[int, bytes], untold: bool) -> bytes:
    body = b"".join(elements[tag] for tag in sorted(elements))
    if not untold:
        return encoding.item(body)
    return b"\xfe\xff\x00\xe0\xff\xff\xff\xff" + body + b"\xfe\xff\x0d\xe0\0\0\0\0"


def _file(extra: dict[int, bytes], number: int) -> bytes:
    raw = encoded(image(number))
    place = raw.index(b"\x08\x00\x08\x00CS")
    merged = extra | _walk(raw[place:])
    return raw[:place] + b"".join(merged[tag] for tag in sorted(merged))


def _walk(data: bytes) -> dict[int, bytes]:
    out, place = {}, 0
    while place < len(data):
        tag, _, _, stop = encoding.read_element(data, place, len(data))
        out[tag] = data[place:stop]
        place = stop
    return out


def _result(work: Any) -> bytes | str:
    try:
        return work()
    except DataError as error:
        return str(error)


@FAST
@given(st.lists(bodies(), min_size=1, max_size=3))
def test_both_engines_give_the_same_bytes(extras: list[dict[int, bytes]]):
    engine = fast.Engine(parts.Family(profile()))
    for number, extra in enumerate(extras, start=1):
        raw = _file(extra, number)
        quick = _result(lambda raw=raw: b"".join(engine.clean(raw)))
        assert quick == _result(lambda raw=raw: by_plain(raw))


@FAST
@given(st.data())
def test_both_engines_give_the_same_bytes_for_a_series_in_which_values_vary(data: st.DataObject):
    engine = fast.Engine(parts.Family(profile()))
    first = data.draw(bodies())
    varied = data.draw(st.lists(elements(), max_size=4))
    for number in range(data.draw(st.integers(2, 6))):
        extra = dict(first)
        for tag, vr, value in varied:
            extra[tag] = encoding.element(tag, vr, value if number % 2 else data.draw(SHORT))
        raw = _file(extra, number)
        quick = _result(lambda raw=raw: b"".join(engine.clean(raw)))
        assert quick == _result(lambda raw=raw: by_plain(raw))


def test_a_series_is_taken_apart_as_long_as_something_new_varies_in_it():
    engine = fast.Engine(parts.Family(profile()))
    for number, model in enumerate(["Prisma", "Prisma_fit", "Skyra", "Prisma", "Trio"], start=1):
        data = image(number)
        data.ManufacturerModelName = model
        raw = encoded(data)
        assert b"".join(engine.clean(raw)) == by_plain(raw)
    assert (engine.learnt, engine.plainly) == (2, 0)


@FAST
@given(st.lists(st.dictionaries(CSA_NAMES, st.lists(CSA_TEXTS, max_size=3)), min_size=2))
def test_a_csa_header_is_rewritten_alike_whatever_was_read_before(headers: list[Any]):
    names = sorted({name for header in headers for name in header})
    for header in headers:
        raw = csa({name: header.get(name, []) for name in names})
        assert siemens.image_header(raw) == siemens.Headers().rewrite(raw)


@FAST
@given(st.data())
def test_a_file_with_any_bytes_changed_gives_the_same_in_both_or_an_error(data: st.DataObject):
    raw = bytearray(encoded(image()))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(132, len(raw) - 33))
        raw[place] = data.draw(st.integers(0, 255))
    engine = fast.Engine(parts.Family(profile()))
    quick = _result(lambda: b"".join(engine.clean(bytes(raw))))
    plainly = _result(lambda: plain.clean(bytes(raw), parts.Family(profile())))
    if isinstance(quick, bytes) and isinstance(plainly, bytes):
        assert quick == plainly


def test_what_the_engine_remembers_of_one_file_does_not_stay_in_the_next():
    engine = fast.Engine(parts.Family(profile()))
    first, second = image(1), image(2)
    second.ManufacturerModelName = "Skyra"
    del second.AcquisitionTime
    for data in (first, second, first):
        raw = encoded(data)
        assert b"".join(engine.clean(raw)) == by_plain(raw)
    assert engine.plainly == 0


def test_what_refuses_a_file_is_seen_in_one_that_is_laid_out_as_the_one_before():
    engine = fast.Engine(parts.Family(profile()))
    first, hidden, burned = image(1), image(2), image(3)
    for data, place in ((first, 0), (hidden, 12), (burned, 0)):
        data.add_new(0x60000100, "US", 16)
        data.add_new(0x60000102, "US", place)
        data.BurnedInAnnotation = "YES" if data is burned else "NO "
    engine.clean(encoded(first))
    for data in (hidden, burned):
        with pytest.raises(RefusedError):
            engine.clean(encoded(data))


def test_files_of_other_classes_and_forms_in_one_series_are_told_apart():
    engine = fast.Engine(parts.Family(profile()))
    other = image(2)
    other.SOPClassUID = "1.2.840.10008.5.1.4.1.1.128"
    other.Modality = "PT"
    for data in (image(1), other, image(3)):
        raw = encoded(data)
        assert b"".join(engine.clean(raw)) == by_plain(raw)


def test_compressed_pixels_stay_and_what_stands_behind_them_goes():
    data = image()
    data.compress(RLELossless)
    raw = encoded(data)
    engine = fast.Engine(parts.Family(profile()))
    clean = b"".join(engine.clean(raw + encoding.element(0xFFFCFFFC, "OB", b"HUSH-77701-Z")))
    assert b"HUSH" not in clean
    assert decoded(clean).pixel_array.tolist() == image().pixel_array.tolist()
    assert clean == by_plain(raw)


def test_a_comment_in_a_jpeg_stream_is_refused():
    stream = b"\xff\xd8\xff\xfe\x00\x0eQuillfeather\xff\xd9"
    item = encoding.item(stream)
    raw = encoded(image()).replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.4.70")
    place = raw.index(b"\xe0\x7f\x10\x00")
    raw = raw[:place] + encoding.element(0x7FE00010, "OB", b"", undefined=True)
    raw += encoding.item(b"") + item + b"\xfe\xff\xdd\xe0\0\0\0\0"
    raw = raw.replace(b"\x02\x00\x10\x00UI\x14\x00", b"\x02\x00\x10\x00UI\x16\x00")
    engine = fast.Engine(parts.Family(profile()))
    with pytest.raises(DataError):
        engine.clean(raw)


def test_nested_elements_are_cleaned_as_those_of_the_root():
    inner = Dataset()
    inner.PatientID = "QX-77-0042"
    inner.EchoTime = "30"
    raw = encoded(image())
    data = decoded(raw)
    data.add(nested(0x00081140, [inner])[0x00081140])
    clean = decoded(by_plain(encoded(data)))
    assert "PatientID" not in clean.ReferencedImageSequence[0]
    assert clean.ReferencedImageSequence[0].EchoTime == 30
    assert clean.PatientID == SUBJECT


def test_a_csa_header_is_rewritten_in_both_engines():
    data = image()
    block = data.private_block(0x0029, "SIEMENS CSA HEADER", create=True)
    block.add_new(0x10, "OB", csa({"NumberOfImagesInMosaic": ["36"], "Who": ["Quillfeather"]}))
    raw = encoded(data)
    engine = fast.Engine(parts.Family(profile()))
    clean = b"".join(engine.clean(raw))
    assert clean == by_plain(raw)
    assert b"NumberOfImagesInMosaic" in clean
    assert b"Quillfeather" not in clean
