import base64
import gzip
import json
import re
import zlib
from pathlib import Path
from urllib.parse import quote

import nibabel as nib
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coil.deid.leak import identifiers
from coil.deid.leak.encodings import undone
from coil.deid.leak.identifiers import Identifiers, gather
from coil.deid.leak.search import Hit, Searcher, redact, search

NAME = "Quillfeather^Zoë"
PATIENT = gather(
    [
        *identifiers.person(NAME),
        *identifiers.label("QX-77-0042", "ID"),
        *identifiers.label("48151", "ID"),
        *identifiers.day("19740131"),
        *identifiers.time("130743.900000"),
        *identifiers.uid("1.3.12.2.1107.5.2.43.48151.2031052309151"),
        *identifiers.guess("memory of the sea", "description"),
    ]
)
SEARCHER = Searcher(PATIENT, public={"sub01"}, labels={"memory"})


def kinds(data: bytes) -> set[str]:
    return {kind for *_, kind in SEARCHER.in_text(data)}


@pytest.mark.parametrize(
    "text",
    [
        "Quillfeather",
        "of QUILLFEATHER's",
        "Zoë Quillfeather",
        "Zoë_Quillfeather",
        "quillfeatherzoë",
        "Quillfeather, Zoë",
        "subQX770042run",
        "QX-77-0042",
        '"serial": "48151"',
        "MRC48151",
        "born 1974-01-31",
        "31.01.1974",
        "1/31/1974",
        "31 January 1974",
        "Jan 31, 1974",
        "scan19740131T12",
        "1974013112051",
        "740131_scan",
        "13:07:43",
        "1.3.12.2.1107.5.2.43.48151.7",
        "1.2.840.113619.2.1.1.1",
        "2.25.386472765114961480994793123880845113",
        "the memory of the sea",
    ],
)
def test_a_value_is_found_however_people_write_it(text: str):
    assert kinds(text.encode())


@pytest.mark.parametrize(
    "data",
    [
        "Quillfeather".encode("utf-16-le"),
        "Zoë Quillfeather".encode("utf-16-be"),
        "Quillfeather, Zoë".encode("latin-1"),
        json.dumps("Quillfeather, Zoë").encode(),
        quote("Quillfeather, Zoë").encode(),
        b"Zoe Quillfeather",
        b"see " + base64.b64encode(b"QX-77-0042 "),
        b"see " + base64.b64encode(b"a QX-77-0042 or so"),
        b"see " + base64.b64encode(b"an QX-77-0042 or so"),
        b"QX-77-0042".hex().encode(),
        b"QX-77-0042".hex().upper().encode(),
        b"QX-77-0042".hex(":").encode(),
        b'{"a": "' + base64.b64encode(gzip.compress(b"of QX-77-0042", mtime=0)) + b'"}',
        b'<img src="data:x;base64,' + base64.b64encode(zlib.compress(b"QX-77-0042")) + b'">',
        base64.urlsafe_b64encode("??>> QX-77-0042".encode("utf-16-le")),
        base64.b64encode(base64.b64encode(b"of QX-77-0042, born")),
        gzip.compress(b"of QX-77-0042", mtime=0).hex().encode(),
        b"%51X%2D77-0042",
        b"Zo%C3%AB+Quillfeather",
        b"&#81;uillfeathe&#x72;",
        b"Qu\\u0069llfeather",
    ],
)
def test_a_value_is_found_in_the_encodings_it_could_hide_in(data: bytes):
    assert kinds(b"\0" + data + b"\0")


@pytest.mark.parametrize(
    "text",
    [
        '{"EchoTime": 0.048151, "ShimSetting": [48151, -5882]}',
        "onset\tduration\n48151\t1\n",
        "0.19740131",
        "12.548151",
        "task-memory",
        '{"ConversionSoftwareVersion": "v1.0.20260724"}',
        "1874-01-31T00:00:00",
        "sub01",
        "5.7.1\\5.7.1.2",
        "",
    ],
)
def test_numbers_of_a_measurement_and_the_labs_own_words_are_no_leak(text: str):
    assert not kinds(text.encode())


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Test^Phantom", '"test": "phantom"'),
        ("Philip^Rest", '"Manufacturer": "Philips", "TaskName": "rest"'),
        ("Field^Sally", '"MagneticFieldStrength": 3'),
        ("Eric", "generic numeric"),
        ("Prisma", "MAGNETOM Prisma Fit"),
        ("Echo^Gradient", "Multiband Gradient Echo EPI"),
    ],
)
def test_public_words_are_no_leak_even_if_a_patient_is_called_so(name: str, text: str):
    assert not list(Searcher(gather(identifiers.person(name))).in_text(text.encode()))


def test_a_public_word_does_not_hide_a_name_that_holds_it():
    searcher = Searcher(gather(identifiers.person("Philip^Rest")))
    assert list(searcher.in_text(b"sub-Philip")) and list(searcher.in_text(b"Philip Rester"))


@settings(max_examples=60, deadline=None)
@given(
    st.text("abcdefghijklmnopqrstuvwxyzäöüßéABC0123456789-_^. ", min_size=6, max_size=24)
    .filter(lambda value: any(c.isalpha() for c in value))
    .filter(lambda value: len("".join(c for c in value if c.isalnum())) >= 6),
    st.sampled_from(["utf-8", "utf-16-le", "latin-1"]),
    st.binary(max_size=30),
)
def test_whatever_is_planted_anywhere_is_found(value: str, encoding: str, around: bytes):
    found = gather(identifiers.label("zq7" + value, "ID"))
    data = around + b"\n" + ("zq7" + value).encode(encoding) + b"\n" + around
    assert list(Searcher(found).in_text(data))


def image(path: Path, data: np.ndarray, **fields: bytes) -> Path:
    made = nib.Nifti1Image(data, np.eye(4))
    for name, value in fields.items():
        made.header[name] = value
    nib.save(made, path)
    return path


def test_every_part_of_a_compressed_image_is_searched(tmp_path: Path):
    flat = np.zeros(4096, "i2")
    planted = flat.copy()
    planted[1001:1007] = np.frombuffer(b"QuillfeatheR", "i2")
    clean = image(tmp_path / "clean.nii.gz", flat.reshape(16, 16, 16))
    assert SEARCHER.in_file(clean) == set()
    header = image(tmp_path / "a.nii.gz", flat.reshape(16, 16, 16), descrip=b"Time=130743.900000")
    assert SEARCHER.in_file(header) == {"time"}
    inside = image(tmp_path / "b.nii.gz", planted.reshape(16, 16, 16, order="F"))
    assert SEARCHER.in_file(inside) == {"name"}
    after = tmp_path / "c.nii.gz"
    after.write_bytes(gzip.compress(gzip.decompress(clean.read_bytes()) + b"QX-77-0042"))
    assert SEARCHER.in_file(after) == {"ID"}
    named = tmp_path / "d.nii.gz"
    with named.open("wb") as raw, gzip.GzipFile("Quillfeather.nii", "wb", fileobj=raw) as out:
        out.write(gzip.decompress(clean.read_bytes()))
    assert SEARCHER.in_file(named) == {"name"}


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(place=st.integers(0, 640_000), seed=st.integers(0, 99))
def test_a_long_value_is_found_at_any_place_among_voxels(tmp_path: Path, place: int, seed: int):
    data = np.random.default_rng(seed).integers(0, 4096, (64, 64, 80), "<i2")
    raw = bytearray(data.tobytes())
    raw[place : place + 12] = b"QUILLfeather"
    path = image(tmp_path / "v.nii.gz", np.frombuffer(raw, "<i2").reshape(data.shape, order="F"))
    assert SEARCHER.in_file(path) == {"name"}


def test_voxels_that_spell_a_short_word_are_no_leak(tmp_path: Path):
    data = np.zeros(4096, "u1")
    data[100:108] = np.frombuffer(b"19740131", "u1")
    assert not SEARCHER.in_file(image(tmp_path / "v.nii.gz", data.reshape(16, 16, 16, order="F")))


def test_hits_name_file_and_kind_and_never_the_value(tmp_path: Path):
    path = tmp_path / "a.json"
    path.write_text('{"PatientName": "Quillfeather"}')
    hits = search([path], ["sub-QX770042/a.json"], PATIENT)
    assert hits == [Hit("a file's name", "ID"), Hit("a.json", "name")]
    assert "uillf" not in repr(hits) + repr(PATIENT)


def test_texts_are_redacted():
    text = "T1w of Quillfeather 48151-b, 20230101 (1.2.3.4.5.6.7.8)"
    assert redact(Searcher(PATIENT), text) == "T1w of [removed] [removed]-b, [removed] ([removed])"
    assert redact(Searcher(PATIENT), "cmrr_rest ä") == "cmrr_rest ä"


def test_pictures_in_a_page_are_no_leak():
    """Four letters turn up in a megabyte of anything."""
    noise = np.random.default_rng(1).integers(0, 256, 300_000, "u1").tobytes()
    searcher = Searcher(gather(identifiers.person("Anna^Berg")))
    assert not list(searcher.in_text(b'src="' + base64.b64encode(noise) + b'"'))


@pytest.mark.parametrize("place", [0, 1, 2, 3, 70_001, 199_980])
def test_a_value_is_found_at_any_place_of_a_long_text(place: int):
    text = bytearray(b"0.51\t-12\n" * 20_000)
    text[place : place + 12] = b"\tQX-77-0042\t"
    assert kinds(bytes(text)) == {"ID"}


def test_short_values_are_not_searched_for():
    assert len(gather([*identifiers.label("DEV", "ID"), *identifiers.person("Li")])) == 0


def test_no_identifiers_find_nothing():
    assert not list(Searcher(Identifiers(frozenset())).in_text(b"anything"))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("山田^太郎", "山田 came late"),
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", "asked やまだ"),
        ("김^철수", "철수, twice"),
        ("Müller^Jürgen", "mueller_run1"),
        ("Weiß^Søren", "by Soeren Weiss"),
    ],
)
def test_a_name_of_two_characters_and_a_spelt_out_letter_are_found(name: str, text: str):
    searcher = Searcher(gather(identifiers.person(name)))
    assert {kind for *_, kind in searcher.in_text(text.encode())} == {"name"}


@pytest.mark.parametrize("text", ["run 0012345", "sub-12345_T1w", "MRN12345"])
def test_the_number_in_an_id_is_found_without_what_stands_around_it(text: str):
    searcher = Searcher(gather(identifiers.label("STUDY-0012345/b", "ID")))
    assert {kind for *_, kind in searcher.in_text(text.encode())} == {"ID"}


@pytest.mark.parametrize("text", ['{"EchoTime": 12345}', "0.12345", "000042.dcm", "7\t42\t1"])
def test_a_measured_number_is_no_part_of_an_id(text: str):
    ids = [*identifiers.label("STUDY-12345", "ID"), *identifiers.label("QX_000042", "ID")]
    assert not list(Searcher(gather(ids)).in_text(text.encode()))


@given(st.from_regex(r"[A-Za-z]?[0-9+/_-]{10,40}", fullmatch=True))
def test_digits_that_are_left_out_stand_for_no_four_bytes_of_ascii_in_a_row(run):
    # hexadecimal digits are looked at in any case
    left = {plain for *_, plain in undone(run.encode())}
    left -= {plain for *_, plain in undone(run.encode(), ascii_only=True)}
    assert left
    assert not any(re.search(rb"[\x00-\x7f]{4}", plain) for plain in left)


def test_a_name_beyond_ascii_is_found_in_base_64_that_is_digits_alone():
    digits = b"542455285624"
    name = base64.b64decode(digits).decode()
    searcher = Searcher(gather([*identifiers.person(name)]))
    assert list(searcher.in_text(b"x " + digits + b" y"))
