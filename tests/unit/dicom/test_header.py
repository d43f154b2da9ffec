"""A header is read as pydicom reads it, and pydicom is not needed for it."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)
from pydicom.valuerep import PersonName

from coil.dicom import header
from coil.dicom.attributes import KNOWN
from tests.support.bids import Pulled

CSA = b"PhaseEncodingDirectionPositive\0"
SYNTAXES = {
    "explicit": ExplicitVRLittleEndian,
    "implicit": ImplicitVRLittleEndian,
    "deflated": DeflatedExplicitVRLittleEndian,
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return Pulled(tmp_path).scan("rest") / "000001.dcm"


def rewrite(path: Path, syntax: str, undefined: bool = False, **more: Any) -> None:
    """Add attributes, a private block and a sequence of frames, in a transfer syntax."""
    data = dcmread(path)
    for keyword, value in more.items():
        setattr(data, keyword, value)
    data.private_block(0x0029, "SIEMENS CSA HEADER", create=True).add_new(0x10, "OB", CSA)
    data.private_block(0x0019, "SIEMENS MR HEADER", create=True).add_new(0x0C, "IS", "1000")
    data.PerFrameFunctionalGroupsSequence = [frame(float(place)) for place in range(3)]
    if undefined:
        data["PerFrameFunctionalGroupsSequence"].is_undefined_length = True
        for item in data.PerFrameFunctionalGroupsSequence:
            item.is_undefined_length_sequence_item = True
    data.file_meta.TransferSyntaxUID = SYNTAXES[syntax]
    data.save_as(path, implicit_vr=syntax == "implicit", little_endian=True)


def frame(place: float) -> Dataset:
    item, plane, echo = Dataset(), Dataset(), Dataset()
    plane.ImagePositionPatient = [0, 0, place]
    echo.EffectiveEchoTime = place + 0.5
    item.PlanePositionSequence, item.MREchoSequence = [plane], [echo]
    return item


def plain(value: Any) -> Any:
    """A value of pydicom as plain Python."""
    if isinstance(value, MultiValue | list):
        return [plain(one) for one in value]
    return str(value) if isinstance(value, PersonName | str) else value


@pytest.mark.parametrize("undefined", [False, True], ids=["lengths", "delimiters"])
@pytest.mark.parametrize("syntax", SYNTAXES)
def test_every_attribute_is_as_pydicom_has_it(file: Path, syntax: str, undefined: bool) -> None:
    rewrite(file, syntax, undefined, NumberOfFrames=3, DiffusionBValue=700.0, PatientName="Ä^B")
    ours, theirs = header.read(file), dcmread(file)
    for keyword, (_, vr) in KNOWN.items():
        if vr != "SQ":
            assert plain(ours.get(keyword)) == plain(theirs.get(keyword)), keyword
            assert (keyword in ours) == (keyword in theirs)
    frames = [ours.PerFrameFunctionalGroupsSequence, theirs.PerFrameFunctionalGroupsSequence]
    assert [
        [
            (one.PlanePositionSequence[0].ImagePositionPatient, one.MREchoSequence[0].get("Rows"))
            for one in items
        ]
        for items in frames
    ] == [[([0, 0, float(place)], None) for place in range(3)]] * 2
    assert ours.private_block(0x0029, "SIEMENS CSA HEADER")[0x10].value.startswith(CSA)
    assert ours.private_block(0x0019, "SIEMENS MR HEADER")[0x0C].value == 1000
    with pytest.raises(KeyError):
        ours.private_block(0x0043, "GEMS_PARM_01")


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_texts_are_told_as_they_are_written(file: Path, syntax: str) -> None:
    rewrite(file, syntax, EchoTime="5.10")
    keywords = ("ImageType", "EchoTime", "InversionTime", "ImagePositionPatient")
    assert header.read_texts(file, *keywords) == (
        "ORIGINAL\\PRIMARY\\M\\ND",
        "5.10",
        "",
        "-16.0\\-16.0\\0.0",
    )


def test_an_attribute_that_is_not_listed_is_told_by_pydicom(file: Path) -> None:
    assert header.read(file).get("StudyDate") == "20240501"
    assert header.read(file).StudyDate == "20240501"
    with pytest.raises(AttributeError):
        header.read(file).StudyComments  # noqa: B018


@given(cut=st.integers(0, 1200), junk=st.binary(max_size=8))
@settings(max_examples=60, deadline=None)
def test_a_damaged_file_is_read_or_refused_as_by_pydicom(
    tmp_path_factory: pytest.TempPathFactory, cut: int, junk: bytes
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    path = Pulled(folder).scan("rest") / "000001.dcm"
    whole = path.read_bytes()
    path.write_bytes(whole[:cut] + junk + whole[cut + len(junk) :] if junk else whole[:cut])
    try:
        theirs = dcmread(path, stop_before_pixels=True).get("Rows")
    except Exception:
        theirs = None
    try:
        ours = header.read(path).get("Rows")
    except Exception:
        ours = None
    assert ours == theirs


def test_an_ordinary_session_is_converted_without_pydicom(tmp_path: Path) -> None:
    session = Pulled(tmp_path / "pulled")
    session.scan("rest", 3)
    code = """
import sys
from pathlib import Path
from coil.bids.convert.convert import Terms, convert_session
from coil.bids.mapping.mapping import parse
from coil.units import Unit
rule = {"match": {"sequence_name": "ep", "phase_encoding": "COL", "volumes": 3},
        "to": "func/bold", "entities": {"task": "rest"}}
here = Path(sys.argv[1])
terms = Terms(parse([rule]), policy={})
found = convert_session(here / "pulled", here / "out", Unit("X", "Y"), terms, here / "scratch")
slow = {"pydicom", "numpy", "nibabel", "pandas", "heudiconv", "jsonschema"} & set(sys.modules)
print(found.series[0].state, *slow)
"""
    for path in (tmp_path / "pulled" / "series" / "001").iterdir():
        image = dcmread(path)
        image.InPlanePhaseEncodingDirection = "COL"
        image.save_as(path)
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["mapped"]


def test_every_known_attribute_is_where_the_standard_has_it() -> None:
    for keyword, (tag, vr) in KNOWN.items():
        assert tag_for_keyword(keyword) == tag
        assert vr in dictionary_VR(tag)
