"""Files beside the images go from the pulled session to a dataset that the validator accepts."""

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from coil.bids.mapping.associated import parse_behaviour
from coil.bids.mapping.mapping import parse
from coil.bids.validate import validate_session
from coil.errors import DataError
from tests.support.bids import Pulled
from tests.support.physio import cmrr, dicom, pmu
from tests.support.stages import admit_session, convert_session

RULES: list[dict[str, Any]] = [
    {
        "match": {"series_description": "task_(?P<task>[a-z]+)$"},
        "to": "func/bold",
        "entities": {"task": "{task}"},
        "duplicates": "runs",
        "events": {
            "resource": "events",
            "file": "{task}_{run}.tsv",
            "columns": {"key": {"Levels": {"left": "left key", "right": "right key"}}},
        },
        "physio": {"resource": "pmu"},
        "stim": {"resource": "stim", "of": "scan", "file": "*.tsv"},
    },
    {"match": {"series_description": "_PhysioLog$"}, "to": "func/physio"},
]
BEHAVIOUR = [
    {
        "task": "stroop",
        "resource": "behaviour",
        "columns": {"score": {"Units": "items", "Description": "items that were right"}},
    }
]
STEM = "sub-X_ses-Y"


def log_series(session: Pulled, description: str, began: float, time: str) -> None:
    """A series with CMRR's logs of four volumes, sent at a time of 1 May 2024."""
    folder = session.scan(description)
    for path in list(folder.iterdir()):
        path.unlink()
    changes = {
        "PatientID": session.patient,
        "StudyInstanceUID": session.study,
        "SeriesInstanceUID": f"{session.study}.{len(session.scans)}",
        "SeriesDescription": description,
        "SeriesNumber": len(session.scans),
        "SeriesDate": "20240501",
        "SeriesTime": time,
    }
    dicom(cmrr(began, volumes=4), folder / "000001.dcm", changes=changes)


@pytest.fixture(scope="module")
def pulled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    session = Pulled(tmp_path_factory.mktemp("session") / "pulled")
    session.scan("task_nback", 4)  # at 13:01:00.5, and so on
    log_series(session, "task_nback_PhysioLog", 46_860.9, "130110")
    session.scan("task_nback", 4)
    log_series(session, "task_nback_PhysioLog", 46_980.9, "130310")
    session.scan("task_rest", 4)
    for run in (1, 2):
        text = "onset\tduration\tkey\n0.5\t1\tleft\n4\tn/a\tright\n"
        session.resource(f"events/nback_{run}.tsv", text)
    pmu(session.folder / "resources" / "pmu" / "any.ecg", [7, 8] * 200 * 400, 46_800)
    session.resource("behaviour/any.tsv", "score\tanswer\tresponse_time\n3\tnot sure\t0.7\n")
    session.resource("behaviour/any.json", '{"answer": {"Description": "what was said"}}')
    path = session.folder / "scan_resources" / "5" / "stim" / "audio.tsv"
    path.parent.mkdir(parents=True)
    path.write_text("loudness\n" + "0.25\n0.5\n" * 400)
    described = {"SamplingFrequency": 100, "StartTime": 0, "loudness": {"Units": "dB"}}
    path.with_suffix(".json").write_text(json.dumps(described))
    return session.folder


def whole_way(
    pulled: Path, place: Path, rules: list[dict[str, Any]] = RULES
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Convert and admit; the table of the series and the record."""
    table = convert_session(
        pulled,
        place / "converted",
        subject="X",
        session="Y",
        mapping=parse(rules),
        policy={},
        scratch=place / "scratch",
        behaviour=parse_behaviour(BEHAVIOUR),
    )
    record = admit_session(
        pulled,
        place / "converted",
        place / "candidate",
        subject="X",
        session="Y",
        secret=b"0123456789abcdef" * 4,
        subject_id="S1",
    )
    return table, record


@pytest.fixture(scope="module")
def done(pulled: Path) -> tuple[dict[str, Any], dict[str, Any], Path]:
    place = pulled.parent / "done"
    return *whole_way(pulled, place), place / "candidate"


def test_a_log_takes_the_name_of_its_run(done: tuple[Any, Any, Path]) -> None:
    named = [(row["scan"], row["state"], row["name"]) for row in done[0]["series"]]
    run = f"func/{STEM}_task-nback_run"
    assert named == [
        ("1", "mapped", f"{run}-1_bold"),
        ("2", "mapped", f"{run}-1_physio"),
        ("3", "mapped", f"{run}-2_bold"),
        ("4", "mapped", f"{run}-2_physio"),
        ("5", "mapped", f"func/{STEM}_task-rest_bold"),
    ]
    first = done[0]["series"][1]
    assert first["reason"] == "bids.mapping[1]; of scan 1"
    names = [Path(file).name.removeprefix(f"{STEM}_task-nback_run-1_") for file in first["files"]]
    assert names == [
        f"recording-{label}_physio.{extension}"
        for label in ("cardiac", "external", "respiratory")
        for extension in ("json", "tsv.gz")
    ]


def test_every_kind_of_file_is_in_the_dataset(done: tuple[Any, Any, Path]) -> None:
    kinds = {name.partition(f"{STEM}_")[2] for name in done[1]["files"]}
    assert {
        "task-nback_run-2_events.tsv",
        "task-nback_run-2_events.json",
        "task-nback_run-2_recording-cardiac_physio.tsv.gz",
        "task-rest_recording-ecg_physio.tsv.gz",
        "task-rest_stim.tsv.gz",
        "task-stroop_beh.tsv",
        "task-stroop_beh.json",
    } <= kinds
    assert done[1]["removed"]["columns"] == {"answer": 1}
    table = done[2] / "sub-X" / "ses-Y" / "beh" / f"{STEM}_task-stroop_beh.tsv"
    assert table.read_text() == "score\tresponse_time\n3\t0.7\n"


def test_the_validator_has_no_error_and_warns_of_nothing_beside(
    done: tuple[Any, Any, Path],
) -> None:
    verdict = validate_session(done[2])
    assert verdict.errors == 0, verdict.issues
    told = {issue.code for issue in verdict.issues if "KEY_RECOMMENDED" not in issue.code}
    assert told <= {"SUSPICIOUSLY_SHORT_EVENT_DESIGN"}  # two events


def test_the_recording_is_that_of_the_run(done: tuple[Any, Any, Path]) -> None:
    func = done[2] / "sub-X" / "ses-Y" / "func"
    base = func / f"{STEM}_task-nback_run-2_recording-cardiac_physio"
    told = json.loads(base.with_name(f"{base.name}.json").read_text())
    rows = gzip.decompress(base.with_name(f"{base.name}.tsv.gz").read_bytes()).split(b"\n")
    first = round((46_980.9 - 4) / 0.0025)
    assert (told["StartTime"], told["SamplingFrequency"]) == (-4, 200)
    assert rows[0] == f"{first % 1000}\t0".encode()
    assert rows[800] == f"{(first + 1600) % 1000}\t1".encode()


def test_two_ways_give_the_same_bytes(
    done: tuple[Any, Any, Path], pulled: Path, tmp_path: Path
) -> None:
    shutil.copytree(pulled, tmp_path / "a place" / "pulled")
    listing = tmp_path / "a place" / "pulled" / "pulled.json"
    held = json.loads(listing.read_text())
    held["scans"].reverse()
    listing.write_text(json.dumps(held))
    assert whole_way(tmp_path / "a place" / "pulled", tmp_path)[1]["files"] == done[1]["files"]


def test_a_log_of_another_time_is_left_out_alone(tmp_path: Path) -> None:
    session = Pulled(tmp_path / "pulled")
    session.scan("task_rest", 4)
    log_series(session, "task_rest_PhysioLog", 50_000, "130110")
    rows = whole_way(session.folder, tmp_path)[0]["series"]
    assert [row["state"] for row in rows] == ["mapped", "failed"]
    assert rows[1]["reason"] == "its log: lies elsewhere in time than its run"


def test_a_log_is_of_the_run_and_not_of_its_reference_or_of_what_was_computed(
    tmp_path: Path,
) -> None:
    session = Pulled(tmp_path / "pulled")
    session.scan("rest_SBRef", 1)
    session.scan("task_rest", 4)
    session.scan("relCBF", ImageType=["DERIVED", "PRIMARY", "ASL", "RELCBF"])
    log_series(session, "task_rest_PhysioLog", 46_920.9, "130310")
    more = [
        {
            "match": {"series_description": "SBRef"},
            "to": "func/sbref",
            "entities": {"task": "rest"},
        },
        {"match": {"image_type": "RELCBF"}, "to": "derivatives/perf/cbf"},
    ]
    rows = whole_way(session.folder, tmp_path, [*RULES, *more])[0]["series"]
    assert [row["state"] for row in rows] == ["mapped"] * 4
    assert rows[3]["reason"] == "bids.mapping[1]; of scan 2"


def test_the_clock_of_a_log_may_be_in_another_time_zone(tmp_path: Path) -> None:
    session = Pulled(tmp_path / "pulled")
    session.scan("task_rest", 4)
    log_series(session, "task_rest_PhysioLog", 46_860.9 - 7200, "130110")
    rows = whole_way(session.folder, tmp_path)[0]["series"]
    assert [row["state"] for row in rows] == ["mapped", "mapped"]


def test_a_table_that_is_wrong_is_told_with_its_scan_row_and_column(tmp_path: Path) -> None:
    session = Pulled(tmp_path / "pulled")
    session.scan("task_rest", 4)
    session.scan("task_rest", 4)
    session.resource("events/rest_1.tsv", "onset\tduration\tkey\n1\t1\tleft\n")
    session.resource("events/rest_2.tsv", "onset\tduration\tkey\n1\t1\tDOE\n")
    with pytest.raises(DataError) as caught:
        whole_way(session.folder, tmp_path)
    assert str(caught.value) == (
        "series/002: bids.mapping[0].events: row 2, column 3: is none of the column's Levels"
    )


def test_two_recordings_never_share_a_name(tmp_path: Path) -> None:
    session = Pulled(tmp_path / "pulled")
    session.scan("task_rest", 4)
    log_series(session, "task_rest_PhysioLog", 46_860.9, "130110")
    pmu(session.folder / "resources" / "pmu" / "any.resp", [7, 8] * 200 * 300, 46_800)
    rows = whole_way(session.folder, tmp_path)[0]["series"]
    assert [row["state"] for row in rows] == ["mapped", "failed"]
    assert rows[1]["reason"] == "its log: another recording has its name; set `recording` for one"
    assert not rows[1]["files"]


def test_a_log_whose_run_is_of_another_kind_is_unmapped(tmp_path: Path) -> None:
    session = Pulled(tmp_path / "pulled")
    session.scan("task_rest", 4)
    session.scan("dti", 1)
    log_series(session, "dti_PhysioLog", 46_860.9, "130210")
    rows = whole_way(session.folder, tmp_path)[0]["series"]
    assert [row["state"] for row in rows] == ["mapped", "unmapped", "unmapped"]
    assert rows[2]["reason"] == "bids.mapping[1] takes it, but no func run goes with it"


@pytest.mark.parametrize(
    ("description", "state"), [("task_rest_PhysioLog", "mapped"), ("x_PhysioLog", "unmapped")]
)
def test_a_log_before_its_run_is_known_by_its_description(
    tmp_path: Path, description: str, state: str
) -> None:
    session = Pulled(tmp_path / "pulled")
    log_series(session, description, 46_920.9, "130000")
    session.scan("task_rest", 4)
    rows = whole_way(session.folder, tmp_path)[0]["series"]
    assert [row["state"] for row in rows] == [state, "mapped"]
