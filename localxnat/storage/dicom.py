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
_STORAGE = "1.2.840.10008.5.1.4.1.1."
# What XNAT calls the scans of a SOP class (after _STORAGE), which goes before the modality.
_CLASSES = {
    **dict.fromkeys(("4", "4.1", "4.3", "4.4"), "mr"),
    **dict.fromkeys(("2", "2.1", "2.2"), "ct"),
    **dict.fromkeys(("128", "128.1", "130"), "pet"),
    **dict.fromkeys(("12.1", "12.1.1", "13.1.1"), "xa"),
    **dict.fromkeys(("12.2", "12.2.1"), "rf"),
    **dict.fromkeys(("3.1", "6.1", "6.2"), "us"),
    **dict.fromkeys(("1.1", "1.1.1"), "dx"),
    **dict.fromkeys(("1.2", "1.2.1"), "mg"),
    **dict.fromkeys(("1.3", "1.3.1"), "io"),
    **dict.fromkeys(("7", "7.1", "7.2", "7.3", "7.4"), "sc"),
    **dict.fromkeys(("481.1", "481.2", "481.3", "481.5", "481.8"), "rtImage"),
    **dict.fromkeys(("66.4", "66.5"), "seg"),
    "1": "cr",
    "20": "nm",
}
_MODALITIES = {
    "MR": "mr", "PT": "pet", "CT": "ct", "CR": "cr", "DX": "dx", "ECG": "ecg", "EEG": "eeg",
    "EPS": "eps", "ES": "es", "GM": "gm", "HD": "hd", "IO": "io", "MG": "mg", "NM": "nm",
    "OP": "op", "OPT": "opt", "RF": "rf", "RG": "rg", "SM": "sm", "US": "us", "XA": "xa",
    "XC": "xc", "SC": "sc", "SEG": "seg", "SR": "sr",
    **dict.fromkeys(("RTIMAGE", "RTDOSE", "RTSTRUCT", "RTPLAN", "RTRECORD"), "rtImage"),
}  # fmt: skip
# What has no sessions of its own type.
_ONLY_SCANS = ("sc", "seg", "sr", "rtImage")


@dataclass
class Instance:
    """One DICOM file, its header without pixels, and the name that it has or is to have."""

    path: Path
    header: pydicom.Dataset
    name: str

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
    def uid(self) -> str:
        return self.text("SOPInstanceUID")

    @property
    def template(self) -> str:
        """XNAT's name for what a receiver takes: study, series, instance, a hash of the object."""
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
        """The modality or, without one, that of the images' class."""
        known = {"mr": "MR", "ct": "CT", "pet": "PT"}
        return self.first.text("Modality") or known.get(self._class or "", "OT")

    @property
    def _class(self) -> str | None:
        found = (
            _CLASSES.get(one.text("SOPClassUID").removeprefix(_STORAGE)) for one in self.instances
        )
        return next(filter(None, found), None)

    def parts(self) -> list[tuple[str, str, list[Instance]]]:
        """The resources that the files make: (label, content, files)."""
        images = [one for one in self.instances if not one.secondary]
        others = [one for one in self.instances if one.secondary]
        parts = [("DICOM", "RAW", images), ("secondary", "secondary", others)]
        return [part for part in parts if part[2]]

    @property
    def xsi_type(self) -> str:
        kind = self._class or _MODALITIES.get(self.modality, "otherDicom")
        return f"xnat:{kind}ScanData"


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
                yield Instance(path, header, path.name)


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
    numbers = [float(number) for number in cosines.split("\\") if number]
    if len(numbers) != 6:
        return ""
    row, column = numbers[:3], numbers[3:]
    normal = [
        abs(row[one] * column[two] - row[two] * column[one])
        for one, two in ((1, 2), (2, 0), (0, 1))
    ]
    return ("Sag", "Cor", "Tra")[normal.index(max(normal))]


def session_type(modalities: set[str], *, petmr: bool = False) -> str:
    """A session's type: PET wins over CT, that over MR, as where scanners are combined.

    With `petmr`, as a project may have it, PET and MR together are a type of their own.
    """
    if petmr and {"PT", "MR"} <= modalities:
        return "xnat:petmrSessionData"
    for modality in ("PT", "CT", "MR", *sorted(modalities)):
        kind = _MODALITIES.get(modality)
        if modality in modalities and kind and kind not in _ONLY_SCANS:
            return f"xnat:{kind}SessionData"
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
