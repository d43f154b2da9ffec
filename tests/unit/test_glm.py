"""The first-level model: what it finds, what it refuses, the same bytes every time."""

import json
import shutil
from pathlib import Path

import msgspec
import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from nibabel.affines import apply_affine

from analyses import glm
from coil.errors import DataError
from coil.glm import design, model
from coil.records.analysis import Summary
from tests.support.nifti import nifti

TR, VOLUMES = 2.0, 90
PEAK = (6, 12, 6)
AFFINE = np.diag([-4.0, 4.0, 4.0, 1.0])
AFFINE[:3, 3] = (50, -40, -20)
PARAMS = {
    "task": "tap",
    "contrasts": {},
    "hrf": "spm",
    "high_pass_s": 128,
    "smoothing_mm": 6,
    "alpha": 0.05,
    "cluster_mm3": 500,
    "spikes": {"framewise_displacement": 0.5},
}


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A dataset with one run, in which one place follows `tap` and none `tone`, and its motion."""
    bids = tmp_path_factory.mktemp("glm") / "bids"
    func = bids / "sub-a" / "ses-b" / "func"
    motion = bids.parent / "qc"
    func.mkdir(parents=True)
    (motion / "sub-a" / "ses-b" / "func").mkdir(parents=True)
    rng = np.random.default_rng(3)
    grid = np.moveaxis(np.indices((24, 24, 14)), 0, -1).astype(float)
    ball = np.linalg.norm((grid - (11.5, 11.5, 6.5)) / (10, 10, 6), axis=-1) < 1
    onsets = np.arange(6, 160, 40.0)
    times = np.arange(VOLUMES) * TR + TR / 2
    active = np.zeros(VOLUMES)
    for onset in onsets:
        active[(times > onset + 5) & (times < onset + 16)] = 1
    place = np.exp(-(np.linalg.norm(grid - PEAK, axis=-1) ** 2) / 6)
    series = 1000.0 * ball[..., None] * (1 + 0.04 * place[..., None] * active)
    series += rng.normal(0, 8, series.shape)
    base = "sub-a_ses-b_task-tap"
    nib.Nifti1Image(series.astype(np.float32), AFFINE).to_filename(func / f"{base}_bold.nii.gz")
    (func / f"{base}_bold.json").write_text(json.dumps({"RepetitionTime": TR}))
    rows = [f"{t:g}\t10\ttap\n{t + 20:g}\t10\ttone" for t in onsets]
    (func / f"{base}_events.tsv").write_text("\n".join(["onset\tduration\ttrial_type", *rows]))
    table = pd.DataFrame(rng.normal(0, 0.02, (VOLUMES, 6)), columns=pd.Index(design.MOTION))
    table["framewise_displacement"] = np.where(np.arange(VOLUMES) == 30, 2.0, 0.1)
    name = f"{base}_desc-motion_timeseries.tsv"
    table.to_csv(motion / "sub-a" / "ses-b" / "func" / name, sep="\t", index=False)
    return bids, motion


def modelled(session: tuple[Path, Path], out: Path, **params: object) -> dict:
    return as_json(glm.run(*session, "a", "b", PARAMS | params, out))


def as_json(summary: Summary) -> dict:
    """A summary as the script writes it."""
    return json.loads(json.dumps(msgspec.to_builtins(summary)))


@pytest.fixture(scope="module")
def done(session: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    """The model of that run: its folder and its summary."""
    out = tmp_path_factory.mktemp("modelled")
    return out, modelled(session, out)


def test_the_planted_place_is_found_and_nothing_where_nothing_is(done: tuple[Path, dict]) -> None:
    numbers = done[1]["numbers"]
    assert numbers["task-tap: tap, clusters"] == 1
    assert numbers["task-tap: tone, clusters"] == 0
    found = [float(v) for v in numbers["task-tap: tap, peak at (mm)"].split(",")]
    planted = apply_affine(AFFINE, PEAK)
    assert np.linalg.norm(np.array(found) - planted) < 6


def test_maps_lie_where_the_run_lies(done: tuple[Path, dict]) -> None:
    (path,) = done[0].rglob("*_contrast-tap_stat-z_statmap.nii.gz")
    image = nifti(path)
    assert np.allclose(image.affine, AFFINE)
    assert image.shape == (24, 24, 14)


def test_two_runs_of_the_model_give_the_same_bytes(
    session: tuple[Path, Path], done: tuple[Path, dict], tmp_path: Path
) -> None:
    modelled(session, tmp_path)
    one, two = (
        {path.relative_to(out): path.read_bytes() for path in out.rglob("*.*")}
        for out in (done[0], tmp_path)
    )
    assert one == two


def test_a_difference_of_conditions_is_a_contrast(
    session: tuple[Path, Path], tmp_path: Path
) -> None:
    summary = modelled(session, tmp_path, contrasts={"tap - tone": "tap - tone"})
    assert next(iter(summary["numbers"])) == "task-tap: tap - tone, clusters"
    assert list(tmp_path.rglob("*_contrast-tapTone_clusters.tsv"))


def test_a_volume_beyond_the_limits_gets_a_regressor_of_its_own(done: tuple[Path, dict]) -> None:
    (path,) = done[0].rglob("*_design.tsv")
    table = pd.read_csv(path, sep="\t")
    assert table["spike_0030"].to_list() == [float(v == 30) for v in range(VOLUMES)]


def test_a_session_without_the_task_is_skipped(session: tuple[Path, Path], tmp_path: Path) -> None:
    assert modelled(session, tmp_path, task="rest") == {"skipped": "no run of the task rest"}


def test_a_contrast_of_an_unknown_condition_names_those_that_there_are(
    session: tuple[Path, Path], tmp_path: Path
) -> None:
    summary = modelled(session, tmp_path, contrasts={"toe": "toe - tap"})
    assert summary["problem"] == (
        "1 of 1 runs: sub-a_ses-b_task-tap_bold.nii.gz: contrast toe: no event has the trial type "
        "toe; the run has tap, tone"
    )


def test_a_run_without_measured_motion_is_told_and_leaves_nothing(
    session: tuple[Path, Path], tmp_path: Path
) -> None:
    summary = as_json(glm.run(session[0], tmp_path / "none", "a", "b", PARAMS, tmp_path / "out"))
    assert "it has no head motion; let `qc` measure the session first" in summary["problem"]
    assert not list((tmp_path / "out").rglob("*.*"))


def test_a_run_that_moved_most_of_the_time_is_not_modelled(
    session: tuple[Path, Path], tmp_path: Path
) -> None:
    summary = modelled(session, tmp_path, spikes={"framewise_displacement": 0.05})
    assert "90 of 90 volumes are beyond params.spikes" in summary["problem"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("onset\tduration\n1\t2", "no column trial_type"),
        ("onset\tduration\ttrial_type\n1\t2\tn/a", "names no event with a trial type"),
        ("onset\tduration\ttrial_type\nsoon\t2\ttap", "a time that is no number"),
    ],
)
def test_events_that_cannot_be_modelled_are_told(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "events.tsv"
    path.write_text(text)
    with pytest.raises(DataError, match=told):
        design.read_events(path)


def test_the_threshold_is_that_of_bonferroni() -> None:
    assert model.threshold(20_000, 0.05) == pytest.approx(4.708, abs=1e-3)


def test_a_cluster_too_small_does_not_count_and_negative_ones_do() -> None:
    z = np.zeros((9, 9, 9))
    z[1, 1, 1] = 9
    z[5:8, 5:8, 5:8] = -6
    z[6, 6, 6] = -7
    passed, clusters = model.clusters(z, np.diag([2.0, 2.0, 2.0, 1.0]), 5, 100)
    assert [(one.z, one.peak_mm, one.size_mm3) for one in clusters] == [(-7, (12, 12, 12), 216)]
    assert passed.sum() == 27


def test_a_damaged_run_does_not_hold_up_the_others(
    session: tuple[Path, Path], tmp_path: Path
) -> None:
    bids = tmp_path / "bids"
    shutil.copytree(session[0], bids)
    func = bids / "sub-a" / "ses-b" / "func"
    (path,) = func.glob("*_bold.nii.gz")
    for file in list(func.iterdir()):
        shutil.copy(file, func / file.name.replace("task-tap_", "task-tap_run-9_"))
    data = bytearray(path.read_bytes())
    data[40:400] = bytes(360)
    (func / "sub-a_ses-b_task-tap_run-9_bold.nii.gz").write_bytes(data)
    summary = modelled((bids, session[1]), tmp_path / "out")
    assert summary["problem"].startswith("1 of 2 runs: sub-a_ses-b_task-tap_run-9_bold.nii.gz: ")
    assert summary["numbers"]["task-tap: tap, clusters"] == 1


def test_a_run_without_a_repetition_time_says_so(
    session: tuple[Path, Path], tmp_path: Path
) -> None:
    bids = tmp_path / "bids"
    shutil.copytree(session[0], bids)
    (sidecar,) = bids.rglob("*_bold.json")
    sidecar.write_text("{}")
    summary = modelled((bids, session[1]), tmp_path / "out")
    assert "its sidecar has no RepetitionTime" in summary["problem"]
