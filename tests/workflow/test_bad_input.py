"""What cannot be used is told in a line, alone; the rest is done."""

import html
import shutil
from collections.abc import Iterator
from pathlib import Path

import pydicom
import pytest
import requests
import yaml
from pydicom.uid import RawDataStorage, generate_uid

from localxnat.testing import import_dicom
from tests.workflow.lab import Lab, Run

pytestmark = pytest.mark.workflow


def series(study: Path, subject: int, number: str) -> Path:
    """The folder of one simulated series."""
    people = sorted((study / "dicom").iterdir())
    return next(people[subject].glob(f"*/{number}-*"))


def truncate_one_file(source: Path, target: Path) -> Path:
    shutil.copytree(source, target)
    path = sorted(target.iterdir())[3]
    path.write_bytes(path.read_bytes()[:-5000])
    return target


def show_text(source: Path, target: Path) -> Path:
    """Copy a series; one of its files says that it has text in its pixels."""
    shutil.copytree(source, target)
    path = sorted(target.iterdir())[2]
    image = pydicom.dcmread(path)
    image.BurnedInAnnotation = "YES"
    image.save_as(path)
    return target


def add_raw_data(source: Path, target: Path) -> Path:
    """Copy a series with an object beside its images, as scanners leave them there."""
    shutil.copytree(source, target)
    raw = pydicom.dcmread(min(target.iterdir()))
    for keyword in ("Rows", "Columns", "PixelData", "PhotometricInterpretation"):
        del raw[keyword]
    raw.SOPClassUID = raw.file_meta.MediaStorageSOPClassUID = RawDataStorage
    raw.SOPInstanceUID = raw.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    raw.InstanceNumber = 0
    raw.save_as(target / "raw.dcm")
    return target


@pytest.fixture(scope="module")
def hospital(
    first_run: tuple[Lab, Run], study: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Lab, Run]]:
    """A finished lab whose archive then got four sessions that cannot be used, and one of which a
    series shows text and one holds raw data, too; run again."""
    root = tmp_path_factory.mktemp("hospital")
    lab = first_run[0].copy(root / "lab")
    bold = series(study, 0, "005")
    import_dicom(lab.archive, "DEMO", "corrupt", "corrupt_1", truncate_one_file(bold, root / "x"))
    two = root / "two"
    shutil.copytree(series(study, 0, "002"), two / "a")
    shutil.copytree(series(study, 1, "002"), two / "b")
    uid = pydicom.dcmread(next((two / "a").iterdir())).StudyInstanceUID
    for path in (two / "b").iterdir():  # as if registered under the wrong patient
        image = pydicom.dcmread(path)
        image.StudyInstanceUID, image.SeriesNumber = uid, 77
        image.save_as(path)
    import_dicom(lab.archive, "DEMO", "two", "two_1", two)
    show_text(bold, root / "mixed" / "a")
    add_raw_data(series(study, 0, "002"), root / "mixed" / "b")
    import_dicom(lab.archive, "DEMO", "mixed", "mixed_1", root / "mixed")
    import_dicom(lab.archive, "DEMO", "nodicom", "nodicom_1", series(study, 0, "002"))
    with lab.open() as server:
        login = (server.user, server.password)
        place = f"{server.url}/data/projects/DEMO/subjects"
        for path in ("empty", "empty/experiments/empty_1?xsiType=xnat:mrSessionData"):
            assert requests.put(f"{place}/{path}", auth=login, timeout=20).ok
        listing = requests.get(
            f"{place}/nodicom/experiments?format=json", auth=login, timeout=20
        ).json()
        session = listing["ResultSet"]["Result"][0]["ID"]
        scan = f"{server.url}/data/experiments/{session}/scans/2/resources/DICOM"
        assert requests.delete(f"{scan}?removeFiles=true", auth=login, timeout=20).ok
        yield lab, lab.snakemake()


@pytest.mark.parametrize(
    ("session", "stage", "reason"),
    [
        ("empty_1", "pull", "the archive holds no DICOM files for this session"),
        ("nodicom_1", "pull", "the archive holds no DICOM files for this session"),
        ("corrupt_1", "convert", "scan 5: a file is truncated"),
        ("two_1", "convert", "two subjects"),
    ],
)
def test_a_session_that_cannot_be_used_is_marked_with_stage_and_reason(
    hospital: tuple[Lab, Run], session: str, stage: str, reason: str
) -> None:
    lab, run = hospital
    unit = lab.unit_of(session)
    record = lab.record(unit)
    assert (record["state"], record["stage"]) == ("failed", stage)
    assert reason in record["reason"]
    assert "unexpected" not in record["reason"]
    assert f"  {unit}: failed: {stage}: {record['reason']}; log: {record['log']}" in run.output
    assert (lab.work / record["log"]).is_file()
    page = (lab.results / "reports" / f"{unit}.html").read_text()
    assert record["reason"].lower() in html.unescape(page).lower()
    assert not (lab.results / "bids" / Path(*unit.split("_"))).exists()


def test_the_sessions_beside_them_are_done(hospital: tuple[Lab, Run]) -> None:
    run = hospital[1]
    assert run.status == 0
    assert "study: 3 of 7 sessions done" in run.output
    assert "valid BIDS: 0 errors" in run.output


def test_a_series_that_may_show_text_is_left_out_and_raw_data_is_set_aside(
    hospital: tuple[Lab, Run],
) -> None:
    lab, _ = hospital
    unit = lab.unit_of("mixed_1")
    record = lab.record(unit)
    rows = {row["state"]: row for row in record["series"] if row["folder"]}
    assert list(rows) == ["mapped", "refused"]
    assert "1 file that holds no image (reports or raw data) set aside" in rows["mapped"]["reason"]
    reason = rows["refused"]["reason"]
    assert "; ignore it in the mapping; or, if it shows none, correct the header in" in reason
    assert "files: its pixels may show text, such as a name: the header says" in reason
    images = [name for name in record["files"] if name.endswith(".nii.gz")]
    assert [Path(name).name for name in images] == [f"{unit}_T1w.nii.gz"]
    page = html.unescape((lab.results / "reports" / f"{unit}.html").read_text())
    assert reason in page
    pushed = lab.record(unit, "push")
    assert pushed["state"] == "done"
    assert "bold" not in str(pushed)


def test_a_failed_session_is_not_pushed(hospital: tuple[Lab, Run]) -> None:
    lab, _ = hospital
    assert lab.record(lab.unit_of("empty_1"), "push")["state"] == "skipped"


def test_nothing_is_run_again_until_something_changed(hospital: tuple[Lab, Run]) -> None:
    lab, _ = hospital
    again = lab.snakemake()
    assert not again.jobs, again.output


def test_failed_sessions_are_tried_again_on_request(hospital: tuple[Lab, Run]) -> None:
    lab, _ = hospital
    again = lab.snakemake("--config", "retry=all", "--until", "anonymize")
    assert again.jobs["pull"] == 4, again.output
    assert again.jobs["anonymize"] == 4


def test_a_wrong_password_is_one_line(unworked: Lab) -> None:
    run = unworked.snakemake(XNAT_PASS="wrong")
    assert run.status == 1
    assert "the login was refused; check XNAT_USER and XNAT_PASS or ~/.netrc" in run.output
    assert "Traceback" not in run.output
    assert "wrong" not in run.output


def test_a_server_that_does_not_answer_is_one_line(fresh: Lab, tmp_path: Path) -> None:
    run = fresh.copy(tmp_path / "lab").snakemake()
    assert run.status == 1
    assert "no server answers there; check archive.server or XNAT_HOST" in run.output
    assert "Traceback" not in run.output


def test_an_unknown_project_is_named_and_the_others_are_done(unworked: Lab) -> None:
    settings = {**unworked.settings(), "project": "NOWHERE"}
    (unworked.work / "other.yaml").write_text(yaml.safe_dump(settings))
    (unworked.work / "config.yaml").write_text("projects: [study.yaml, other.yaml]\n")
    run = unworked.snakemake("discover")
    assert run.status == 0
    assert "error: other: project: NOWHERE: the archive has no such project" in run.output
    assert "study: 2 sessions in the archive (2 new)" in run.output


def test_no_project_in_the_config_says_what_to_do(unworked: Lab) -> None:
    (unworked.work / "config.yaml").write_text("projects: []\n")
    run = unworked.snakemake()
    assert run.status == 1
    assert "projects: empty; write config/projects/<name>.yaml" in run.output


def test_what_the_archive_refuses_to_list_is_left_out_and_said(unworked: Lab) -> None:
    assert unworked.server
    unworked.server.faults({"path": "columns=.*handedness", "times": 0, "fault": {"status": 500}})
    done = unworked.snakemake("discover")
    assert done.status == 0
    assert "the sessions come without handedness: the archive does not know" in done.output
    assert "sessions in the archive" in done.output
