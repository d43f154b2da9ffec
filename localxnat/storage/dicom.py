"""DICOM headers as XNAT's fields: what a series says about its scan and its session."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pydicom
from pydicom.errors import InvalidDicomError
from pydicom.filereader import read_partial
from pydicom.multival import MultiValue
from pydicom.tag import BaseTag, Tag

_TAGS = [
    "SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "SeriesNumber",
    "InstanceNumber", "SeriesDescription", "ProtocolName", "Modality", "NumberOfFrames",
    "StudyDate", "StudyTime", "SeriesTime", "StudyDescription", "AccessionNumber", "PatientID",
    "PatientName", "PatientBirthDate", "Manufacturer", "ManufacturerModelName", "StationName",
    "InstitutionName", "OperatorsName", "MagneticFieldStrength", "RepetitionTime", "EchoTime",
    "InversionTime", "FlipAngle", "PixelSpacing", "SliceThickness", "Rows", "Columns", "ImageType",
    "ScanningSequence", "SequenceVariant", "MRAcquisitionType", "SoftwareVersions",
    "ReceiveCoilName", "SequenceName", "ScanOptions", "PixelBandwidth", "ImageOrientationPatient",
]  # fmt: skip
_WANTED: list[BaseTag | int] = [Tag(keyword) for keyword in _TAGS]
_SECONDARY = (
    "1.2.840.10008.5.1.4.1.1.7",
    "1.2.840.10008.5.1.4.1.1.88",
    "1.2.840.10008.5.1.4.1.1.11.",
)
_SCAN_TYPES = {
    "MR": "xnat:mrScanData",
    "PT": "xnat:petScanData",
    "CT": "xnat:ctScanData",
    "SR": "xnat:srScanData",
    "SEG": "xnat:segScanData",
    "SC": "xnat:scScanData",
}


@dataclass
class Instance:
    """One DICOM file, its header without pixels."""

    path: Path
    header: pydicom.Dataset

    def text(self, keyword: str) -> str:
        value = self.header.get(keyword)
        if value is None:
            return ""
        parts = value if isinstance(value, MultiValue) else [value]
        return "\\".join(str(part) for part in parts).strip()

    @property
    def secondary(self) -> bool:
        """Whether XNAT files it under `secondary`: captures, reports, presentation states."""
        return self.text("SOPClassUID").startswith(_SECONDARY)

    @property
    def name(self) -> str:
        """XNAT's default name: study, series and instance number, and a hash of the object."""
        key = self.text("SOPClassUID") + self.text("SOPInstanceUID")
        digest = int.from_bytes(hashlib.sha1(key.encode(), usedforsecurity=False).digest()[:5])
        study, series = self.text("StudyInstanceUID"), self.text("SeriesNumber") or "0"
        return f"{study}-{series}-{self.text('InstanceNumber') or '0'}-{_base36(digest)}.dcm"


@dataclass
class Series:
    """The files of one SeriesInstanceUID."""

    uid: str
    instances: list[Instance] = field(default_factory=list)

    @property
    def first(self) -> Instance:
        return self.instances[0]

    @property
    def number(self) -> str:
        """The series number or, without one, the UID with its dots as hyphens."""
        return self.first.text("SeriesNumber") or self.uid.replace(".", "-")[-64:]

    @property
    def modality(self) -> str:
        return self.first.text("Modality") or "OT"

    def parts(self) -> list[tuple[str, str, list[Instance]]]:
        """The resources that the files make: (label, content, files)."""
        images = [one for one in self.instances if not one.secondary]
        others = [one for one in self.instances if one.secondary]
        parts = [("DICOM", "RAW", images), ("secondary", "secondary", others)]
        return [part for part in parts if part[2]]

    @property
    def xsi_type(self) -> str:
        return _SCAN_TYPES.get(self.modality, "xnat:otherDicomScanData")


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, rest = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[rest] + digits
    return digits or "0"


def find(folders: list[Path]) -> Iterator[Instance | Path]:
    """Each file below the folders: an instance, or its path if it is no DICOM."""
    for folder in folders:
        paths = [folder] if folder.is_file() else sorted(folder.rglob("*"))
        for path in paths:
            if not path.is_file():
                continue
            try:
                header = _read(path)
            except (InvalidDicomError, OSError, ValueError, EOFError):
                yield path
                continue
            if header.get("SOPInstanceUID") is None or header.get("SeriesInstanceUID") is None:
                yield path
            else:
                yield Instance(path, header)


def _read(path: Path) -> pydicom.Dataset:
    """The part of a header before group 0029: what follows, vendors' data and the functional
    groups of each frame, takes most of the time and has nothing that is needed here."""
    with path.open("rb") as stream:
        return read_partial(
            stream, stop_when=lambda tag, vr, length: tag >= 0x00290000, specific_tags=_WANTED
        )


def scan_fields(series: Series) -> dict[str, str | None]:
    """The fields of a scan, as XNAT's own builder sets them."""
    head = series.first
    description = head.text("SeriesDescription") or head.text("ProtocolName")
    frames = sum(int(instance.text("NumberOfFrames") or 1) for instance in series.instances)
    values = {
        "UID": series.uid,
        "type": description or "Unknown",
        "series_description": head.text("SeriesDescription"),
        "quality": "usable",
        "frames": str(frames),
        "modality": series.modality,
        "scanner": head.text("StationName"),
        "scanner/manufacturer": head.text("Manufacturer"),
        "scanner/model": head.text("ManufacturerModelName"),
        "scanner/softwareVersion": head.text("SoftwareVersions"),
        "startTime": _time(head.text("SeriesTime")),
        "parameters/imageType": _escaped(head.text("ImageType")),
    }
    if series.modality == "MR":
        values |= _mr_fields(head)
    return {name: value for name, value in values.items() if value}


def _mr_fields(head: Instance) -> dict[str, str]:
    """The fields that only scans of MR have."""
    x, _, y = head.text("PixelSpacing").partition("\\")
    values = {
        "fieldStrength": head.text("MagneticFieldStrength"),
        "coil": head.text("ReceiveCoilName"),
        "parameters/voxelRes/x": x,
        "parameters/voxelRes/y": y,
        "parameters/voxelRes/z": head.text("SliceThickness") if y else "",
        "parameters/orientation": _plane(head.text("ImageOrientationPatient")),
        "parameters/fov/x": head.text("Columns"),
        "parameters/fov/y": head.text("Rows"),
    }
    return values | {f"parameters/{name}": _escaped(head.text(word)) for name, word in _MR.items()}


_MR = {
    "tr": "RepetitionTime", "te": "EchoTime", "ti": "InversionTime", "flip": "FlipAngle",
    "sequence": "SequenceName", "scanSequence": "ScanningSequence",
    "seqVariant": "SequenceVariant", "scanOptions": "ScanOptions",
    "acqType": "MRAcquisitionType", "pixelBandwidth": "PixelBandwidth",
}  # fmt: skip


def _escaped(text: str) -> str:
    """A DICOM value in a field: XNAT doubles the backslashes between several values."""
    return text.replace("\\", "\\\\")


def _plane(cosines: str) -> str:
    """The plane nearest to an image's, by the direction cosines of its rows and columns."""
    given = [float(number) for number in cosines.split("\\") if number]
    if len(given) != 6:
        return ""
    row, column = given[:3], given[3:]
    normal = [
        abs(row[one] * column[two] - row[two] * column[one])
        for one, two in ((1, 2), (2, 0), (0, 1))
    ]
    return ("Sag", "Cor", "Tra")[normal.index(max(normal))]


def session_type(modalities: set[str]) -> str:
    """A session's type: PET wins over CT, that over MR, as where scanners are combined."""
    for modality, name in (("PT", "pet"), ("CT", "ct"), ("MR", "mr")):
        if modality in modalities:
            return f"xnat:{name}SessionData"
    return "xnat:otherDicomSessionData"


def session_fields(series: list[Series]) -> dict[str, str | None]:
    """The fields of a session, from its first series."""
    head = series[0].first
    values = {
        "date": _date(head.text("StudyDate")),
        "time": _time(head.text("StudyTime")),
        "UID": head.text("StudyInstanceUID"),
        "modality": series[0].modality,
        "session_type": head.text("StudyDescription"),
        "scanner": head.text("StationName"),
        "scanner/manufacturer": head.text("Manufacturer"),
        "scanner/model": head.text("ManufacturerModelName"),
        "acquisition_site": head.text("InstitutionName"),
        "operator": head.text("OperatorsName"),
        "dcmAccessionNumber": head.text("AccessionNumber"),
        "dcmPatientId": head.text("PatientID"),
        "dcmPatientName": head.text("PatientName"),
        "dcmPatientBirthDate": _date(head.text("PatientBirthDate")),
        "fieldStrength": head.text("MagneticFieldStrength"),
    }
    return {name: value for name, value in values.items() if value}


def _date(text: str) -> str:
    return f"{text[:4]}-{text[4:6]}-{text[6:8]}" if len(text) == 8 and text.isdecimal() else ""


def _time(text: str) -> str:
    digits = text.partition(".")[0]
    return f"{digits[:2]}:{digits[2:4]}:{digits[4:6]}" if len(digits) == 6 else ""
