"""Real DICOM files as the pull stage leaves them, and what dcm2niix makes of them by itself."""

import hashlib
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pydicom
import yaml
from pydicom.errors import InvalidDicomError

from coil.bids.mapping.mapping import parse
from tests.support.archive_records import write_pulled
from tests.support.nifti import nifti
from tests.support.stages import convert_session

SESSIONS = {
    "siemens_xa30": "dcm_qa_xa30",
    "siemens_multi_echo": "dcm_qa_me",
    "siemens_pepolar": "dcm_qa_nih/In/*Si",
    "ge_epi": "dcm_qa_nih/In/*GE",
    "philips_epi": "dcm_qa_philips",
    "philips_asl": "dcm_qa_philips_asl",
    "philips_enhanced": "nitest-balls1/DICOM",
}

Rules = list[dict[str, Any]]


def rules_of(name: str) -> Rules:
    """The mapping of a session."""
    path = Path(__file__).parent / "mappings" / f"{name}.yaml"
    return yaml.safe_load(path.read_text(encoding="utf-8"))


class Converted:
    """A converted session beside the one that was pulled."""

    def __init__(self, pulled: Path, folder: Path, rules: Rules, **options: Any) -> None:
        self.pulled, self.folder = pulled, folder
        policy = {"unmapped": "fail", "ambiguous": "fail"}
        self.table = convert_session(
            pulled,
            folder / "converted",
            subject="X",
            session="Y",
            mapping=parse(rules),
            scratch=folder / "scratch",
            **{"policy": policy} | options,
        )["series"]
        self.bids = folder / "converted" / "bids"

    @property
    def mapped(self) -> list[dict[str, Any]]:
        return [row for row in self.table if row["state"] == "mapped"]

    def names(self) -> list[str]:
        return sorted(path.name for path in self.bids.rglob("*.nii.gz"))


TAGS = ["SeriesInstanceUID", "SeriesNumber", "SeriesDescription"]


def pull(source: Path, folder: Path) -> Path:
    """Link the DICOM files below `source` into one folder per series, with a listing."""
    series: dict[str, list[Path]] = defaultdict(list)
    headers: dict[str, pydicom.Dataset] = {}
    source = next(source.parent.glob(source.name))  # its last part may be a pattern
    for path in sorted(p for p in source.rglob("*") if p.is_file()):
        try:
            header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=TAGS)
        except InvalidDicomError:
            continue
        series[header.SeriesInstanceUID].append(path)
        headers[header.SeriesInstanceUID] = header
    scans: list[dict[str, Any]] = []
    for uid in sorted(series, key=lambda uid: (int(headers[uid].SeriesNumber or 0), uid)):
        place = f"series/{len(scans) + 1:03d}"
        (folder / place).mkdir(parents=True)
        for number, path in enumerate(series[uid], start=1):
            (folder / place / f"{number:06d}.dcm").symlink_to(path)
        description = str(headers[uid].get("SeriesDescription") or "")
        scans.append(
            {
                "scan": str(headers[uid].SeriesNumber),
                "type": description,
                "series_description": description,
                "quality": "usable",
                "note": "",
                "folder": place,
                "files": len(series[uid]),
            }
        )
    write_pulled(folder, *scans)
    return folder


def by_dcm2niix(series: Path, folder: Path) -> Counter[str]:
    """A digest of each image, b-value and b-vector file that dcm2niix itself makes, less maps."""
    folder.mkdir(parents=True)
    program = Path(sys.executable).parent / "dcm2niix"
    command = [str(program), "-z", "n", "-b", "y", "-o", str(folder), str(series)]
    subprocess.run(command, capture_output=True, check=False)
    made = [path for path in folder.iterdir() if not path.stem.endswith("_ADC")]
    return Counter(digest(path) for path in made if path.suffix in _COMPARED)


def by_coil(bids: Path, row: dict[str, Any]) -> Counter[str]:
    """The same of what a row of the table lists."""
    files = [bids / file for file in row["files"]]
    return Counter(digest(path) for path in files if path.suffix in _COMPARED)


def digest(path: Path) -> str:
    """A digest of voxels, shape and affine of an image, of the numbers of a text."""
    if ".nii" not in path.suffixes:
        # Versions of dcm2niix differ in the sixth digit of a direction.
        values = np.loadtxt(path, ndmin=2).round(5) + 0.0
        return path.suffix + hashlib.sha256(values.tobytes()).hexdigest()
    image = nifti(path)
    assert isinstance(image, nib.Nifti1Image)
    voxels = np.asanyarray(image.dataobj)
    parts = (
        str(voxels.shape),
        str(voxels.dtype),
        np.asarray(image.affine).tobytes(),
        voxels.tobytes(),
    )
    total = hashlib.sha256()
    for part in parts:
        total.update(part.encode() if isinstance(part, str) else part)
    return "image" + total.hexdigest()


_COMPARED = (".nii", ".gz", ".bval", ".bvec")
