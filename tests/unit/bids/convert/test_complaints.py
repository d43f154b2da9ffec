"""What dcm2niix prints of a series becomes the reason of its failure, or nothing."""

from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.uid import EnhancedSRStorage

from coil.bids.convert.complaints import Folder, failure
from tests.support.bids import Pulled

GOOD = "version v1 (JP2:OpenJPEG) (JP-LS:CharLS)\nFound 8 DICOM file(s)\n"
CONVERTED = f"{GOOD}Convert 8 DICOM as /DOE/i (16x16x4x2)\n"


@pytest.fixture
def series(tmp_path: Path) -> Path:
    return Pulled(tmp_path).scan("rest", 2)


@pytest.mark.parametrize(
    ("said", "code", "told"),
    [
        ("Found 7 DICOM file(s)", 0, "1 of 8 files cannot be read"),
        (f"{GOOD}Convert 7 DICOM as /DOE/i", 0, "1 of 8 files hold no image"),
        (f"{GOOD}Warning: File not large enough to store: /DOE", 1, "a file is truncated"),
        (f"{GOOD}Error: Missing images. Found 7 images, expected 4", 1, "slices are missing"),
        (f"{GOOD}Only able to make equidistant slices from 8", 1, "slices are missing"),
        (f"{GOOD}Warning: Unsupported transfer syntax '1.2'", 2, "its pixels are compressed"),
        (f"{GOOD}No valid DICOM images were found", 2, "its files hold no pixels"),
        (GOOD, -11, "dcm2niix stopped with status -11"),
    ],
)
def test_a_failure_has_one_reason(series: Path, said: str, code: int, told: str) -> None:
    found = failure(said, code, Folder(series))
    assert found is not None
    assert found.startswith(told)
    assert "DOE" not in found
    assert "\n" not in found


@pytest.mark.parametrize(
    "said",
    [
        CONVERTED,
        f"{GOOD}Convert 4 DICOM as /DOE/i_e1\nConvert 4 DICOM as /DOE/i_e2\n",
        f"{GOOD}Convert 7 DICOM as /DOE/i\n1 images have identical time, series",
        f"{CONVERTED}Warning: Missing images? Expected 8 images\n",
        f"Compressed image stored as 2 fragments: if conversion fails decompress\n{CONVERTED}",
        f"{CONVERTED}Error: Check sorted order: 4D dataset has 2 volumes, but index from 1..8\n",
    ],
)
def test_a_series_that_dcm2niix_only_wonders_about_is_fine(series: Path, said: str) -> None:
    assert failure(said, 0, Folder(series)) is None


def test_an_error_of_an_irregular_series_is_told_as_missing_slices(series: Path) -> None:
    (series / "000008.dcm").unlink()
    said = CONVERTED.replace("8 DICOM", "7 DICOM") + " Error: Check sorted order\n"
    found = failure(said, 0, Folder(series))
    assert found is not None
    assert found.startswith("slices are missing")


def test_a_report_among_the_images_is_no_lost_image(series: Path) -> None:
    path = series / "000008.dcm"
    report = dcmread(path)
    report.SOPClassUID = report.file_meta.MediaStorageSOPClassUID = EnhancedSRStorage
    del report.PixelData, report.Rows, report.Columns
    report.save_as(path)
    assert failure(f"{GOOD}Convert 7 DICOM as /DOE/i\n", 0, Folder(series)) is None
