"""One invocation from an archive to pushed reports."""

import gzip
import stat
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import requests
from scipy.ndimage import gaussian_filter
from scipy.stats import gamma

from coil.files import md5, read_json
from tests.support.nifti import nifti
from tests.workflow.lab import Lab, Run

pytestmark = pytest.mark.workflow


@pytest.fixture(scope="module")
def lab(first_run: tuple[Lab, Run]) -> Lab:
    return first_run[0]


@pytest.fixture(scope="module")
def run(first_run: tuple[Lab, Run]) -> Run:
    return first_run[1]


@pytest.fixture(scope="module")
def truth(study: Path) -> dict:
    return read_json(study / "truth.json")


def series(lab: Lab, state: str) -> list[dict]:
    return [row for record in lab.records() for row in record["series"] if row["state"] == state]


def test_every_session_is_done(lab: Lab, run: Run) -> None:
    assert run.status == 0, run.output
    assert [(r["state"], r["reason"]) for r in lab.records()] == [("done", None)] * 2
    assert "study: 2 of 2 sessions done" in run.output


def test_the_dataset_has_no_validator_error(lab: Lab, run: Run) -> None:
    verdict = read_json(lab.results / "validation.json")
    assert verdict["errors"] == 0, verdict["issues"]
    assert "valid BIDS: 0 errors" in run.output


def test_the_derivatives_have_no_validator_error(lab: Lab) -> None:
    verdict = read_json(lab.results / "derivatives" / "qc.json")
    assert verdict["errors"] == 0, verdict["issues"]


def test_every_series_ends_in_the_state_that_it_was_made_for(lab: Lab, truth: dict) -> None:
    for label, session in sessions(truth):
        rows = {row["scan"]: row["state"] for row in lab.record(lab.unit_of(label))["series"]}
        assert rows == {str(made["number"]): made["state"] for made in session["series"]}


def test_the_aborted_run_is_left_out_and_said_to_be(lab: Lab, run: Run) -> None:
    (aborted,) = series(lab, "incomplete")
    assert aborted["files"] == []
    assert aborted["volumes"] < aborted["expected"]
    assert "incomplete" in run.output


def test_the_series_that_no_rule_takes_is_reported(lab: Lab, run: Run) -> None:
    (unmapped,) = series(lab, "unmapped")
    page = next(
        lab.results / "reports" / f"{unit}.html"
        for unit in lab.units()
        if unmapped in lab.record(unit)["series"]
    )
    for place in (run.output, page.read_text(), (lab.results / "reports/index.html").read_text()):
        assert unmapped["description"] in place


def test_the_questionnaire_is_keyed_by_participants(lab: Lab) -> None:
    lines = (lab.results / "bids/phenotype/phq9.tsv").read_text().splitlines()
    participants = (lab.results / "bids/participants.tsv").read_text().splitlines()
    assert lines[0].startswith("participant_id\t")
    assert [line.split("\t")[0] for line in lines] == [line.split("\t")[0] for line in participants]


def test_measured_head_motion_is_the_simulated_motion(lab: Lab, truth: dict) -> None:
    for label, session in sessions(truth):
        run = task_run(session)
        measured = motion_table(lab, lab.unit_of(label))["framewise_displacement"]
        error = np.abs(measured - run["framewise_displacement"])
        # Half of a planted volume's slices lost signal, another one jumped: harder to tell.
        planted = [
            event["volume"] + after
            for events in run["planted"].values()
            for event in events
            for after in (0, 1)
        ]
        assert error.drop(planted).max() < 0.1
        assert error[planted].max() < 0.3 if planted else True
        assert error.mean() < 0.05


def test_the_activation_is_where_it_was_put(lab: Lab, truth: dict) -> None:
    for label, session in sessions(truth):
        unit = lab.unit_of(label)
        folder = lab.results / "bids" / Path(*unit.split("_")) / "func"
        image = nifti(next(folder.glob("*_bold.nii.gz")))
        events = pd.read_csv(next(folder.glob("*_events.tsv")), sep="\t")
        peak = contrast_peak(image, events, motion_table(lab, unit))
        put = task_run(session)["activation"]["peaks"][0]["scanner_mm"]
        assert np.linalg.norm(peak - put) < 8  # two voxels


def test_a_second_invocation_has_nothing_to_do_and_says_so(finished: Lab) -> None:
    again = finished.snakemake()
    assert again.status == 0
    assert again.jobs == Counter()
    assert "2 sessions in the archive (nothing new)" in again.output
    assert "Nothing to be done" in again.output
    assert again.output.count("study: 2 of 2 sessions done") == 1


def test_what_was_pushed_lies_in_the_archive_with_the_same_bytes(finished: Lab) -> None:
    server = finished.server
    assert server
    login = (server.user, server.password)
    for unit in finished.units():
        receipt = finished.record(unit, "push")
        assert receipt["state"] == "done"
        page = finished.results / "reports" / f"{unit}.html"
        assert receipt["files"]["report.html"] == md5(page)
    everything = requests.get(
        f"{server.url}/data/projects/DEMO/experiments?format=json", auth=login, timeout=20
    ).json()["ResultSet"]["Result"]
    pushed = set()
    for session in everything:
        url = f"{server.url}/data/experiments/{session['ID']}/resources/coil/files/report.html"
        pushed.add(requests.get(url, auth=login, timeout=20).text)
    assert pushed == {(p).read_text() for p in (finished.results / "reports").glob("sub-*.html")}


def test_no_planted_identifier_is_published(lab: Lab, study: Path, truth: dict) -> None:
    planted = {str(entry["value"]).lower().encode() for entry in truth["identifiers"]}
    assert len(planted) > 20
    for path in lab.published():
        data = path.read_bytes()
        if path.suffix == ".gz":
            data += gzip.decompress(data)
        found = [value for value in planted if value in (str(path).encode() + data).lower()]
        assert not found, f"{path.relative_to(lab.work)}: {found}"


def test_the_search_for_planted_identifiers_can_see(study: Path, truth: dict) -> None:
    held = b"".join(p.read_bytes() for p in (study / "dicom").rglob("*.dcm")).lower()
    beside = b"".join(p.read_bytes() for p in (study / "archive").rglob("*") if p.is_file()).lower()
    names = " ".join(str(p) for p in study.rglob("*")).lower().encode()
    for entry in truth["identifiers"]:
        assert str(entry["value"]).lower().encode() in held + beside + names


def test_nothing_identified_is_left_behind(lab: Lab) -> None:
    assert [path.name for path in (lab.work / "quarantine").iterdir()] == [".keep"]
    for name in ("private", "quarantine"):
        assert stat.S_IMODE((lab.work / name).stat().st_mode) == 0o700
    for path in (lab.work / "private").rglob("*"):
        if path.is_file() and path.stat().st_size:  # Snakemake's own marks are empty
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_faces_are_removed_and_said_to_be(lab: Lab) -> None:
    for record in lab.records():
        (image,) = record["deface"]
        assert image["state"] == "defaced"
        assert image["file"].endswith("_T1w.nii.gz")


def test_the_status_table_has_a_row_for_every_session(lab: Lab) -> None:
    header, *rows = (lab.results / "status.tsv").read_text().splitlines()
    assert header.startswith("subject\tsession\tstate\tmapped")
    assert [row.split("\t")[2] for row in rows] == ["done", "done"]


def test_status_answers_without_the_archive(first_run: tuple[Lab, Run]) -> None:
    lab = first_run[0]
    shown = lab.snakemake("status")
    assert shown.status == 0
    assert shown.output.count("study: 2 of 2 sessions done") == 1


def sessions(truth: dict) -> list[tuple[str, dict]]:
    """Label and truth of every session."""
    return [pair for subject in truth["subjects"].values() for pair in subject["sessions"].items()]


def task_run(session: dict) -> dict:
    """The truth of a session's complete task run."""
    (run,) = [s for s in session["series"] if "activation" in s and s["state"] == "mapped"]
    return run


def motion_table(lab: Lab, unit: str) -> pd.DataFrame:
    folder = lab.results / "derivatives" / "qc" / Path(*unit.split("_")) / "func"
    return pd.read_csv(next(folder.glob("*_desc-motion_timeseries.tsv")), sep="\t")


def contrast_peak(image: Any, events: pd.DataFrame, motion: pd.DataFrame) -> np.ndarray:
    """Where task against tone peaks, in scanner mm: least squares on smoothed volumes."""
    volumes = np.moveaxis(image.get_fdata(), -1, 0)
    data = np.stack([gaussian_filter(volume, 1) for volume in volumes])
    times = np.arange(len(data)) * float(image.header.get_zooms()[3])
    response = gamma.pdf(np.arange(0, 30, 0.1), 6)

    def regressor(kind: str) -> np.ndarray:
        fine = np.zeros(int(times[-1] * 10) + 400)
        shown = events[events.trial_type == kind]
        for onset, duration in zip(shown["onset"], shown["duration"], strict=True):
            fine[int(onset * 10) : int((onset + duration) * 10)] = 1
        return np.convolve(fine, response)[(times * 10).astype(int)] / 10

    moved = motion[["trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z"]].to_numpy()
    drift = np.vander(np.linspace(-1, 1, len(data)), 3)
    design = np.column_stack([regressor("tap"), regressor("tone"), drift, moved - moved.mean(0)])
    flat = data.reshape(len(data), -1)
    betas, *_ = np.linalg.lstsq(design, flat, rcond=None)
    residual = np.sqrt(((flat - design @ betas) ** 2).mean(0))
    brain = flat.mean(0) > 0.3 * flat.mean(0).max()
    score = np.where(brain, (betas[0] - betas[1]) / np.maximum(residual, 1e-6), 0)
    voxel = np.unravel_index(score.argmax(), data.shape[1:])
    return (image.affine @ [*voxel, 1])[:3]
