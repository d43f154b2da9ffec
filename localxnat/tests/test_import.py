"""`python -m localxnat import`: DICOM files into sessions and scans."""

from pathlib import Path

import pydicom
import pytest
from pydicom.uid import MRImageStorage

from localxnat.testing import import_dicom, running
from localxnat.tests.support import Raw, write_dicom, write_study

COLUMNS = "ID,type,xsiType,frames,quality,series_description,modality"


@pytest.fixture
def study(tmp_path: Path) -> Path:
    return write_study(tmp_path / "dicom")


def test_series_become_scans_as_xnat_numbers_them(study: Path, tmp_path: Path) -> None:
    import_dicom(tmp_path / "root", "P", "S", "E", study)
    with running(tmp_path / "root") as server:
        rows = Raw(server).rows("/data/experiments/LOCAL_E00001/scans", columns=COLUMNS)
    assert [(row["ID"], row["type"], row["frames"]) for row in rows] == [
        ("2", "localizer", "3"),
        ("4", "mprage: sag", "2"),
        ("6-MR1", "rest", "2"),
        ("6-MR2", "rest", "2"),
        ("99", "report", "1"),
    ]
    assert {row["quality"] for row in rows} == {"usable"}
    assert rows[0]["xsiType"] == "xnat:mrScanData"
    assert rows[4]["xsiType"] == "xnat:srScanData"


def test_the_message_counts_what_is_no_dicom(study: Path, tmp_path: Path) -> None:
    message = import_dicom(tmp_path / "root", "P", "S", "E", study)
    assert message == "E (LOCAL_E00001): 5 scans, 10 files, 1 skipped that are no DICOM"


def test_files_lie_as_in_the_archive_of_xnat_with_the_names_it_gives(
    study: Path, tmp_path: Path
) -> None:
    import_dicom(tmp_path / "root", "P", "S", "E", study)
    folder = tmp_path / "root" / "archive" / "P" / "arc001" / "E" / "SCANS" / "4" / "DICOM"
    names = sorted(path.name for path in folder.iterdir())
    assert len(names) == 2
    assert names[0].startswith("1.2.3-4-1-")
    assert (tmp_path / "root/archive/P/arc001/E/SCANS/99/secondary").is_dir()


def test_the_files_keep_every_byte(study: Path, tmp_path: Path) -> None:
    import_dicom(tmp_path / "root", "P", "S", "E", study)
    stored = {path.read_bytes() for path in (tmp_path / "root" / "archive").rglob("*.dcm")}
    assert stored == {path.read_bytes() for path in study.glob("*.dcm")}


def test_a_second_import_adds_nothing(study: Path, tmp_path: Path) -> None:
    import_dicom(tmp_path / "root", "P", "S", "E", study)
    message = import_dicom(tmp_path / "root", "P", "S", "E", study)
    assert "0 files, 10 were there already" in message


def test_a_later_series_of_a_taken_number_gets_a_suffix(study: Path, tmp_path: Path) -> None:
    import_dicom(tmp_path / "root", "P", "S", "E", study)
    later = tmp_path / "later"
    write_dicom(later / "new.dcm", 4, "again", "4.2", MRImageStorage, "MR", 1)
    import_dicom(tmp_path / "root", "P", "S", "E", later)
    with running(tmp_path / "root") as server:
        rows = Raw(server).rows("/data/experiments/LOCAL_E00001/scans", columns="ID")
    assert [row["ID"] for row in rows] == ["2", "4", "4-MR1", "6-MR1", "6-MR2", "99"]


def test_an_import_beside_a_running_server_is_seen_at_once(study: Path, tmp_path: Path) -> None:
    with running(tmp_path / "root") as server:
        raw = Raw(server)
        assert raw.rows("/data/experiments", columns="ID") == []
        import_dicom(tmp_path / "root", "P", "S", "E", study)
        assert len(raw.rows("/data/experiments", columns="label")) == 1


@pytest.mark.parametrize(("modality", "expected"), [("PT", "pet"), ("CT", "ct"), ("MR", "mr")])
def test_the_modality_decides_the_type_of_session(
    tmp_path: Path, modality: str, expected: str
) -> None:
    write_dicom(tmp_path / "dicom/1.dcm", 1, "one", "1", MRImageStorage, modality, 1)
    import_dicom(tmp_path / "root", "P", "S", "E", tmp_path / "dicom")
    with running(tmp_path / "root") as server:
        (row,) = Raw(server).rows("/data/experiments", columns="xsiType")
    assert row["xsiType"] == f"xnat:{expected}SessionData"


@pytest.mark.parametrize(
    ("project", "folder", "message"),
    [
        ("P", "absent", "does not exist"),
        ("P", "empty", "No DICOM file was found"),
        ("../P", "empty", "project ID has a character"),
    ],
)
def test_what_cannot_be_imported_is_said_in_one_line(
    tmp_path: Path, project: str, folder: str, message: str
) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(RuntimeError, match=message) as caught:
        import_dicom(tmp_path / "root", project, "S", "E", tmp_path / folder)
    assert "\n" not in str(caught.value)


def test_a_session_of_another_subject_is_not_added_to(study: Path, tmp_path: Path) -> None:
    import_dicom(tmp_path / "root", "P", "S1", "E", study)
    with pytest.raises(RuntimeError, match="belongs to another subject"):
        import_dicom(tmp_path / "root", "P", "S2", "E", study)


@pytest.mark.real
def test_a_session_of_enhanced_dicom_is_imported_whole(real_dicom: Path, tmp_path: Path) -> None:
    source = real_dicom / "dcm_qa_xa30"
    message = import_dicom(tmp_path / "root", "P", "S", "E", source)
    assert "21 scans, 93 files" in message
    with running(tmp_path / "root") as server:
        raw = Raw(server)
        scans = raw.rows("/data/experiments/LOCAL_E00001/scans", columns=COLUMNS)
        files = raw.rows("/data/experiments/LOCAL_E00001/scans/ALL/files")
    bold = next(scan for scan in scans if scan["ID"] == "7")
    assert bold["xsiType"] == "xnat:mrScanData"
    assert bold["frames"] == "660"
    assert scans[-1]["xsiType"] == "xnat:srScanData"
    assert {file["collection"] for file in files} == {"DICOM", "secondary"}


def test_a_scan_of_mr_has_the_parameters_that_xnat_reads_from_its_headers(tmp_path: Path) -> None:
    path = write_dicom(tmp_path / "dicom" / "1.dcm", 3, "flair", "3", MRImageStorage, "MR", 1)
    header = pydicom.dcmread(path)
    header.ImageType, header.ScanOptions = ["ORIGINAL", "PRIMARY", "OTHER"], ["FAST", "PFF"]
    header.ImageOrientationPatient = [1, 0, 0, 0, 0.2, -0.98]
    header.PixelBandwidth, header.SequenceName, header.PatientPosition = 48.8281, "ir2d", "HFS"
    header.save_as(path)
    import_dicom(tmp_path / "root", "P", "S", "E", path)
    with running(tmp_path / "root") as server:
        answer = Raw(server)("GET", "/data/experiments/LOCAL_E00001/scans/3?format=json")
    values = answer.json()["items"][0]["data_fields"]
    assert {name: value for name, value in values.items() if name.startswith("parameters/")} == {
        "parameters/imageType": r"ORIGINAL\\PRIMARY\\OTHER",
        "parameters/scanOptions": r"FAST\\PFF",
        "parameters/orientation": "Cor",
        "parameters/pixelBandwidth": 48.8281,
        "parameters/sequence": "ir2d",
        "parameters/tr": 2000.0,
        "parameters/te": 30.0,
        "parameters/voxelRes/x": 1.5,
        "parameters/voxelRes/y": 1.5,
        "parameters/voxelRes/z": 3.0,
        "parameters/fov/x": 8,
        "parameters/fov/y": 8,
    }
