"""The simulated images after dcm2niix: geometry, metadata, motion and activation."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nibabel.affines import apply_affine
from numpy.typing import NDArray
from scipy import ndimage

from demo.bold import Event, response
from demo.motion import framewise_displacement, head_motion, rigid

Array = NDArray[np.floating]
DCM2NIIX = Path(sys.executable).with_name("dcm2niix")


@dataclass
class Converted:
    """A series, its truth, and what dcm2niix made of it."""

    truth: dict[str, Any]
    image: Any  # nibabel's
    sidecar: dict[str, Any]
    stem: Path

    @property
    def data(self) -> Array:
        return self.image.get_fdata(dtype=np.float32)


@dataclass
class Study:
    out: Path
    series: dict[int, Converted]

    def of(self, description: str) -> list[Converted]:
        return [s for s in self.series.values() if s.truth["description"] == description]


@pytest.fixture(scope="module")
def study(generated: tuple[Path, Any], tmp_path_factory: pytest.TempPathFactory) -> Study:
    """One session with every special case, all but its localizer converted."""
    out, truth = generated
    (subject,) = truth["subjects"].values()
    (session,) = subject["sessions"].values()
    nifti = tmp_path_factory.mktemp("nifti")
    series = {}
    for one in session["series"][1:]:
        stem = nifti / str(one["number"])
        command = [str(DCM2NIIX), "-b", "y", "-z", "n", "-f", stem.name, "-o", str(nifti)]
        subprocess.run([*command, str(out / one["folder"])], check=True, capture_output=True)
        image = nib.Nifti1Image.from_filename(stem.with_suffix(".nii"))
        sidecar = json.loads(stem.with_suffix(".json").read_text())
        series[one["number"]] = Converted(one, image, sidecar, stem)
    assert len(list(nifti.glob("*.nii"))) == len(series), "a series was split"
    return Study(out, series)


@pytest.fixture(scope="module")
def run(study: Study) -> Converted:
    """The whole run of the task."""
    return study.of("fmri_task-fingertap")[-1]


def test_each_series_is_one_image_with_the_volumes_of_the_truth(study: Study) -> None:
    for one in study.series.values():
        shape = one.image.shape
        assert sorted(shape[:3]) == sorted(one.truth["shape"])
        assert (shape[3] if len(shape) > 3 else 1) == one.truth["volumes"]


def test_each_image_lies_where_the_truth_puts_it(study: Study) -> None:
    for one in study.series.values():
        expected = nib.Nifti1Image(
            np.zeros(one.truth["shape"], np.uint8), np.array(one.truth["affine"])
        )
        first = one.image.slicer[..., :1] if one.image.ndim > 3 else one.image
        np.testing.assert_allclose(
            nib.as_closest_canonical(first).affine,
            nib.as_closest_canonical(expected).affine,
            atol=1e-3,
        )


def test_times_angles_and_the_phase_encoding_come_out_of_the_headers(study: Study) -> None:
    for one in study.series.values():
        assert {"RepetitionTime", "EchoTime", "FlipAngle"} <= set(one.sidecar)
        if "phase_encoding" in one.truth:
            assert one.sidecar["PhaseEncodingDirection"] == one.truth["phase_encoding"]
            assert one.sidecar["TotalReadoutTime"] == pytest.approx(0.0307, abs=1e-4)


def test_slice_times_and_the_repetition_time_are_the_truths(run: Converted) -> None:
    assert run.sidecar["RepetitionTime"] == run.truth["repetition_time"]
    assert run.sidecar["SliceTiming"] == pytest.approx(run.truth["slice_times"], abs=1e-3)


def test_b_values_and_directions_are_the_truths(study: Study) -> None:
    (dwi,) = study.of("dwi_b1000_12dir")
    assert np.loadtxt(dwi.stem.with_suffix(".bval")).tolist() == dwi.truth["b_values"]
    axes = dwi.image.affine[:3, :3] / np.linalg.norm(dwi.image.affine[:3, :3], axis=0)
    expected = axes.T @ np.array(dwi.truth["directions_scanner"]).T
    assert np.linalg.det(axes) < 0  # else FSL's convention would turn the first axis round
    np.testing.assert_allclose(np.loadtxt(dwi.stem.with_suffix(".bvec")), expected, atol=1e-4)


def test_diffusion_weighting_takes_signal_away(study: Study) -> None:
    (dwi,) = study.of("dwi_b1000_12dir")
    brain = dwi.data[..., 0] > 600
    means = dwi.data[brain].mean(axis=0)
    assert means[2:].max() < 0.7 * means[:2].min()


def test_the_pair_of_opposite_directions_differs_above_the_nose_and_not_at_the_back(
    study: Study,
) -> None:
    (forward,), (backward,) = study.of("se_epi_AP"), study.of("se_epi_PA")
    difference = np.abs(forward.data[..., 0] - backward.data[..., 0])
    half = difference.shape[1] // 2
    assert difference[:, half:].mean() > 2 * difference[:, :half].mean()


def test_the_derived_map_says_so(study: Study) -> None:
    (adc,) = study.of("dwi_b1000_12dir_ADC")
    assert adc.sidecar["ImageType"][:4] == ["DERIVED", "PRIMARY", "DIFFUSION", "ADC"]


def test_a_rigid_fit_to_the_images_finds_the_motion_of_the_truth(run: Converted) -> None:
    data = ndimage.gaussian_filter(run.data, (1, 1, 1, 0))
    reference = data[..., 0]
    places = np.argwhere(reference > 300)
    inside = tuple(places.T)
    scanner = apply_affine(run.image.affine, places)
    to_mm = np.linalg.inv(run.image.affine[:3, :3])
    slopes = np.stack(tuple(np.gradient(reference)), axis=-1)[inside] @ to_mm
    basis = np.concatenate([-slopes, -np.cross(scanner, slopes)], axis=1)
    basis = np.column_stack([basis, reference[inside]])  # and the slow drift of the signal
    fits = [
        np.linalg.lstsq(basis, (data[..., v] - reference)[inside], rcond=None)[0][:6]
        for v in range(data.shape[-1])
    ]
    error = np.array(fits) - np.array(run.truth["motion"])
    error = np.delete(error, [e["volume"] for e in run.truth["planted"]["signal_drops"]], axis=0)
    assert np.abs(error[:, :3]).mean() < 0.05
    assert np.abs(error[:, 3:]).mean() * 50 < 0.05


def test_tapping_is_found_in_the_mask_and_the_tones_are_not(study: Study, run: Converted) -> None:
    volumes = run.image.shape[3]
    times = np.arange(volumes) * run.truth["repetition_time"] + 1.0
    events = [Event(**event) for event in run.truth["events"]]
    motion = np.array(run.truth["motion"])
    drops = np.zeros(volumes)
    drops[[drop["volume"] for drop in run.truth["planted"]["signal_drops"]]] = 1
    trend = np.linspace(-1, 1, volumes)
    design = np.column_stack(
        [response(events, c, times) for c in ("tap", "tone")]
        + [np.ones(volumes), trend, trend**2, drops, motion - motion.mean(axis=0)]
    )
    mask_image: Any = nib.Nifti1Image.from_filename(study.out / run.truth["activation"]["mask"])
    np.testing.assert_allclose(mask_image.affine, run.image.affine, atol=1e-3)
    mask = mask_image.get_fdata() > 0
    mean = run.data[mask].mean(axis=0)
    estimate = np.linalg.lstsq(design, mean / mean.mean(), rcond=None)[0]
    assert estimate[0] == pytest.approx(0.022, abs=0.006)
    assert abs(estimate[1]) < 0.004
    centre = apply_affine(run.image.affine, np.argwhere(mask)).mean(axis=0)
    peak = run.truth["activation"]["peaks"][0]["scanner_mm"]
    assert np.linalg.norm(centre - peak) < 4


def test_planted_events_stand_out(run: Converted) -> None:
    displacement = np.array(run.truth["framewise_displacement"])
    (jump,) = run.truth["planted"]["motion_jumps"]
    (drop,) = run.truth["planted"]["signal_drops"]
    assert displacement.argmax() == jump["volume"]
    assert run.data.mean(axis=(0, 1, 2)).argmin() == drop["volume"]


def test_the_displacement_of_the_truth_follows_from_its_motion(study: Study) -> None:
    for run in study.of("fmri_task-fingertap"):
        np.testing.assert_allclose(
            framewise_displacement(np.array(run.truth["motion"])),
            run.truth["framewise_displacement"],
            atol=1e-3,
        )


def test_a_turn_of_one_degree_is_an_arc_of_fifty_millimetres_radius() -> None:
    still = np.zeros((3, 6))
    still[1:, 4] = np.radians(1)
    still[2, 0] = -0.5
    np.testing.assert_allclose(framewise_displacement(still), [0, np.pi * 50 / 180, 0.5])


@given(st.lists(st.floats(-0.5, 0.5), min_size=6, max_size=6))
def test_a_rigid_motion_keeps_distances(parameters: list[float]) -> None:
    matrix = rigid(np.array(parameters))
    np.testing.assert_allclose(matrix[:3, :3].T @ matrix[:3, :3], np.eye(3), atol=1e-12)
    np.testing.assert_allclose(matrix[:3, 3], parameters[:3])


@given(st.integers(0, 50), st.integers(2, 80))
def test_motion_starts_from_rest(seed: int, volumes: int) -> None:
    motion = head_motion(np.random.default_rng(seed), volumes, {})
    assert motion.shape == (volumes, 6)
    assert not motion[0].any()
    assert framewise_displacement(motion).max() < 0.5
