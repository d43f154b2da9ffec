"""Files beside the images, and what the scanner computed, from the archive to the datasets."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import requests

from localxnat.testing import Server, import_dicom
from tests.support.bids import Pulled
from tests.support.physio import cmrr, dicom, pmu
from tests.workflow.lab import Lab, Run

pytestmark = pytest.mark.workflow

PROJECT: dict[str, Any] = {
    "project": "BESIDE",
    "bids": {
        "name": "Beside",
        "mapping": [
            {
                "match": {"series_description": "^rest$"},
                "to": "func/bold",
                "entities": {"task": "rest"},
                "events": {"resource": "events", "columns": {"key": {"Units": "keys"}}},
                "physio": {"resource": "PMU", "of": "scan"},
            },
            {"match": {"series_description": "PhysioLog$"}, "to": "func/physio"},
            {"match": {"image_type": "RELCBF"}, "to": "derivatives/perf/cbf"},
        ],
        "behaviour": [{"task": "stroop", "resource": "behaviour"}],
    },
}


def put(server: Server, path: str, data: bytes) -> None:
    """Put a file into the archive's only session."""
    login = (server.user, server.password)
    listing = requests.get(
        f"{server.url}/data/projects/BESIDE/experiments?format=json", auth=login, timeout=20
    ).json()
    session = listing["ResultSet"]["Result"][0]["ID"]
    url = f"{server.url}/data/experiments/{session}/{path}?inbody=true&overwrite=true"
    assert requests.put(url, data=data, auth=login, timeout=20).ok


def fill(lab: Lab, place: Path) -> None:
    """A session with a run, its log, and a map that the scanner computed of it."""
    made = Pulled(place, patient="BESIDE1")
    made.scan("rest", 4)
    made.scan("relCBF", ImageType=["DERIVED", "PRIMARY", "ASL", "RELCBF"])
    changes = {
        "PatientID": made.patient,
        "StudyInstanceUID": made.study,
        "SeriesInstanceUID": f"{made.study}.3",
        "SeriesDescription": "rest_PhysioLog",
        "SeriesNumber": 3,
        "StudyDate": "20240501",
        "SeriesDate": "20240501",
        "SeriesTime": "130305",
    }
    dicom(cmrr(46_860.9, volumes=4), place / "series" / "003" / "000001.dcm", changes=changes)
    import_dicom(lab.archive, "BESIDE", "person", "person_1", place / "series")
    lab.configure(PROJECT)


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Lab, Run, Run, Run]:
    """A lab after three invocations: the first, one more, and one after a log was replaced."""
    place = tmp_path_factory.mktemp("beside")
    lab = Lab(place / "lab")
    fill(lab, place / "made")
    with lab.open() as server:
        put(server, "resources/events/files/a.tsv", b"onset\tduration\tkey\n1\t1\t2\n")
        put(server, "resources/behaviour/files/b.tsv", b"trial_type\tresponse_time\ngo\t0.7\n")
        ecg = pmu(place / "any.ecg", [7, 8] * 200 * 100, 46_850)
        put(server, "scans/1/resources/PMU/files/log.ecg", ecg.read_bytes())
        first, second = lab.snakemake(), lab.snakemake()
        ecg = pmu(place / "any.ecg", [9, 8] * 200 * 100, 46_850)
        put(server, "scans/1/resources/PMU/files/log.ecg", ecg.read_bytes())
        third = lab.snakemake("bids", "--config", "discover=thorough")
    return lab, first, second, third


def test_all_of_it_is_in_valid_datasets(worked: tuple[Lab, Run, Run, Run]) -> None:
    lab, first, *_ = worked
    assert first.status == 0, first.output
    (unit,) = lab.units()
    assert {name.partition(f"{unit}_")[2] for name in lab.record(unit)["files"]} == {
        "scans.tsv",
        "task-rest_bold.json",
        "task-rest_bold.nii.gz",
        "task-rest_events.json",
        "task-rest_events.tsv",
        *(
            f"task-rest_recording-{label}_physio.{extension}"
            for label in ("cardiac", "ecg", "external", "respiratory")
            for extension in ("json", "tsv.gz")
        ),
        "task-stroop_beh.tsv",
    }
    raw = json.loads((lab.results / "validation.json").read_text())
    computed = json.loads((lab.results / "derivatives" / "scanner.json").read_text())
    assert (raw["errors"], computed["errors"]) == (0, 0)
    assert [path.name for path in (lab.results / "derivatives" / "scanner").rglob("*cbf*")]
    assert "scanner" in (lab.results / "reports" / "index.html").read_text()


def test_a_second_invocation_has_nothing_to_do(worked: tuple[Lab, Run, Run, Run]) -> None:
    assert worked[2].status == 0
    assert not worked[2].jobs.keys() - {"all"}


def test_a_log_that_is_replaced_in_the_archive_runs_its_session_again(
    worked: tuple[Lab, Run, Run, Run],
) -> None:
    lab, *_, third = worked
    assert third.status == 0 and third.jobs["convert"] == 1
    (path,) = (lab.results / "bids").rglob("*recording-ecg_physio.tsv.gz")
    assert gzip.decompress(path.read_bytes()).startswith(b"9\n8\n")
