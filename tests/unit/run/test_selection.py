"""The records that a target stands for follow from the config and from the sessions."""

from pathlib import Path
from typing import Any

import pytest

from coil.analyses.definitions import Analysis
from coil.run import params
from coil.run.selection import Selection, expand
from coil.units import Unit, Units
from coil.workspace import Workspace

PUSH: dict[str, Any] = {
    "reports": False, "bids_resources": False, "assessor": False, "derivatives": [],
}  # fmt: skip
UNITS = Units([Unit("a", "1"), Unit("a", "2")])


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def analysis(name: str, level: Any) -> Analysis:
    return Analysis(name, Path("x.py"), "", None, level, None, {})


def selection(export: Any = "none", merged: tuple[str, ...] = (), **push: Any) -> Selection:
    settings = {"push": PUSH | push, "export": export}
    known = {one.name: one for one in (analysis("qc", "session"), analysis("mean", "project"))}
    names = ("study", "other")
    return Selection(
        dict.fromkeys(names, settings),
        dict.fromkeys(names, known),
        {"both": merged} if merged else {},
        {"study": UNITS, "other": Units()},
    )


def found(one: Selection, target: str) -> list[str]:
    """The records of the target in the study, without their folder."""
    records = one.of_target(target).get("study", [])
    return [path.removeprefix("results/study/records/") for path in records]


DATASET = ["sub-a_ses-1/admit.json", "sub-a_ses-2/admit.json", "project/questionnaires.json"]
ANALYSED = [*DATASET, "sub-a_ses-1/qc.json", "sub-a_ses-2/qc.json", "project/mean.json"]


def test_a_target_stands_for_the_records_of_all_that_it_rests_on() -> None:
    assert found(selection(), "bids") == DATASET
    assert found(selection(), "reports") == found(selection(), "all") == ANALYSED
    assert found(selection(), "push") == found(selection(), "export") == []
    assert selection().of_target("status") == {}


def test_what_the_config_pushes_has_records_of_its_sessions_or_of_the_project() -> None:
    sessions = ["sub-a_ses-1/push.json", "sub-a_ses-2/push.json"]
    assert found(selection(reports=True), "push") == [*ANALYSED, "project/push.json", *sessions]
    assert selection(derivatives=["mean"]).own_pushes("other") == [
        "results/other/records/project/push.json"
    ]
    assert found(selection(assessor=True), "push") == [*ANALYSED, *sessions]


def test_an_export_to_another_project_is_pushed_without_the_analyses() -> None:
    asked = found(selection({"to": "OTHER"}), "push")
    assert asked[: len(DATASET)] == DATASET
    assert asked[-1] == "project/withdraw_dicom.json"
    assert "sub-a_ses-2/export.json" in asked and "project/mean.json" not in asked


def test_an_export_that_was_switched_off_is_taken_out_once() -> None:
    assert selection().exports("study") == []
    Workspace().results("study").dicom.mkdir(parents=True)
    assert found(selection(), "export") == ["project/export.json"]


def test_a_merged_dataset_waits_for_all_its_projects() -> None:
    assert selection(merged=("study", "other")).mergeable == ["both"]
    assert selection(merged=("study", "lost")).mergeable == []
    assert [*selection(merged=("study", "lost")).of_target("merged")] == ["study"]


def test_a_pattern_stands_for_a_file_of_each_session() -> None:
    files = expand("<private>/{project}/<unit>.json", "study", UNITS)
    assert files == ["<private>/study/sub-a_ses-1.json", "<private>/study/sub-a_ses-2.json"]


def test_a_job_gets_no_setting_that_says_where_something_comes_from() -> None:
    kept = dict.fromkeys(("bids", "participants", "sessions", "phenotype", "deface"), "x")
    select = {"session_types": [], "scan_quality": [], "subjects": ["A"]}
    identity = {"subjects": "hmac", "secret_file": "/keys"}
    settings = {**kept, "select": select, "identity": identity, "push": 1, "export": 2, "x": 3}
    expected = {**kept, "select": {"session_types": [], "scan_quality": []}}
    expected |= {"identity": {"subjects": "hmac"}}
    assert params.dataset_settings(settings) == expected
    assert params.protection_settings(settings) == {**expected, "push": 1, "export": 2}
    assert params.value_of(settings, "identity", "subjects") == "hmac"
    assert params.value_of({"bids": None}, "bids", "authors") is None
