"""What each vendor writes in a place of its own: phase encoding and diffusion weighting.

The places and the meaning of the values are those of dcm2niix (`nii_dicom.cpp` and
`nii_dicom_batch.cpp`, BSD-2-Clause), so that a rule sees what the converted sidecar will say.
"""

import math
import struct
from collections.abc import Iterator, MutableSequence
from typing import Any

from coil.dicom.csa import first_byte
from coil.dicom.header import Header

SIEMENS_FRAMES = "SIEMENS MR SDI 02"
_GROUPS = ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence")
_POLARITY = b"PhaseEncodingDirectionPositive"
_GE_BIAS = 1_000_000_000  # GE adds it to the b-values of some acquisitions

# private block: element of the b-value
_B_VALUES = {
    (0x0019, "SIEMENS MR HEADER"): 0x0C,
    (0x0043, "GEMS_PARM_01"): 0x39,
    (0x2001, "Philips Imaging DD 001"): 0x03,
    (0x0065, "Image Private Header"): 0x09,
}


def frames(header: Header, every: bool = False) -> Iterator[Header]:
    """The functional groups of an enhanced file: the shared ones and the first frame's, or all."""
    for name in _GROUPS:
        groups = list(header.get(name) or ())
        yield from groups if every else groups[:1]


def siemens_frame(frame: Header) -> Header | None:
    """Siemens XA's private part of a frame's functional group."""
    value = private(frame, 0x0021, SIEMENS_FRAMES, 0xFE)
    return value[0] if value else None


def private(data: Header, group: int, creator: str, element: int) -> Any:
    """The value of a private attribute, or None."""
    try:
        return data.private_block(group, creator)[element].value
    except KeyError:
        return None


def phase_encoding(header: Header) -> tuple[str, ...]:
    """How an image's phase is encoded, in all words that are known of it.

    Returns
    -------
    Nothing; or `ROW` or `COL`, DICOM's word for the axis in the image; and, where the scanner
    wrote the polarity, the direction of the NIfTI image (`i`, `i-`, `j`, `j-`) and that in the
    patient, from where to where (`AP`, `PA`, `RL`, `LR`, `IS`, `SI`).
    """
    axis = str(header.get("InPlanePhaseEncodingDirection") or "")
    for frame in frames(header):
        geometry = frame.get("MRFOVGeometrySequence")
        axis = axis or str(
            geometry[0].get("InPlanePhaseEncodingDirection") or "" if geometry else ""
        )
    if axis[:1] not in ("R", "C"):
        return ()
    column = axis.startswith("C")
    positive = _polarity(header)
    if positive is None:
        return ("COL" if column else "ROW",)
    # DICOM's and NIfTI's columns run against each other.
    image = ("j-" if positive else "j") if column else ("i" if positive else "i-")
    patient = _in_patient(header, column, positive)
    return ("COL" if column else "ROW", image, *([patient] if patient else ()))


def b_values(header: Header) -> frozenset[float]:
    """The b-values, in s/mm², that one header names; none for an image that has none."""
    found: set[float] = set()
    if (value := header.get("DiffusionBValue")) is not None:
        found.add(float(value))
    for (group, creator), element in _B_VALUES.items():
        value = private(header, group, creator, element)
        if isinstance(value, MutableSequence):
            value = value[0] if value else None
        if value is not None and value != "":
            found.add(float(value) % _GE_BIAS)
    for frame in frames(header, every=True):
        for item in frame.get("MRDiffusionSequence") or ():
            if (value := item.get("DiffusionBValue")) is not None:
                found.add(float(value))
    return frozenset(found)


def _polarity(header: Header) -> bool | None:
    """Whether the phase runs along DICOM's axis; None where the scanner does not tell."""
    maker = str(header.get("Manufacturer") or "").upper()
    if maker.startswith("GE"):
        order = str(header.get("RectilinearPhaseEncodeReordering") or "")
        if order[:1] in ("L", "R"):
            return order.startswith("R")
        return _ge_polarity(private(header, 0x0043, "GEMS_PARM_01", 0x2A))
    if maker.startswith("UIH"):
        value = private(header, 0x0065, "Image Private Header", 0x58)
        return None if value is None else str(value) == "0"
    for frame in frames(header):
        inner = siemens_frame(frame)
        value = None if inner is None else private(inner, 0x0021, SIEMENS_FRAMES, 0x1C)
        if value is not None:
            return str(value) == "1"
    raw = private(header, 0x0029, "SIEMENS CSA HEADER", 0x10)
    value = first_byte(raw, _POLARITY) if isinstance(raw, bytes) else b""
    return value == b"1" if value in (b"0", b"1") else None


def _ge_polarity(data: Any) -> bool | None:
    """The polarity of a GE EPI from its raw data header (0043,102A)."""
    if not isinstance(data, bytes) or len(data) < 26:
        return None
    start = struct.unpack_from("<H", data, 24)[0]
    if len(data) < start + 1024:
        return None
    version = struct.unpack_from("<f", data, start)[0]
    if not 5 <= version <= 40:
        return None
    newer = version >= 25.002
    start += 0x4C if newer else 0
    epi, flags = (struct.unpack_from("<H", data, start + place)[0] for place in (0x3A, 0x30))
    view_order = struct.unpack_from("<H", data, start + 0x394 - (0x8C if newer else 0))[0]
    if not epi & 0x800:
        return None
    flipped = bool(flags & 0x4)
    return flipped if view_order == 2 else not flipped


def _in_patient(header: Header, column: bool, positive: bool) -> str | None:
    """The direction in the patient, by the axis that it is closest to."""
    orientation = header.get("ImageOrientationPatient")
    for frame in frames(header):
        plane = frame.get("PlaneOrientationSequence")
        if orientation is None and plane:
            orientation = plane[0].get("ImageOrientationPatient")
    if orientation is None or len(orientation) != 6:
        return None
    along = [float(value) for value in (orientation[3:] if column else orientation[:3])]
    largest = max(range(3), key=lambda axis: abs(along[axis]))
    if not math.isfinite(along[largest]):
        return None
    ends = ("RL", "AP", "IS")[largest]
    return ends if (along[largest] > 0) == positive else ends[::-1]
