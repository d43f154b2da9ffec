"""The walk finds every text at every depth; what it cannot check is an error of ours."""

import io
import struct
import time
import zlib
from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pydicom._dicom_dict import DicomDictionary
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    MRImageStorage,
)

from coil.deid.leak import elements, tags, walk
from coil.deid.leak import texts as noted
from coil.deid.leak.headers import collect
from coil.deid.leak.identifiers import LOOSE
from coil.deid.leak.search import Searcher
from coil.deid.leak.walk import Walk
from coil.errors import DataError
from tests.support import deid_plain
from tests.support.archive_records import write_pulled
from tests.support.deid import header

SYNTAXES = [
    ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
]  # fmt: skip
every_syntax = pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda uid: uid.keyword)
calm = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def written(data: Dataset, syntax: str = ExplicitVRLittleEndian) -> bytes:
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = UID(syntax)
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID = MRImageStorage
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID = UID("1.2.3.4.5.6.7.8.9.10")
    stream = io.BytesIO()
    data.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def texts(data: bytes, before: Walk | None = None) -> set[bytes]:
    return {element.value.strip(b"\0 ") for element in (before or Walk()).read(data)}


def pulled(folder: Path, *files: bytes) -> Path:
    """A pulled session of one series."""
    (folder / "series" / "001").mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(files):
        (folder / "series" / "001" / f"{number:06d}.dcm").write_bytes(data)
    write_pulled(folder)
    return folder


# Data sets as scanners write them: names, IDs, dates, private blocks, sequences in sequences.

WORDS = st.text("abcdefghijklmnopqrstuvwxyz", min_size=6, max_size=12)
TEXTS = st.builds(lambda word, number: f"{word.capitalize()}{number:04d}", WORDS, st.integers(0))
DAYS = st.dates(date(1901, 1, 1), date(2099, 1, 1)).map(lambda day: day.strftime("%Y%m%d"))
LEAVES = st.one_of(
    st.tuples(st.sampled_from(["PatientName", "OperatorsName", "PersonName"]),
              st.builds("{}^{}".format, WORDS, WORDS)),
    st.tuples(st.sampled_from(["PatientID", "InstitutionName", "StationName"]), TEXTS),
    st.tuples(st.sampled_from(["ImageComments", "DeviceSerialNumber"]), TEXTS),
    st.tuples(st.sampled_from(["StudyDate", "PatientBirthDate"]),
              DAYS),
    st.tuples(st.sampled_from(["EchoTime", "ImageType", "Rows"]), st.just(None)),
)  # fmt: skip
SEQUENCES = ["RequestAttributesSequence", "SharedFunctionalGroupsSequence", "ProcedureCodeSequence"]


@st.composite
def datasets(draw: st.DrawFn, depth: int = 3) -> Dataset:
    data = Dataset()
    for keyword, value in draw(st.lists(LEAVES, max_size=6)):
        usual = {"EchoTime": "2.5", "ImageType": ["ORIGINAL", "PRIMARY"], "Rows": 64}
        setattr(data, keyword, usual[keyword] if value is None else value)
    if draw(st.booleans()):
        block = data.private_block(
            0x0029, draw(st.sampled_from(["MAKER A", "MAKER B"])), create=True
        )
        block.add_new(0x10, draw(st.sampled_from(["LO", "UT", "OB", "UN"])), "")
        value = draw(TEXTS)
        private = data[0x0029, 0x1010]
        private.value = value.encode() if private.VR in ("OB", "UN") else value
    if depth and draw(st.booleans()):
        items = draw(st.lists(datasets(depth - 1), min_size=1, max_size=3))
        for item in items:
            item.is_undefined_length_sequence_item = draw(st.booleans())
        sequence = Sequence(items)
        sequence.is_undefined_length = draw(st.booleans())
        setattr(data, draw(st.sampled_from(SEQUENCES)), sequence)
    return data


@calm
@given(files=st.lists(datasets(), min_size=1, max_size=4), syntax=st.sampled_from(SYNTAXES))
def test_the_walk_finds_what_pydicom_finds(tmp_path: Path, files: list[Dataset], syntax: str):
    made = [written(data, syntax) for data in files]
    folder = tmp_path / "all"
    for old in folder.rglob("*.dcm"):
        old.unlink()
    pulled(folder, *made)
    plain = deid_plain.read(sorted(folder.rglob("*.dcm")))
    assert plain <= collect(folder).values


@calm
@given(data=datasets(), name=WORDS)
def test_one_value_that_differs_is_found_among_files_that_are_alike(data: Dataset, name: str):
    walked = Walk()
    for _ in range(4):
        texts(written(data), walked)
    item = Dataset()
    item.PatientName = name
    data.RequestAttributesSequence = Sequence([*data.get("RequestAttributesSequence", ()), item])
    assert name.encode() in texts(written(data), walked)


def told(walked: Walk, files: list[bytes]) -> set[tuple]:
    """All that is told of files, but for how deep it first stood."""
    return {element[:5] for data in files for element in walked.read(data)}


@calm
@given(
    one=datasets(), others=st.lists(datasets(), max_size=3), names=st.lists(TEXTS, max_size=4),
    syntax=st.sampled_from(SYNTAXES),
)  # fmt: skip
def test_the_fast_walk_tells_what_the_full_one_tells(
    one: Dataset, others: list[Dataset], names: list[str], syntax: str
):
    files = [written(one, syntax)]
    for name in names:  # most of a series' files have the same lengths
        one.PatientID = one.ImageComments = name
        files += [written(one, syntax), *(written(other, syntax) for other in others)]
    assert told(Walk(), files) == told(Walk(learns=False), files)


@settings(calm, max_examples=200)
@given(place=st.integers(0, 3000), junk=st.binary(min_size=1, max_size=6), cut=st.integers(0, 3000))
def test_the_fast_walk_tells_what_the_full_one_tells_of_damaged_files(
    tmp_path: Path, place: int, junk: bytes, cut: int
):
    broken = bytearray(BASE)
    place %= len(BASE)
    broken[place : place + len(junk)] = junk
    files = [BASE, bytes(broken), BASE[: cut % len(BASE)], BASE]
    try:
        full = told(Walk(learns=False), files)
    except DataError:
        with pytest.raises(DataError):
            told(Walk(), files)
        return
    found = collect(pulled(tmp_path / "all", *files)).values
    for number, data in enumerate(files):
        alone = collect(pulled(tmp_path / f"{number}", data)).values
        assert {v for v in alone if v.kind not in LOOSE} <= found
    carved = {text[:2] for text in full if text[1] != elements.CARVED}
    assert carved <= {text[:2] for text in told(Walk(), files)}


def test_what_was_walked_is_not_told_again():
    walked = Walk()
    assert texts(written(header()), walked)
    assert not texts(written(header()), walked)


@every_syntax
def test_every_encoding_is_read(syntax: str):
    data = header()
    found = texts(written(data, syntax))
    assert {b"Quillfeather^Zoe", b"Deepnest^Mary", b"Nightingale", b"20240501"} <= found


def element(tag: int, vr: bytes, value: bytes) -> bytes:
    """An element in explicit VR, little endian."""
    head = struct.pack("<HH2s", tag >> 16, tag & 0xFFFF, vr)
    long = vr in (b"UN", b"OB", b"SQ", b"UT")
    return (
        head
        + (struct.pack("<HI", 0, len(value)) if long else struct.pack("<H", len(value)))
        + value
    )


def item(value: bytes) -> bytes:
    return struct.pack("<HHI", 0xFFFE, 0xE000, len(value)) + value


NAME = b"Deepnest^Mary "
INNER = element(0x00100010, b"PN", NAME)
IMPLICIT = struct.pack("<HHI", 0x0010, 0x0010, len(NAME)) + NAME
ENDS = struct.pack("<HHIHHI", 0xFFFE, 0xE00D, 0, 0xFFFE, 0xE0DD, 0)
OPEN = struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
HIDDEN = {
    "a sequence in UN, as it was": element(0x00091010, b"UN", item(INNER)),
    "a sequence in UN, implicit": element(0x00091010, b"UN", item(IMPLICIT)),
    "UN of undefined length": struct.pack("<HH2sHI", 9, 0x1010, b"UN", 0, 0xFFFFFFFF)
    + OPEN + IMPLICIT + ENDS,
    "a sequence of undefined length": struct.pack("<HH2sHI", 0x40, 0x275, b"SQ", 0, 0xFFFFFFFF)
    + OPEN + INNER + ENDS,
    "a sequence in a private OB": element(0x00091010, b"OB", item(INNER)),
    "a whole file in a private OB": element(0x00091010, b"OB", bytes(128) + b"DICM" + INNER),
    "a sequence in a public UN": element(0x00089999, b"UN", item(INNER)),
    "an item with implicit VR": element(0x00400275, b"SQ", item(IMPLICIT)),
    "trailing padding": element(0xFFFCFFFC, b"OB", NAME),
    "behind the pixels": element(0x7FE00010, b"OW", bytes(64)) + INNER,
    "behind compressed pixels": struct.pack("<HH2sHI", 0x7FE0, 0x10, b"OB", 0, 0xFFFFFFFF)
    + item(b"\xff\xd8\xff") + item(b"") + ENDS[8:] + INNER,
    "a word where a code should be": element(0x00080060, b"CS", NAME),
    "a word where a number should be": element(0x00180081, b"DS", NAME),
}  # fmt: skip


@pytest.mark.parametrize("bytes_", HIDDEN.values(), ids=HIDDEN)
def test_a_value_is_found_wherever_it_hides(bytes_: bytes):
    assert NAME.strip() in texts(written(Dataset()) + bytes_)


def test_a_file_without_preamble_or_meta_information_is_read():
    assert b"Quillfeather^Zoe" in texts(written(header())[132:])
    assert NAME.strip() in texts(element(0x00080060, b"CS", b"MR") + INNER)


@pytest.mark.parametrize(
    ("charset", "codec", "name"),
    [
        ("ISO_IR 100", "latin-1", "Bürgermeisterin"),
        ("ISO_IR 192", "utf-8", "Bürgermeisterin"),
        ("ISO_IR 144", "iso8859-5", "Достоевский"),
        ("GB18030", "gb18030", "王小东先生"),
        ("\\ISO 2022 IR 87", "iso2022_jp", "山田太郎様"),
        ("ISO_IR 999", "utf-8", "Bürgermeisterin"),
        ("", "utf-8", "Bürgermeisterin"),
    ],
)
def test_character_sets_are_read(tmp_path: Path, charset: str, codec: str, name: str):
    value = name.encode(codec)
    data = element(0x00080005, b"CS", charset.encode().ljust(len(charset) + len(charset) % 2))
    data += element(0x00100010, b"PN", value + b" " * (len(value) % 2))
    assert name in {v.value for v in collect(pulled(tmp_path, data)).values}


def nested(levels: int, inner: bytes, undefined: bool) -> bytes:
    for _ in range(levels):
        if undefined:
            head = struct.pack("<HH2sHI", 0x40, 0x275, b"SQ", 0, 0xFFFFFFFF)
            inner = head + OPEN + inner + ENDS
        else:
            inner = element(0x00400275, b"SQ", item(inner))
    return inner


@pytest.mark.parametrize("undefined", [False, True])
def test_depths_of_scanners_are_walked_and_a_thousand_is_an_error(undefined: bool):
    head = written(Dataset())
    assert NAME.strip() in texts(head + nested(50, INNER, undefined))
    with pytest.raises(DataError, match="deep"):
        texts(head + nested(1000, INNER, undefined))
    with pytest.raises(DataError, match="deep"):
        texts(head + nested(3000, b"", False) if not undefined else head + OPEN_SEQUENCES)


OPEN_SEQUENCES = (struct.pack("<HH2sHI", 0x40, 0x275, b"SQ", 0, 0xFFFFFFFF) + OPEN) * 100_000


def test_files_within_files_are_bounded_too():
    data = INNER
    for _ in range(200):
        data = element(0x00091010, b"OB", bytes(128) + b"DICM" + data)
    with pytest.raises(DataError, match="deep"):
        texts(bytes(128) + b"DICM" + data)


def test_a_deflated_file_that_bursts_is_an_error(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(walk, "MOST_INFLATED", 1 << 20)
    head = written(Dataset(), DeflatedExplicitVRLittleEndian)
    start = head.index(b"1.2.840.10008.1.2.1.99")
    meta = head[: start + 22]
    packer = zlib.compressobj(wbits=-15)
    bomb = packer.compress(element(0x00091010, b"OB", bytes(1 << 22))) + packer.flush()
    with pytest.raises(DataError, match="too large"):
        texts(_only_meta(meta) + bomb)


def _only_meta(meta: bytes) -> bytes:
    """The meta information up to the transfer syntax, without a length of its group."""
    return bytes(128) + b"DICM" + element(0x00020010, b"UI", meta[-22:])


def test_too_many_texts_are_an_error(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(noted, "MOST_FOUND", 100)
    data = b"".join(element(0x00080080, b"LO", b"%06d" % n) for n in range(200))
    with pytest.raises(DataError, match="too many"):
        texts(data)


# Bytes that are broken: nothing that still stands in them is missed.

BASE = written(header())
PLANTED = [b"Quillfeather^Zoe", b"QX-77-0042", b"St Elsewhere", b"Deepnest^Mary", b"Nightingale",
           b"PRIV-55501-X", b"UNKN-66601-Y", b"HUSH-77701-Z"]  # fmt: skip


def missed(folder: Path, data: bytes) -> list[bytes]:
    """The planted values that stand in a file, and that a search would not find."""
    searcher = Searcher(collect(pulled(folder, data)))
    left = [value for value in PLANTED if value in data and not is_other(data, value)]
    return [value for value in left if not list(searcher.in_text(b'"' + value + b'"'))]


def is_other(data: bytes, value: bytes) -> bool:
    """Whether damage made a value the name of a manufacturer's block, or a part of a word."""
    start = data.index(value)
    tag, around = (
        data[start - 8 : start - 4],
        data[start - 1 : start] + data[start + len(value) :][:1],
    )
    return bool(tag[0] & 1 and tag[3] == 0) or any(bytes([byte]).isalnum() for byte in around)


@calm
@given(size=st.integers(0, len(BASE)))
def test_a_file_that_was_cut_off_hides_nothing(tmp_path: Path, size: int):
    assert not missed(tmp_path, BASE[:size])


@settings(calm, max_examples=300, derandomize=True)
@given(
    place=st.integers(132, len(BASE) - 4),
    junk=st.binary(min_size=1, max_size=4),
    again=st.integers(132, len(BASE) - 4),
)
def test_wrong_lengths_and_other_damage_hide_nothing(
    tmp_path: Path, place: int, junk: bytes, again: int
):
    data = bytearray(BASE)
    data[place : place + len(junk)] = junk
    data[again] ^= 0x20
    assume(b"\xe0\x7f\x10\0" not in data)  # what stands in pixels is not looked at
    try:
        lost = missed(tmp_path, bytes(data))
    except DataError:
        return
    assert not lost


@settings(calm, max_examples=150)
@given(data=st.binary(max_size=2000), headed=st.booleans(), times=st.integers(1, 50))
def test_any_bytes_end_in_time(data: bytes, headed: bool, times: int):
    start = time.process_time()
    try:
        Walk().read((bytes(128) + b"DICM" if headed else b"") + data * times)
    except DataError as error:
        assert "\n" not in str(error)
    assert time.process_time() - start < 5


@pytest.mark.parametrize(
    "part",
    [b"LO\xff\xff", b"UN\0\0\xff\xff\xff\x7f", item(b""), element(0x00091010, b"UN", b""), OPEN,
     element(0x00091010, b"UN", item(item(b""))), b"\x08\0\x05\0CS\2\0AB"],
)  # fmt: skip
def test_a_megabyte_of_nonsense_ends_in_time(part: bytes):
    start = time.process_time()
    try:
        Walk().read(BASE + part * (1_000_000 // len(part)))
    except DataError as error:
        assert "check" in str(error)
    assert time.process_time() - start < 10


# The tables and the real files.


def test_the_tags_are_those_of_the_standard():
    known = {row[4]: tag for tag, row in DicomDictionary.items()}
    assert {known[word] for word in tags.TECHNICAL_KEYWORDS.split()} == tags.TECHNICAL
    assert {
        tag
        for tag, (vr, *_, word) in DicomDictionary.items()
        if word.endswith(("ID", "IDs", "Number")) and deid_plain.TEXT & set(vr.split(" or "))
    } == tags.IDS


real_sessions = pytest.mark.parametrize(
    "name",
    ["dcm_qa_xa30", "dcm_qa_me", "dcm_qa_nih", "dcm_qa_philips", "dcm_qa_philips_asl",
     "nitest-balls1", "deid-data"],
)  # fmt: skip


@pytest.mark.real
@real_sessions
def test_the_fast_walk_tells_what_the_full_one_tells_of_real_files(real_dicom: Path, name: str):
    fast, full = Walk(), Walk(learns=False)
    files = [p for p in sorted((real_dicom / name).rglob("*")) if p.is_file() and is_dicom(p)]
    one = {element[:5] for path in files for element in fast.file(path)}
    other = {element[:5] for path in files for element in full.file(path)}
    differ = len(one ^ other)  # a failure shows no values
    assert differ == 0


@pytest.mark.real
@real_sessions
def test_the_walk_finds_what_pydicom_finds_in_real_files(
    real_dicom: Path, tmp_path: Path, name: str
):
    files = [p for p in sorted((real_dicom / name).rglob("*")) if p.is_file() and is_dicom(p)]
    files = files[:: 1 + len(files) // 40]  # pydicom takes a minute for all
    folder = pulled(tmp_path)
    for number, path in enumerate(files):
        (folder / "series" / "001" / f"{number:06d}.dcm").symlink_to(path)
    plain = deid_plain.read(files)
    assert plain and not {v.kind for v in plain - collect(folder).values}


def is_dicom(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(132)[128:] == b"DICM"
