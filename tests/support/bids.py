"""A pulled session of made-up series: real DICOM files, a few kilobytes each."""

from pathlib import Path
from typing import Any

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

from tests.support.archive_records import write_pulled

SLICES = 4
MATRIX = 16


class Pulled:
    """A pulled session that grows series by series."""

    def __init__(self, folder: Path, patient: str = "DOE^JANE") -> None:
        self.folder = folder
        self.patient = patient
        self.study = generate_uid(entropy_srcs=[patient])
        self.scans: list[dict[str, Any]] = []
        folder.mkdir(parents=True, exist_ok=True)
        self.write()

    def write(self) -> None:
        """Write `pulled.json`."""
        write_pulled(self.folder, *self.scans)

    def scan(self, description: str, volumes: int = 1, **header: Any) -> Path:
        """Add a series of single-slice files; returns its folder."""
        number = len(self.scans) + 1
        folder = self.folder / "series" / f"{number:03d}"
        folder.mkdir(parents=True)
        instance = 0
        for volume in range(volumes):
            for place in range(SLICES):
                instance += 1
                image = self._image(number, description, instance, volume, place)
                for key, value in header.items():
                    setattr(image, key, value)
                image.save_as(folder / f"{instance:06d}.dcm", enforce_file_format=True)
        self._list(number, description, f"series/{number:03d}", instance)
        return folder

    def empty_scan(self, description: str) -> None:
        """Add a scan that has no DICOM."""
        self._list(len(self.scans) + 1, description, None, 0, problem="no DICOM")

    def resource(self, path: str, text: str) -> None:
        """Add a file to the session's resources."""
        target = self.folder / "resources" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def _list(
        self, number: int, description: str, folder: str | None, files: int, **more: Any
    ) -> None:
        self.scans.append(
            {
                "scan": str(number),
                "type": description,
                "series_description": description,
                "quality": "usable",
                "note": "",
                "folder": folder,
                "files": files,
                **more,
            }
        )
        self.write()

    def _image(
        self, number: int, description: str, instance: int, volume: int, place: int
    ) -> FileDataset:
        series = generate_uid(entropy_srcs=[self.study, str(number)])
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = MRImageStorage
        meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=[series, str(instance)])
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
        ds.SOPClassUID = MRImageStorage
        ds.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
        ds.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND"]
        ds.Modality, ds.Manufacturer, ds.ManufacturerModelName = "MR", "SIEMENS", "Made up"
        ds.PatientName = ds.PatientID = self.patient
        ds.StudyInstanceUID, ds.SeriesInstanceUID = self.study, series
        ds.SeriesNumber, ds.InstanceNumber, ds.AcquisitionNumber = number, instance, volume + 1
        ds.SeriesDescription = ds.ProtocolName = description
        ds.StudyDate = ds.AcquisitionDate = "20240501"
        ds.StudyTime, ds.AcquisitionTime = "130000", f"13{number:02d}00.500000"
        ds.RepetitionTime, ds.EchoTime, ds.FlipAngle = 2000, 30, 77
        ds.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        ds.ImagePositionPatient = [-16, -16, 3 * place]
        ds.PixelSpacing, ds.SliceThickness, ds.SpacingBetweenSlices = [2, 2], 3, 3
        ds.MRAcquisitionType, ds.ScanningSequence, ds.SequenceName = "2D", "EP", "epfid2d1_16"
        _set_pixels(ds, np.random.default_rng([number, instance]))
        return ds


def _set_pixels(ds: Dataset, rng: np.random.Generator) -> None:
    ds.Rows = ds.Columns = MATRIX
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated = ds.BitsStored = 16
    ds.HighBit, ds.PixelRepresentation = 15, 0
    ds.PixelData = rng.integers(0, 4000, (MATRIX, MATRIX), dtype=np.uint16).tobytes()


def enlarge(series: Path, side: int) -> None:
    """Give the images of a series the size that a scanner's have."""
    random = np.random.default_rng(1)
    for path in series.iterdir():
        image = dcmread(path)
        image.Rows = image.Columns = side
        image.PixelData = random.integers(0, 4000, (side, side), dtype=np.uint16).tobytes()
        image.save_as(path)
