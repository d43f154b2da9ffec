import struct
from pathlib import Path

import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coil.deid.leak import csa
from coil.deid.leak.headers import collect, session_age
from coil.errors import DataError
from tests.support.deid import PLANTED, header, make_pulled


@pytest.fixture(scope="module")
def pulled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_pulled(tmp_path_factory.mktemp("pulled"))


@pytest.mark.parametrize(("value", "kind"), PLANTED.items())
def test_a_value_is_known_from_whatever_depth_it_stands_in(pulled: Path, value: str, kind: str):
    assert (value, kind) in {(found.value, found.kind) for found in collect(pulled).values}


def csa_header(newer: bool, **elements: tuple[bytes, bytes]) -> bytes:
    """A CSA header of either version, each element with a VR and a value."""
    head = b"SV10\4\3\2\1" if newer else b""
    head += struct.pack("<2i", len(elements), 77)
    for name, (vr, value) in elements.items():
        head += struct.pack("<64si4siii", name.encode(), 1, vr, 0, 1, 77)
        length = len(value) if newer else len(value) + 1
        head += struct.pack("<4i", length, len(value), 77, len(value))
        head += value + bytes(-len(value) % 4)
    return head


@pytest.mark.parametrize("newer", [True, False])
def test_every_text_of_a_csa_header_is_known(tmp_path: Path, newer: bool):
    folder = make_pulled(tmp_path / "pulled", files=1)
    odd = header()
    block = odd.private_block(0x0029, "SIEMENS CSA HEADER", create=True)
    planted = csa_header(
        newer,
        CoilString=(b"LO", b"HEADCOIL 9"),
        WhoWasIt=(b"PN", b"Underhill^Frodo"),
        Somewhere=(b"SH", b"BAG END 3"),
        WhenWasIt=(b"DA", b"19540729"),
    )
    block.add_new(0x10, "OB", planted + bytes(2000))
    path = folder / "series" / "001" / "000001.dcm"
    odd.save_as(path, enforce_file_format=True)
    values = {found.value for found in collect(folder).values}
    assert {"Underhill", "BAG END 3", "29.07.1954"} <= values
    assert "HEADCOIL 9" not in values


@settings(max_examples=100, deadline=None)
@given(cut=st.integers(0, 300), place=st.integers(0, 300), junk=st.binary(max_size=8))
def test_a_broken_csa_header_is_read_as_far_as_it_goes(cut: int, place: int, junk: bytes):
    whole = bytearray(csa_header(True, A=(b"LO", b"one"), B=(b"LO", b"two")))
    whole[place : place + len(junk)] = junk
    assert len(list(csa.texts(bytes(whole[:cut])))) <= 2 * 4096


def test_what_a_manufacturer_chose_is_no_identifier(pulled: Path):
    values = {found.value for found in collect(pulled).values}
    assert not values & {"HeadNeck_64", "cmrr_rest", "SIEMENS TEST", "Demo"}


def test_the_uid_of_a_standard_is_no_identifier(pulled: Path):
    assert not any(v.value.startswith("1.2.840.10008") for v in collect(pulled).values)


def test_a_file_in_the_middle_of_a_series_that_differs_is_read_too(tmp_path: Path):
    folder = make_pulled(tmp_path / "pulled", files=5)
    path = folder / "series" / "001" / "000003.dcm"
    odd = pydicom.dcmread(path)
    odd.PatientName = "Somebody^Else"
    odd.save_as(path)
    assert "Somebody" in {found.value for found in collect(folder).values}


def test_a_preamble_is_read_too(tmp_path: Path):
    folder = make_pulled(tmp_path / "pulled", files=1)
    path = folder / "series" / "001" / "000001.dcm"
    path.write_bytes(b"PREAMBLE-88801".ljust(128, b"\0") + path.read_bytes()[128:])
    assert "PREAMBLE-88801" in {found.value for found in collect(folder).values}


def test_the_age_comes_from_the_headers_and_is_capped(tmp_path: Path):
    folder = make_pulled(tmp_path / "pulled", files=1)
    assert session_age(folder) == 50.2
    path = folder / "series" / "001" / "000001.dcm"
    old = header()
    old.PatientBirthDate, old.PatientAge = "", "097Y"
    old.save_as(path, enforce_file_format=True)
    assert session_age(folder) == 89


@pytest.mark.parametrize("size", [0, 100, 200, 300, 500, 700, 900])
def test_a_header_that_is_cut_off_does_not_stop_the_search(tmp_path: Path, size: int):
    folder = make_pulled(tmp_path / "pulled", files=2)
    path = folder / "series" / "001" / "000001.dcm"
    path.write_bytes(path.read_bytes()[:size])
    assert "QX-77-0042" in {found.value for found in collect(folder).values}


def test_a_folder_without_a_pulled_session_is_an_error(tmp_path: Path):
    with pytest.raises(DataError, match=r"pulled\.json"):
        collect(tmp_path)
