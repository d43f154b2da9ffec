"""What the tests share: a small DICOM study, and requests as they are."""

from pathlib import Path

import numpy as np
import requests
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, MRImageStorage, generate_uid

from localxnat.testing import Server

# (series number, description, UID suffix, SOP class, modality, files)
BASIC_TEXT_SR = "1.2.840.10008.5.1.4.1.1.88.11"
SERIES = [
    (2, "localizer", "2", MRImageStorage, "MR", 3),
    (4, "mprage: sag", "4", MRImageStorage, "MR", 2),
    (6, "rest", "6.1", MRImageStorage, "MR", 2),
    (6, "rest", "6.2", MRImageStorage, "MR", 2),
    (99, "report", "99", BASIC_TEXT_SR, "SR", 1),
]


def write_dicom(
    path: Path,
    number: int,
    description: str,
    series_uid: str,
    sop: str,
    modality: str,
    instance: int,
) -> Path:
    """One small DICOM file."""
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = UID(sop)
    uid = generate_uid(entropy_srcs=[series_uid, str(instance)])
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = uid
    data.StudyInstanceUID, data.SeriesInstanceUID = "1.2.3", f"1.2.3.{series_uid}"
    data.SeriesNumber, data.InstanceNumber = number, instance
    data.SeriesDescription, data.Modality = description, modality
    data.StudyDate, data.StudyTime = "20240501", "101112"
    data.Manufacturer, data.ManufacturerModelName = "ACME", "Scan-O-Matic"
    data.PatientID, data.PatientName = "P1", "Doe^Jane"
    if modality == "MR":
        data.RepetitionTime, data.EchoTime, data.PixelSpacing = 2000, 30, [1.5, 1.5]
        data.SliceThickness, data.Rows, data.Columns = 3, 8, 8
        data.BitsAllocated = data.BitsStored = 16
        data.HighBit, data.PixelRepresentation, data.SamplesPerPixel = 15, 0, 1
        data.PhotometricInterpretation = "MONOCHROME2"
        data.PixelData = np.full((8, 8), instance, "u2").tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    data.save_as(path, enforce_file_format=True)
    return path


def write_study(folder: Path) -> Path:
    """A folder with five series and a text file."""
    for number, description, uid, sop, modality, files in SERIES:
        for instance in range(1, files + 1):
            name = f"{uid}-{instance}.dcm"
            write_dicom(folder / name, number, description, uid, sop, modality, instance)
    (folder / "notes.txt").write_text("no DICOM")
    return folder


class Raw:
    """Requests with Basic auth, for statuses and bodies that xnatpy does not show."""

    def __init__(self, server: Server) -> None:
        self.url = server.url
        self.session = requests.Session()
        self.session.auth = (server.user, server.password)

    def __call__(self, method: str, path: str, **options: object) -> requests.Response:
        return self.session.request(method, self.url + path, timeout=120, **options)  # type: ignore[arg-type]

    def rows(self, path: str, **query: str) -> list[dict[str, str]]:
        """The rows of a listing."""
        answer = self("GET", path, params={**query, "format": "json"})
        assert answer.status_code == 200, answer.text
        return answer.json()["ResultSet"]["Result"]
