"""Phase encoding and b-values are found where each vendor writes them."""

import struct
from typing import Any

import pytest
from pydicom.dataset import Dataset

from coil.bids.series.acquisition import b_values, phase_encoding
from coil.bids.series.stack import matrix

AXIAL = [1, 0, 0, 0, 1, 0]
SAGITTAL = [0, 1, 0, 0, 0, -1]


def header(
    private: dict[tuple[int, str, int], tuple[str, Any]] | None = None, **fields: Any
) -> Any:
    """A header with attributes by keyword and private ones by group, creator and element."""
    data = Dataset()
    data.ImageOrientationPatient = AXIAL
    for key, value in fields.items():
        setattr(data, key, value)
    for (group, creator, element), (vr, value) in (private or {}).items():
        data.private_block(group, creator, create=True).add_new(element, vr, value)
    return data


def csa(polarity: str) -> bytes:
    """A Siemens CSA header with one element."""
    name = b"PhaseEncodingDirectionPositive".ljust(64, b"\0")
    head = struct.pack("<i4siii", 1, b"IS\0\0", 6, 6, 77) + struct.pack("<4i", 8, 8, 77, 8)
    return b"SV10" + name + head + polarity.encode() + b"\0" * 8


def raw_data_header(flags: int, view_order: int) -> bytes:
    """The part of GE's raw data header that tells the polarity of an EPI, version 16."""
    data = bytearray(1200)
    struct.pack_into("<H", data, 24, 30)
    struct.pack_into("<f", data, 30, 16.0)
    struct.pack_into("<H", data, 30 + 0x3A, 0x800)
    struct.pack_into("<H", data, 30 + 0x30, flags)
    struct.pack_into("<H", data, 30 + 0x394, view_order)
    return bytes(data)


def siemens(polarity: str) -> Dataset:
    return header(
        {(0x0029, "SIEMENS CSA HEADER", 0x10): ("OB", csa(polarity))},
        Manufacturer="SIEMENS",
        InPlanePhaseEncodingDirection="COL",
    )


def xa(polarity: str) -> Dataset:
    inner = header({(0x0021, "SIEMENS MR SDI 02", 0x1C): ("IS", polarity)})
    frame = header({(0x0021, "SIEMENS MR SDI 02", 0xFE): ("SQ", [inner])})
    shared, geometry, plane = Dataset(), Dataset(), Dataset()
    geometry.InPlanePhaseEncodingDirection = "ROW"
    plane.ImageOrientationPatient = SAGITTAL
    shared.MRFOVGeometrySequence = [geometry]
    shared.PlaneOrientationSequence = [plane]
    data = Dataset()
    data.Manufacturer = "Siemens Healthineers"
    data.SharedFunctionalGroupsSequence = [shared]
    data.PerFrameFunctionalGroupsSequence = [frame]
    return data


def ge(**more: Any) -> Dataset:
    return header(Manufacturer="GE MEDICAL SYSTEMS", InPlanePhaseEncodingDirection="COL", **more)


def ge_private(flags: int, view_order: int) -> Dataset:
    key = (0x0043, "GEMS_PARM_01", 0x2A)
    return ge(private={key: ("OB", raw_data_header(flags, view_order))})


def uih(polarity: str) -> Dataset:
    return header(
        {(0x0065, "Image Private Header", 0x58): ("IS", polarity)},
        Manufacturer="UIH",
        InPlanePhaseEncodingDirection="ROW",
    )


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (siemens("1"), ("COL", "j-", "AP")),
        (siemens("0"), ("COL", "j", "PA")),
        (siemens(""), ("COL",)),
        (xa("1"), ("ROW", "i", "AP")),
        (xa("0"), ("ROW", "i-", "PA")),
        (ge(RectilinearPhaseEncodeReordering="LINEAR"), ("COL", "j", "PA")),
        (ge(RectilinearPhaseEncodeReordering="REVERSE_LINEAR"), ("COL", "j-", "AP")),
        (ge_private(0, 0), ("COL", "j-", "AP")),
        (ge_private(4, 0), ("COL", "j", "PA")),
        (ge_private(4, 2), ("COL", "j-", "AP")),
        (ge(), ("COL",)),
        (uih("0"), ("ROW", "i", "RL")),
        (uih("1"), ("ROW", "i-", "LR")),
        (header(Manufacturer="Philips", InPlanePhaseEncodingDirection="COL"), ("COL",)),
        (header(Manufacturer="Philips"), ()),
    ],
)
def test_phase_encoding_is_told_as_far_as_the_vendor_does(
    data: Any, words: tuple[str, ...]
) -> None:
    assert phase_encoding(data) == words


def weighted_frames(*values: float) -> list[Dataset]:
    frames = []
    for value in values:
        frame, diffusion = Dataset(), Dataset()
        diffusion.DiffusionBValue = value
        frame.MRDiffusionSequence = [diffusion]
        frames.append(frame)
    return frames


@pytest.mark.parametrize(
    ("data", "values"),
    [
        (header(DiffusionBValue=1000.0), {1000}),
        (header({(0x0019, "SIEMENS MR HEADER", 0x0C): ("IS", "2000")}), {2000}),
        (header({(0x0043, "GEMS_PARM_01", 0x39): ("IS", [1000000750, 8, 0, 0])}), {750}),
        (header({(0x2001, "Philips Imaging DD 001", 0x03): ("FL", 800.0)}), {800}),
        (header({(0x0065, "Image Private Header", 0x09): ("FD", 1500.0)}), {1500}),
        (header(PerFrameFunctionalGroupsSequence=weighted_frames(0, 1000, 1000)), {0, 1000}),
        (header(), set()),
    ],
)
def test_b_values_are_read_wherever_a_vendor_writes_them(data: Any, values: set[int]) -> None:
    assert b_values(data) == values


def test_the_matrix_of_a_mosaic_is_that_of_its_slices() -> None:
    mosaic = header(
        {(0x0019, "SIEMENS MR HEADER", 0x0A): ("US", 33)},
        ImageType=["ORIGINAL", "PRIMARY", "M", "MOSAIC"], Rows=384, Columns=384,
    )  # fmt: skip
    assert matrix(mosaic) == (64, 64)
    assert matrix(header(Rows=256, Columns=192)) == (256, 192)
