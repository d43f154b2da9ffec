"""The simulated study in localxnat, put there and read back through the xnat client."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import xnat

from demo.load import load
from localxnat.testing import running


@pytest.fixture(scope="module")
def loaded(
    generated: tuple[Path, Any], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path, Any]:
    """Study, archive and truth."""
    out, truth = generated
    root = tmp_path_factory.mktemp("loaded") / "root"
    assert load(out, root)
    return out, root, truth


@pytest.fixture(scope="module")
def project(loaded: tuple[Path, Path, Any]) -> Iterator[Any]:
    with (
        running(loaded[1]) as server,
        xnat.connect(
            server.url, user=server.user, password=server.password, loglevel="ERROR"
        ) as connection,
    ):
        yield connection.projects["DEMO"]


@pytest.fixture
def session(project: Any) -> Any:
    return next(iter(project.experiments.values()))


def test_a_folder_without_a_study_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="demo generate"):
        load(tmp_path, tmp_path / "root")


def test_a_second_load_changes_nothing(loaded: tuple[Path, Path, Any]) -> None:
    assert load(loaded[0], loaded[1]) == []


def test_the_scans_are_the_series(loaded: tuple[Path, Path, Any], session: Any) -> None:
    (subject,) = loaded[2]["subjects"].values()
    series = subject["sessions"][session.label]["series"]
    assert [(scan.id, scan.series_description) for scan in session.scans.values()] == [
        (str(one["number"]), one["description"]) for one in series
    ]
    files = {s.id: len(s.resources["DICOM"].files) for s in session.scans.values()}
    assert files == {str(one["number"]): one["volumes"] for one in series}


def test_demographics_and_notes_are_set(
    loaded: tuple[Path, Path, Any], project: Any, session: Any
) -> None:
    ((label, subject),) = loaded[2]["subjects"].items()
    demographics = project.subjects[label].demographics
    assert {name: getattr(demographics, name) for name in subject["demographics"]} == subject[
        "demographics"
    ]
    planted = {one["attribute"]: one["value"] for one in loaded[2]["identifiers"]}
    assert session.note == planted["session note"]
    assert planted["scan note"] in [scan.note for scan in session.scans.values()]


def test_events_and_the_questionnaire_are_resources(project: Any, session: Any) -> None:
    assert [file.path for file in session.resources["events"].files.values()] == ["fingertap.tsv"]
    files = project.resources["questionnaires"].files.values()
    assert {file.path for file in files} > {"phq9.csv", "phq9.json"}
