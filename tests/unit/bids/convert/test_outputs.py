"""What the converter made is given to its series, and what rules add is written beside it."""

import json
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from coil.bids import outputs
from coil.bids.convert import sidecars
from coil.bids.mapping.mapping import parse
from coil.bids.mapping.rules import Rule
from coil.errors import DataError
from tests.support.nifti import nifti


def image(session: Path, name: str, volumes: int = 4) -> list[Path]:
    path = session / f"{name}.nii.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(np.zeros((2, 2, 2, volumes), np.int16), np.eye(4)), path)
    outputs.sidecar(path).write_text(json.dumps({"RepetitionTime": 2.0, "EchoTime": 0.03}))
    return [outputs.sidecar(path), path]


def rule(**fields: Any) -> Rule:
    base = {"match": {"note": "x"}, "to": "func/bold", "entities": {"task": "t"}}
    return parse([base | fields]).rules[0]


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("func/sub-X_task-a_bold.nii.gz", "func/sub-X_task-a_bold"),
        ("func/sub-X_task-a_echo-2_bold.json", "func/sub-X_task-a_bold"),
        ("func/sub-X_task-a_part-phase_bold.json", "func/sub-X_task-a_bold"),
        ("func/sub-X_task-b_echo-2_bold.json", "func/sub-X_task-b_echo-2_bold"),
        ("func/sub-X_task-b_echo-2_part-mag_bold.json", "func/sub-X_task-b_echo-2_bold"),
        ("func/sub-X_task-a_bold2.nii.gz", "func/sub-X_task-a_bold"),
        ("fmap/sub-X_magnitude2.nii.gz", "fmap/sub-X_magnitude"),
        ("func/sub-X_task-c_bold.nii.gz", None),
    ],
)
def test_a_converted_file_finds_its_series(file: str, name: str | None) -> None:
    wanted = [
        "func/sub-X_task-a_bold",
        "func/sub-X_task-b_echo-1_bold",
        "func/sub-X_task-b_echo-2_bold",
        "fmap/sub-X_magnitude",
    ]
    assert outputs.owner(Path("sub-X") / file, wanted) == name


def test_what_belongs_to_no_series_is_removed(tmp_path: Path) -> None:
    files = image(tmp_path / "func", "sub-X_task-a_bold")
    stray = tmp_path / "sub-X_scans.tsv"
    stray.write_text("operator")
    found, left = outputs.by_name(tmp_path, ["func/sub-X_task-a_bold"])
    assert found == {"func/sub-X_task-a_bold": sorted(files)}
    assert left == {}
    assert not stray.exists()


def test_b_values_stay_only_where_bids_has_them(tmp_path: Path) -> None:
    for name in ("func/sub-X_task-a_bold", "dwi/sub-X_dwi"):
        image((tmp_path / name).parent, Path(name).name)
        (tmp_path / f"{name}.bval").write_text("0 1000\n")
    found, _ = outputs.by_name(tmp_path, ["func/sub-X_task-a_bold", "dwi/sub-X_dwi"])
    assert {p.name for files in found.values() for p in files if p.suffix == ".bval"} == {
        "sub-X_dwi.bval"
    }


def test_a_map_that_came_with_the_volumes_is_told(tmp_path: Path) -> None:
    image(tmp_path / "dwi", "sub-X_dwi_heudiconv007_ADC")
    found, left = outputs.by_name(tmp_path, ["dwi/sub-X_dwi"])
    assert (found, left) == ({}, {"dwi/sub-X_dwi": "ADC"})


def test_images_that_have_no_bids_name_are_told(tmp_path: Path) -> None:
    files = image(tmp_path / "anat", "sub-X_T1w1") + image(tmp_path / "anat", "sub-X_T1w2")
    found = outputs.problem("anat/sub-X_T1w", files)
    assert found == "dcm2niix makes 2 images of it, and anat/T1w1 is not in the BIDS schema"


@pytest.mark.parametrize("form", [nib.Nifti1Image, nib.Nifti2Image])
@pytest.mark.parametrize("volumes", [1, 4])
def test_the_dimensions_of_an_image_are_those_of_nibabel(
    tmp_path: Path, volumes: int, form: type[nib.Nifti1Image]
) -> None:
    path = tmp_path / "i.nii.gz"
    nib.save(form(np.zeros((2, 3, 4, volumes), np.int16), np.eye(4)), path)
    assert outputs.layout(path).shape == nifti(path).shape
    assert outputs.volumes(path) == volumes
    assert outputs.is_whole(path)


@pytest.mark.parametrize("kept", [0, 5, 60, -8])
def test_an_image_that_was_cut_off_is_not_whole(tmp_path: Path, kept: int) -> None:
    path = image(tmp_path / "func", "sub-X_task-a_bold")[1]
    path.write_bytes(path.read_bytes()[:kept])
    assert not outputs.is_whole(path)


def test_a_phase_difference_tells_both_echo_times(tmp_path: Path) -> None:
    files = [file for n in (1, 2) for file in image(tmp_path / "fmap", f"sub-X_magnitude{n}")]
    files += image(tmp_path / "fmap", "sub-X_phasediff")
    for number, path in enumerate(files[::2], start=1):
        path.write_text(json.dumps({"EchoTime": number / 1000}))
    sidecars.tell_echo_times(files)
    assert json.loads(files[-2].read_text()) == {
        "EchoTime": 0.003,
        "EchoTime1": 0.001,
        "EchoTime2": 0.002,
    }


@pytest.mark.parametrize(
    ("told", "times", "start"),
    [
        ("2024-05-01T13:02:09.500000", ["13:02:01.250000"], "2024-05-01T13:02:01.250000"),
        ("2024-05-01T13:02:09.500000", ["13:02:03", "13:02:01"], "2024-05-01T13:02:01.000000"),
        ("2024-05-02T00:00:09.000000", ["23:59:58.000000"], "2024-05-01T23:59:58.000000"),
        ("2024-05-01T23:59:58.000000", ["00:00:01.000000"], "2024-05-02T00:00:01.000000"),
        ("2024-05-01T13:02:09.500000", [""], "2024-05-01T13:02:09.500000"),
        (None, ["13:02:01.250000"], None),
    ],
)
def test_a_run_begins_at_the_earliest_time_of_its_sidecars(
    tmp_path: Path, told: str | None, times: list[str], start: str | None
) -> None:
    files = []
    for number, text in enumerate(times, start=1):
        files += image(tmp_path / "func", f"sub-X_task-a_echo-{number}_bold")
        files[-2].write_text(json.dumps({"AcquisitionTime": text}))
    assert sidecars.start(files, told) == start


def test_a_field_map_in_unknown_units_is_refused(tmp_path: Path) -> None:
    files = image(tmp_path / "fmap", "sub-X_fieldmap")
    with pytest.raises(DataError, match="add `supplement"):
        sidecars.check_units(files)
    sidecars.supplement(files, {"Units": "Hz"})
    sidecars.check_units(files)


def test_supplied_values_are_written_and_told(tmp_path: Path) -> None:
    files = image(tmp_path / "func", "sub-X_task-a_bold")
    assert sidecars.supplement(files, {"TotalReadoutTime": 0.03}) == ["TotalReadoutTime"]
    assert json.loads(files[0].read_text())["TotalReadoutTime"] == 0.03


@pytest.mark.parametrize("types", [("control", "label"), ("m0scan", "label", "control", "label")])
def test_an_asl_context_has_a_line_for_each_volume(tmp_path: Path, types: tuple[str, ...]) -> None:
    made = image(tmp_path / "perf", "sub-X_ses-Y_asl")[1]
    (path,) = sidecars.aslcontext(made, sidecars.fit(types, 4))
    assert path.name == "sub-X_ses-Y_aslcontext.tsv"
    assert path.read_text().splitlines() == ["volume_type", *(types * 4)[:4]]


def test_an_asl_context_that_does_not_fit_is_refused() -> None:
    with pytest.raises(DataError, match="3 volume types in `aslcontext` do not fit its 4 volumes"):
        sidecars.fit(("m0scan", "control", "label"), 4)
