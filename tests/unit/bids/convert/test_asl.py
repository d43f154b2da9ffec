"""What is beside an ASL run comes from its headers, where they tell it for certain."""

import json
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from coil.bids import outputs
from coil.bids.convert import asl
from tests.support.bids import MATRIX, SLICES, Pulled
from tests.support.nifti import nifti

LABELS = ["CONTROL", "LABEL", "CONTROL", "LABEL", "M_ZERO_SCAN"]


def label(data: Dataset, value: str, vendor: str) -> None:
    if vendor == "philips":
        data.private_block(0x2005, "Philips MR Imaging DD 005", create=True).add_new(
            0x29, "CS", value
        )
    else:
        context = Dataset()
        context.ASLContext = value
        data.MRArterialSpinLabelingSequence = [context]


def run(folder: Path, vendor: str, order: list[int]) -> tuple[Path, Path]:
    """A series of labelled slices, and an image with its volumes in an order of its own."""
    series = Pulled(folder).scan("asl", len(LABELS))
    voxels = np.zeros((MATRIX, MATRIX, SLICES, len(order)), np.int16)
    for number, path in enumerate(sorted(series.iterdir())):
        volume, place = divmod(number, SLICES)
        data = dcmread(path)
        label(data, LABELS[volume], vendor)
        data.save_as(path)
        if volume in order:
            voxels[..., place, order.index(volume)] = data.pixel_array[::-1].T
    image = folder / "perf" / "sub-X_ses-Y_asl.nii.gz"
    image.parent.mkdir()
    nib.save(nib.Nifti1Image(voxels, np.eye(4)), image)
    return series, image


@pytest.mark.parametrize("vendor", ["philips", "standard"])
@pytest.mark.parametrize("order", [[0, 1, 2, 3, 4], [4, 0, 2, 1, 3], [1, 3]])
def test_the_volumes_are_told_by_the_frames_that_they_are_made_of(
    tmp_path: Path, vendor: str, order: list[int]
) -> None:
    told = {"CONTROL": "control", "LABEL": "label", "M_ZERO_SCAN": "m0scan"}
    found = asl.volume_types(*run(tmp_path, vendor, order))
    assert found == tuple(told[LABELS[volume]] for volume in order)


def test_frames_in_one_file_are_told_apart(tmp_path: Path) -> None:
    series, image = run(tmp_path, "standard", [0, 1])
    paths = sorted(series.iterdir())
    data, frames, pixels = Dataset(), [], b""
    for path in paths:
        data = dcmread(path)
        frames.append(Dataset())
        frames[-1].MRArterialSpinLabelingSequence = data.MRArterialSpinLabelingSequence
        pixels += data.PixelData
        path.unlink()
    del data.MRArterialSpinLabelingSequence
    data.PerFrameFunctionalGroupsSequence, data.NumberOfFrames = frames, len(frames)
    data.PixelData = pixels
    data.save_as(paths[0])
    assert asl.volume_types(series, image) == ("control", "label")


def test_nothing_is_told_where_a_volume_is_not_certain(tmp_path: Path) -> None:
    series, image = run(tmp_path, "philips", [0, 1])
    changed = np.asarray(nifti(image).dataobj)
    changed[..., 1] += 1
    nib.save(nib.Nifti1Image(changed, np.eye(4)), image)
    assert asl.volume_types(series, image) == ()


@pytest.mark.parametrize("what", ["a label", "pixels"])
def test_nothing_is_told_where_a_file_lacks(tmp_path: Path, what: str) -> None:
    series, image = run(tmp_path, "philips", [0, 1])
    path = sorted(series.iterdir())[0]
    data = dcmread(path)
    if what == "a label":
        del data[data.private_block(0x2005, "Philips MR Imaging DD 005").get_tag(0x29)]
    else:
        del data.PixelData
    data.save_as(path)
    assert asl.volume_types(series, image) == ()


def made(session: Path, name: str, start: str, **sidecar: Any) -> asl.Run:
    image = session / "perf" / f"sub-X_ses-Y_{name}.nii.gz"
    image.parent.mkdir(parents=True, exist_ok=True)
    image.touch()
    outputs.sidecar(image).write_text(json.dumps(sidecar))
    return asl.Run(name.rpartition("_")[2], [image], f"2024-05-01T{start}")


def meta(run: asl.Run) -> dict[str, Any]:
    return json.loads(outputs.sidecar(run.files[0]).read_text())


def test_the_sidecar_says_what_the_volumes_say(tmp_path: Path) -> None:
    one = made(tmp_path, "asl", "13:00:00", EchoTime=0.01)
    asl.describe(one.files, ("m0scan", "label", "control", "label"))
    assert meta(one) == {"EchoTime": 0.01, "M0Type": "Included", "TotalAcquiredPairs": 1}
    other = made(tmp_path, "asl", "13:00:00", TotalAcquiredPairs=8)
    asl.describe(other.files, ("label", "control"))
    assert meta(other) == {"TotalAcquiredPairs": 8}


def test_a_run_is_tied_to_the_m0scan_nearest_in_time(tmp_path: Path) -> None:
    session = tmp_path / "sub-X" / "ses-Y"
    first, last = (
        made(session, "run-1_m0scan", "13:00:00"),
        made(session, "run-2_m0scan", "14:00:00"),
    )
    run = made(session, "asl", "13:50:00")
    asl.link([first, run, last], session)
    assert meta(run) == {"M0Type": "Separate"}
    assert meta(last) == {"IntendedFor": ["bids::sub-X/ses-Y/perf/sub-X_ses-Y_asl.nii.gz"]}
    assert meta(first) == {}


@pytest.mark.parametrize("told", [{}, {"M0Type": "Included"}])
def test_without_an_m0scan_the_run_has_none_or_its_own(
    tmp_path: Path, told: dict[str, str]
) -> None:
    run = made(tmp_path / "sub-X" / "ses-Y", "asl", "13:50:00", **told)
    asl.link([run], tmp_path / "sub-X" / "ses-Y")
    assert meta(run) == (told or {"M0Type": "Absent"})
