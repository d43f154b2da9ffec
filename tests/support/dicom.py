"""DICOM files as scanners write them, made by hand, and what planted values become of."""

import io
import struct
from typing import Any

import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian

from coil.deid.dicom import fast, parts, plain
from coil.deid.dicom.profile import Profile

MR = "1.2.840.10008.5.1.4.1.1.4"
STEM = "1.3.12.2.1107.5.2.43.48151.30000024050112"
SUBJECT, SESSION = "k3v0q8zd", "b5t9x2ma"
DAYS = -50_000


def profile(**changes: Any) -> Profile:
    """The profile of a session, with the series called task-rest_bold."""
    given = {"series": "task-rest_bold", **changes}
    return Profile(b"0123456789abcdef0123456789abcdef", "DEMO", SUBJECT, SESSION, DAYS, **given)


def image(number: int = 1) -> Dataset:
    """A slice of a plain MR image with 4 x 4 pixels."""
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.SOPClassUID = MR
    data.SOPInstanceUID = f"{STEM}.1.{number}"
    data.SeriesInstanceUID = f"{STEM}.1"
    data.StudyInstanceUID = STEM
    data.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND"]
    data.Modality = "MR"
    data.Manufacturer = "SIEMENS"
    data.ManufacturerModelName = "Prisma_fit"
    data.SoftwareVersions = "syngo MR E11"
    data.PatientName = "Quillfeather^Zoe"
    data.PatientID = "QX-77-0042"
    data.PatientBirthDate = "19300131"
    data.PatientSex = "F"
    data.PatientAge = "094Y"
    data.PatientWeight = "72.5747"
    data.StudyDate = "20240501"
    data.StudyTime = "130000.000000"
    data.AcquisitionDate = "20240501"
    data.AcquisitionTime = f"1307{number % 60:02}.912500"
    data.RepetitionTime = "2000"
    data.EchoTime = "30"
    data.InstanceNumber = str(number)
    data.ImagePositionPatient = ["-1.5", "2", str(number * 3)]
    data.ImageOrientationPatient = ["1", "0", "0", "0", "1", "0"]
    data.Rows, data.Columns = 4, 4
    data.SamplesPerPixel = 1
    data.PhotometricInterpretation = "MONOCHROME2"
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 12, 11, 0
    data.PixelData = struct.pack("<16H", *range(number, number + 16))
    return data


def encoded(data: Dataset) -> bytes:
    """The bytes of a file."""
    stream = io.BytesIO()
    data.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def decoded(data: bytes) -> Dataset:
    """The data set in a file's bytes."""
    return pydicom.dcmread(io.BytesIO(data))


def by_plain(data: bytes, **changes: Any) -> bytes:
    """What the plain engine makes of a file."""
    return plain.clean(data, parts.Family(profile(**changes)))


def by_fast(data: bytes, **changes: Any) -> bytes:
    """What the fast engine makes of a file."""
    return b"".join(fast.Engine(parts.Family(profile(**changes))).clean(data))


def exported(data: Dataset, **changes: Any) -> Dataset:
    """A data set after the export, by both engines."""
    raw = encoded(data)
    clean = by_plain(raw, **changes)
    assert by_fast(raw, **changes) == clean
    return decoded(clean)


def nested(tag: int, items: list[Dataset]) -> Dataset:
    """A data set that holds a sequence."""
    data = Dataset()
    data.add_new(tag, "SQ", Sequence(items))
    return data


def csa(elements: dict[str, list[str]]) -> bytes:
    """A Siemens CSA header (SV10)."""
    out = b"SV10\4\3\2\1" + struct.pack("<II", len(elements), 77)
    for name, values in elements.items():
        out += struct.pack("<64sI4sIII", name.encode(), 1, b"LO", 6, len(values), 77)
        for value in values:
            size = len(value)
            out += struct.pack("<IIII", size, size, 77, size)
            out += value.encode() + bytes(-size % 4)
    return out + bytes(-len(out) % 2)
