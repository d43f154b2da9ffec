"""A session as pull and convert leave it, made by hand and full of identifiers."""

import json
from pathlib import Path

import nibabel as nib
import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage

from tests.support.archive_records import write_pulled

SUBJECT, SESSION = "k3v0q8zd", "b5t9x2ma"
STEM = f"sub-{SUBJECT}_ses-{SESSION}"
INNER = f"sub-{SUBJECT}/ses-{SESSION}"
UID = "1.3.12.2.1107.5.2.43.48151.30000024050112"
# Value, and the kind under which it is known.
PLANTED = {
    "Quillfeather": "name",
    "QX-77-0042": "ID",
    "20240501": "date",
    "19740131": "date",
    "St Elsewhere": "description",
    "Nightingale": "name",
    "Deepnest": "name",
    "PRIV-55501-X": "private element",
    "UNKN-66601-Y": "private element",
    "HUSH-77701-Z": "private element",
    "GATEWAY9": "description",
    "REAL-0042-MR1": "name or ID of the archive",
}


def header(number: int = 1, series: int = 1) -> Dataset:
    """A header with an identifier at every depth that there is."""
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.file_meta.SourceApplicationEntityTitle = "GATEWAY9"
    data.SOPClassUID = MRImageStorage
    data.SOPInstanceUID = f"{UID}.{series}.{number}"
    data.SeriesInstanceUID = f"{UID}.{series}"
    data.PatientName = "Quillfeather^Zoe"
    data.PatientID = "QX-77-0042"
    data.PatientBirthDate = "19740131"
    data.StudyDate = "20240501"
    data.AcquisitionDateTime = "20240501130743.900000"
    data.InstitutionName = "St Elsewhere"
    data.ReceiveCoilName = "HeadNeck_64"
    data.SeriesDescription = "cmrr_rest"
    item, inner = Dataset(), Dataset()
    inner.PersonName = "Deepnest^Mary"
    item.PersonIdentificationCodeSequence = Sequence([inner])
    item.PhysiciansReadingStudyIdentificationSequence = Sequence([inner])
    item.OperatorsName = "Nightingale"
    data.RequestAttributesSequence = Sequence([item])
    block = data.private_block(0x0029, "SIEMENS TEST", create=True)
    block.add_new(0x10, "LO", "PRIV-55501-X")
    block.add_new(0x11, "UN", b"UNKN-66601-Y")
    block.add_new(0x12, "OB", b"\x01\x02HUSH-77701-Z\x00\x01")
    return data


def make_pulled(folder: Path, files: int = 3) -> Path:
    """One series of `files` files, and pulled.json."""
    series = folder / "series" / "001"
    series.mkdir(parents=True)
    for number in range(1, files + 1):
        header(number).save_as(series / f"{number:06d}.dcm", enforce_file_format=True)
    scan = {"scan": "1", "series_description": "cmrr_rest", "folder": "series/001"}
    write_pulled(folder, scan, session_label="REAL-0042-MR1")
    return folder


def make_converted(folder: Path, sidecar: dict[str, object] | None = None) -> Path:
    """One bold run with its events, as heudiconv and dcm2niix would leave it."""
    func = folder / "bids" / INNER / "func"
    func.mkdir(parents=True)
    image = nib.Nifti1Image(np.arange(640, dtype="i2").reshape(4, 4, 4, 10), np.eye(4))
    image.header["descrip"] = b"TE=50;Time=130743.901"
    image.header["aux_file"] = b"Quillfeather moved"
    name = f"{STEM}_task-rest_bold"
    nib.save(image, func / f"{name}.nii.gz")
    keys = {
        "RepetitionTime": 2.0,
        "TaskName": "rest",
        "SliceTiming": [0, 1, 0.5, 1.5],
        "Manufacturer": "Siemens",
        "DeviceSerialNumber": "48151",
        "InstitutionName": "St Elsewhere",
        "PatientName": "Quillfeather^Zoe",
        "AcquisitionTime": "13:07:43.900000",
        "ConversionSoftwareVersion": "v1.0.20260724",
    }
    (func / f"{name}.json").write_text(json.dumps(keys | (sidecar or {})))
    (func / f"{STEM}_task-rest_events.tsv").write_text("onset\tduration\twho\n0\t1\tQuillfeather\n")
    (func.parent / f"{STEM}_scans.tsv").write_text("filename\tacq_time\toperator\n")
    rows = [
        {
            "scan": "1",
            "folder": "series/001",
            "description": "cmrr_rest Quillfeather",
            "state": "mapped",
            "rule": "bids.mapping[0]",
            "name": f"func/{name}",
            "reason": "rule 0",
            "volumes": 10,
            "expected": 10,
            "files": [f"{INNER}/func/{name}.nii.gz", f"{INNER}/func/{name}.json"],
            "acq_time": "2024-05-01T13:07:43.900000",
            "supplied": [],
        }
    ]
    versions = {"dcm2niix": "v1.0.20260724"}
    table = {"version": 1, "series": rows, "versions": versions}
    (folder / "converted.json").write_text(json.dumps(table))
    return folder
