"""The simulated study: what it holds, and that it is the same each time."""

import csv
import hashlib
import json
from pathlib import Path
from typing import Any

import pydicom
import pytest

from demo import people
from demo.study import generate


def _digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def series(generated: tuple[Path, Any]) -> list[dict[str, Any]]:
    (subject,) = generated[1]["subjects"].values()
    (session,) = subject["sessions"].values()
    return session["series"]


def test_the_same_seed_gives_the_same_bytes_in_another_place(
    generated: tuple[Path, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    generate(Path("elsewhere"), subjects=1, sessions=1)
    assert _digests(tmp_path / "elsewhere") == _digests(generated[0])


def test_the_truth_on_disk_is_what_generate_returned(generated: tuple[Path, Any]) -> None:
    out, truth = generated
    assert json.loads((out / "truth.json").read_text()) == json.loads(json.dumps(truth))


def test_a_folder_with_something_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    with pytest.raises(FileExistsError, match="not empty"):
        generate(tmp_path)


@pytest.mark.parametrize("subjects, sessions", [(0, 1), (9, 1), (1, 0), (1, 10)])
def test_sizes_out_of_range_are_refused(tmp_path: Path, subjects: int, sessions: int) -> None:
    with pytest.raises(ValueError, match="1 to"):
        generate(tmp_path / "out", subjects=subjects, sessions=sessions)


def test_the_smallest_study_holds_every_state(series: list[dict[str, Any]]) -> None:
    states = {one["state"] for one in series}
    assert states == {"mapped", "ignored", "derived", "incomplete", "unmapped"}


def test_the_aborted_run_comes_before_its_repetition(series: list[dict[str, Any]]) -> None:
    aborted, repeated = [one for one in series if one["description"] == "fmri_task-fingertap"]
    assert aborted["volumes"] < aborted["volumes_expected"] == repeated["volumes"]
    assert aborted["number"] < repeated["number"]
    assert aborted["acquired"] < repeated["acquired"]


def test_each_series_has_as_many_files_as_volumes(
    generated: tuple[Path, Any], series: list[dict[str, Any]]
) -> None:
    for one in series:
        assert len(list((generated[0] / one["folder"]).glob("*.dcm"))) == one["volumes"]


def test_every_identifier_of_the_list_is_in_a_header_or_in_the_archives_notes(
    generated: tuple[Path, Any],
) -> None:
    out, truth = generated
    headers = b"".join(
        next(folder.glob("*.dcm")).read_bytes() for folder in sorted((out / "dicom").glob("*/*/*"))
    )
    archive = (out / "archive" / "archive.json").read_bytes()
    for planted in truth["identifiers"]:
        place = headers if planted["where"] == "DICOM" else archive
        assert planted["value"].encode() in place, planted["attribute"]


def test_uids_tie_the_files_of_a_session_together(generated: tuple[Path, Any]) -> None:
    paths = sorted((generated[0] / "dicom").rglob("*.dcm"))
    headers = [pydicom.dcmread(path, stop_before_pixels=True) for path in paths]
    assert len({header.StudyInstanceUID for header in headers}) == 1
    assert len({header.FrameOfReferenceUID for header in headers}) == 1
    assert len({header.SOPInstanceUID for header in headers}) == len(paths)
    series = {(path.parent, h.SeriesInstanceUID) for path, h in zip(paths, headers, strict=True)}
    assert len(series) == len({folder for folder, _ in series}) == len({u for _, u in series})


def test_acquisition_times_go_on_from_file_to_file(generated: tuple[Path, Any]) -> None:
    times = [
        pydicom.dcmread(path, specific_tags=["AcquisitionDateTime"]).AcquisitionDateTime
        for path in sorted((generated[0] / "dicom").rglob("*.dcm"))
    ]
    assert times == sorted(times)
    assert len(set(times)) == len(times)


def test_the_questionnaire_has_a_row_a_subject_and_a_dictionary_for_each_column(
    generated: tuple[Path, Any],
) -> None:
    folder = generated[0] / "archive" / "questionnaires"
    rows = list(csv.DictReader((folder / "phq9.csv").open()))
    dictionary = json.loads((folder / "phq9.json").read_text())
    assert [row["subject"] for row in rows] == list(generated[1]["subjects"])
    assert set(rows[0]) - {"subject"} == set(dictionary) - {"MeasurementToolMetadata"}


def test_labels_hold_names_and_differ() -> None:
    everyone = people.people(people.MOST_SUBJECTS)
    visits = [visit for person in everyone for visit in people.visits(person, 2)]
    assert all(visit.person.surname in visit.label for visit in visits)
    assert len({visit.label for visit in visits}) == len(visits)
    assert len({visit.study_uid for visit in visits}) == len(visits)
