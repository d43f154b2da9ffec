"""Sessions of the size and shape that scanners make, for measuring."""

from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, EnhancedMRImageStorage, ExplicitVRLittleEndian, MRImageStorage

SIDE = 320
SLICE = SIDE * SIDE * 2
SLICES_A_SCAN = 180


def write_session(folder: Path, megabytes: int, enhanced: int) -> Path:
    """Scans of 180 slices of 200 kB, and `enhanced` megabytes in files of at most 100 MB."""
    images = _images()
    folder.mkdir(parents=True)
    for number in range(max(megabytes - enhanced, 0) * 10**6 // SLICE):
        scan, instance = divmod(number, SLICES_A_SCAN)
        data = _dataset(MRImageStorage, scan + 1, instance + 1)
        data.PixelData = images[number % len(images)]
        data.save_as(folder / f"{number:06d}.dcm", enforce_file_format=True)
    for number, size in enumerate(_portions(enhanced, 100)):
        data = _dataset(EnhancedMRImageStorage, 500 + number, 1)
        data.NumberOfFrames = size * 10**6 // SLICE
        data.PixelData = b"".join(images[i % len(images)] for i in range(data.NumberOfFrames))
        data.save_as(folder / f"enhanced{number}.dcm", enforce_file_format=True)
    return folder


def _portions(total: int, most: int) -> list[int]:
    return [min(most, total - done) for done in range(0, total, most)]


def _images() -> list[bytes]:
    """Noise in an ellipse, none around it: it packs as far as images of heads do."""
    rows, columns = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
    head = (rows / 0.9) ** 2 + (columns / 0.7) ** 2 < 1
    random = np.random.default_rng(1)
    return [
        np.where(head, random.normal(600, 60, head.shape), random.exponential(6, head.shape))
        .astype("<u2")
        .tobytes()
        for _ in range(16)
    ]


def _dataset(sop: UID, series: int, instance: int) -> Dataset:
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = sop
    uid = UID(f"1.2.826.0.1.{series}.{instance}")
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = uid
    data.StudyInstanceUID, data.SeriesInstanceUID = "1.2.826.0.1", f"1.2.826.0.1.{series}"
    data.SeriesNumber, data.InstanceNumber = series, instance
    data.SeriesDescription, data.Modality = f"series {series}", "MR"
    data.StudyDate, data.StudyTime, data.PatientID = "20240501", "101112", "P1"
    data.Rows = data.Columns = SIDE
    data.BitsAllocated = data.BitsStored = 16
    data.HighBit, data.PixelRepresentation, data.SamplesPerPixel = 15, 0, 1
    data.PhotometricInterpretation = "MONOCHROME2"
    return data
