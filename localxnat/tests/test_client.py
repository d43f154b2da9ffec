"""localxnat through the real xnat client, with its full connect sequence."""

import hashlib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import xnat

from localxnat.testing import Server


@pytest.fixture(scope="module")
def connection(server: Server) -> Iterator[Any]:
    with xnat.connect(server.url, user="admin", password="admin", loglevel="ERROR") as connected:
        yield connected


@pytest.fixture
def mr(connection: Any) -> Any:
    """The session S1_a as xnatpy has it."""
    connection.clearcache()
    return connection.projects["DEMO"].subjects["S1"].experiments["S1_a"]


def test_xnatpy_connects_and_reads_its_classes_from_the_schemas(connection: Any) -> None:
    assert connection.xnat_version == "1.9.2"
    for name in (
        "ProjectData",
        "SubjectData",
        "MrSessionData",
        "PetSessionData",
        "CtSessionData",
        "MrScanData",
        "ResourceCatalog",
        "DemographicData",
        "QcAssessmentData",
    ):
        assert hasattr(connection.classes, name)


def test_xnatpy_reads_when_the_login_expires(connection: Any) -> None:
    assert connection.session_expiration_time[1] == 900


def test_a_wrong_password_is_refused(server: Server) -> None:
    with pytest.raises(xnat.exceptions.XNATLoginFailedError):
        xnat.connect(server.url, user="admin", password="wrong", loglevel="CRITICAL")


def test_xnatpy_navigates_down_to_a_file(mr: Any) -> None:
    assert type(mr).__name__ == "MrSessionData"
    scan = mr.scans["4"]
    assert (scan.type, scan.quality, scan.frames) == ("mprage: sag", "usable", 2)
    assert scan.parameters.tr == 2000.0
    assert scan.parameters.voxel_res.x == 1.5
    catalog = scan.resources["DICOM"]
    assert (catalog.format, catalog.content, catalog.file_count) == ("DICOM", "RAW", 2)
    assert len(catalog.files) == 2


def test_session_fields_come_from_the_headers(mr: Any) -> None:
    assert str(mr.date) == "2024-05-01"
    assert mr.scanner.manufacturer == "ACME"
    assert mr.scanner.model == "Scan-O-Matic"
    assert mr.modality == "MR"


def test_a_single_file_downloads_and_matches_its_digest(mr: Any, tmp_path: Path) -> None:
    file = mr.scans["4"].resources["DICOM"].files[0]
    file.download(str(tmp_path / "one.dcm"), verbose=False)
    found = hashlib.md5((tmp_path / "one.dcm").read_bytes()).hexdigest()
    assert found == file.digest
    assert int(file.size) == (tmp_path / "one.dcm").stat().st_size


def test_a_scan_downloads_as_a_zip_with_the_names_of_xnat(mr: Any, tmp_path: Path) -> None:
    mr.scans["4"].download(str(tmp_path / "scan.zip"), verbose=False)
    with zipfile.ZipFile(tmp_path / "scan.zip") as packed:
        assert packed.testzip() is None
        folders = {name.rsplit("/", 1)[0] for name in packed.namelist()}
    assert folders == {"S1_a/scans/4-mprage__sag/resources/DICOM/files"}


def test_a_whole_session_downloads_into_a_folder(mr: Any, tmp_path: Path) -> None:
    mr.download_dir(str(tmp_path), verbose=False)
    assert len(list(tmp_path.rglob("*.dcm"))) == 10


def test_a_resource_downloads_into_a_folder(mr: Any, tmp_path: Path) -> None:
    folder = mr.scans["2"].resources["DICOM"].download_dir(str(tmp_path), verbose=False)
    assert len(list(Path(folder).iterdir())) == 3


def test_xnatpy_reads_a_dicom_header_through_the_archive(mr: Any) -> None:
    assert mr.scans["4"].read_dicom().SeriesDescription == "mprage: sag"


def test_demographics_and_custom_variables_are_set_and_read_back(connection: Any) -> None:
    project = connection.projects["DEMO"]
    subject = connection.classes.SubjectData(parent=project, label="Demographics")
    subject.demographics.gender = "female"
    subject.demographics.handedness = "left"
    subject.demographics.yob = 1990
    subject.fields["cohort"] = "A=1"
    connection.clearcache()
    again = connection.projects["DEMO"].subjects["Demographics"]
    assert (again.demographics.gender, again.demographics.handedness) == ("female", "left")
    assert again.demographics.yob == 1990
    assert again.fields["cohort"] == "A=1"


def test_the_schema_refuses_a_gender_that_xnat_does_not_know(connection: Any) -> None:
    subject = connection.projects["DEMO"].subjects["S1"]
    with pytest.raises(ValueError, match="gender"):
        subject.demographics.gender = "no such value"


def test_notes_and_quality_are_set_and_read_back(mr: Any, connection: Any) -> None:
    mr.note = "a note with a # and an & in it"
    mr.scans["2"].quality = "questionable"
    connection.clearcache()
    assert mr.note == "a note with a # and an & in it"
    assert mr.scans["2"].quality == "questionable"


def test_a_session_resource_is_made_filled_and_read(mr: Any, tmp_path: Path) -> None:
    catalog = mr.create_resource("REPORT", format="HTML")
    catalog.upload_data(b"<p>hello</p>", "html/report.html")
    (tmp_path / "table.tsv").write_text("a\tb\n")
    catalog.upload(tmp_path / "table.tsv")
    assert {file.path for file in catalog.files.values()} == {"html/report.html", "table.tsv"}
    with catalog.files["html/report.html"].open() as stream:
        assert stream.read() == b"<p>hello</p>"


@pytest.mark.parametrize("method", ["per_file", "tar_memory", "tgz_file"])
def test_a_folder_is_uploaded_in_every_way_of_xnatpy(mr: Any, tmp_path: Path, method: str) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "deep.txt").write_text("deep")
    (tmp_path / "top.txt").write_text("top")
    catalog = mr.create_resource(f"DIR_{method}")
    catalog.upload_dir(tmp_path, method=method)
    assert {file.path for file in catalog.files.values()} == {"a/b/deep.txt", "top.txt"}


def test_a_resource_that_exists_is_not_made_again(mr: Any) -> None:
    mr.create_resource("TWICE")
    with pytest.raises(xnat.exceptions.XNATResponseError, match="409"):
        mr.create_resource("TWICE")


def test_sessions_and_scans_are_made_by_the_client(connection: Any) -> None:
    subject = connection.projects["DEMO"].subjects["S1"]
    made = connection.classes.PetSessionData(parent=subject, label="S1_pet")
    connection.classes.PetScanData(parent=made, id="7", type="FDG", quality="usable")
    connection.clearcache()
    again = connection.projects["DEMO"].experiments["S1_pet"]
    assert type(again).__name__ == "PetSessionData"
    assert again.scans["7"].type == "FDG"


def test_an_assessor_is_made_and_listed(mr: Any, connection: Any) -> None:
    path = f"{mr.fulluri}/assessors/S1_a_qc?xsiType=xnat:qcAssessmentData&req_format=qs"
    assert connection.put(path).status_code == 201
    connection.clearcache()
    assessor = mr.assessors["S1_a_qc"]
    assert type(assessor).__name__ == "QcAssessmentData"
    catalog = assessor.create_resource("NUMBERS")
    catalog.upload_data(b"{}", "qc.json")
    assert catalog.files["qc.json"].digest == hashlib.md5(b"{}").hexdigest()


def test_project_resources_are_read_by_the_client(connection: Any) -> None:
    project = connection.projects["DEMO"]
    catalog = project.create_resource("questionnaires")
    catalog.upload_data(b"subject,score\nS1,3\n", "phq9.csv")
    again = connection.projects["DEMO"].resources["questionnaires"]
    assert again.files["phq9.csv"].verify_digest()


def test_a_deleted_scan_is_gone_with_its_files(
    connection: Any,
    server: Server,
) -> None:
    subject = connection.projects["DEMO"].subjects["S1"]
    made = connection.classes.MrSessionData(parent=subject, label="S1_del")
    scan = connection.classes.MrScanData(parent=made, id="3", type="T1")
    scan.create_resource("NIFTI").upload_data(b"x", "x.nii")
    folder = server.root / "archive" / "DEMO" / "arc001" / "S1_del" / "SCANS" / "3"
    assert (folder / "NIFTI" / "x.nii").is_file()
    # Not `scan`: xnatpy cannot delete, in its own cache, an object that it made itself.
    made.scans["3"].delete()
    assert not folder.exists()
    assert len(made.scans) == 0


def test_a_renamed_session_keeps_its_files(connection: Any) -> None:
    subject = connection.projects["DEMO"].subjects["S1"]
    made = connection.classes.MrSessionData(parent=subject, label="S1_before")
    made.create_resource("R").upload_data(b"kept", "file.txt")
    made.label = "S1_after"
    connection.clearcache()
    again = connection.projects["DEMO"].experiments["S1_after"]
    with again.resources["R"].files["file.txt"].open() as stream:
        assert stream.read() == b"kept"


def test_a_session_shared_into_a_project_is_found_there(connection: Any) -> None:
    connection.put("/data/projects/OTHER")
    subject = connection.projects["DEMO"].subjects["S1"]
    made = connection.classes.MrSessionData(parent=subject, label="S1_shared")
    made.share("OTHER", label="renamed")
    connection.clearcache()
    assert "renamed" in {item.label for item in connection.projects["OTHER"].experiments.values()}


def test_scanners_and_scan_types_are_known(connection: Any) -> None:
    assert "mprage: sag" in {row["type"] for row in connection.scan_types}
    assert isinstance(connection.scanners, list)


QUALITY = """<xnat:QCAssessment xmlns:xnat="http://nrg.wustl.edu/xnat"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" label="nested">
 <xnat:scans><xnat:scan id="4"><xnat:scanStatistics xsi:type="xnat:statisticsData">
 <xnat:mean>1.5</xnat:mean><xnat:additionalStatistics name="fd">0.25</xnat:additionalStatistics>
 <xnat:addField name="verdict">good</xnat:addField>
 </xnat:scanStatistics></xnat:scan></xnat:scans></xnat:QCAssessment>"""


def test_the_numbers_of_a_quality_assessment_are_read_and_set(mr: Any, connection: Any) -> None:
    path = f"{mr.fulluri}/assessors/nested"
    connection.put(path, data=QUALITY, headers={"Content-Type": "text/xml"})
    connection.clearcache()
    statistics = mr.assessors["nested"].scans["4"].scan_statistics
    assert statistics.mean == 1.5
    assert dict(statistics.additional_statistics) == {"fd": 0.25}
    assert dict(statistics.add_field) == {"verdict": "good"}
    field = "scans/scan[id=4]/scanStatistics[@xsi:type=xnat:statisticsData]/mean"
    connection.put(
        path, query={"xsiType": "xnat:qcAssessmentData", f"xnat:qcAssessmentData/{field}": "2"}
    )
    assert '"mean":2.0' in connection.get(path, format="json").text


def test_a_manual_assessment_rates_scans_one_by_one(mr: Any, connection: Any) -> None:
    kind = "xnat:qcManualAssessorData"
    scan = f"{kind}/scans/scan[imageScan_ID=4]"
    query = {"xsiType": kind, f"{kind}/rater": "me", f"{scan}/motion": "none", f"{scan}/pass": "1"}
    connection.put(f"{mr.fulluri}/assessors/manual", query=query)
    connection.clearcache()
    manual = mr.assessors["manual"]
    assert (manual.rater, manual.scans[0].motion) == ("me", "none")
    manual.comments = "fine"
    connection.clearcache()
    assert mr.assessors["manual"].comments == "fine"


def test_a_reconstruction_says_what_it_is_made_from(mr: Any, connection: Any) -> None:
    kind = "xnat:reconstructedImageData"
    query = {"type": "segmentation", "baseScanType": "T1", f"{kind}/inScans/scanID[0]": "4"}
    connection.put(f"{mr.fulluri}/reconstructions/seg", query={"xsiType": kind, **query})
    connection.put(f"{mr.fulluri}/reconstructions/seg/resources/MASK/files/m.nii", data=b"mask")
    connection.clearcache()
    made = mr.reconstructions["seg"]
    assert (made.type, made.base_scan_type) == ("segmentation", "T1")
    node = connection.get_json(made.uri)["items"][0]
    fields = {child["field"]: child["items"][0]["data_fields"] for child in node["children"]}
    assert fields["inScans/scanID"] == {"scanID": "4"}
    assert fields["out/file"]["file_count"] == 1
