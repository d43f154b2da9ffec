"""The bundled quality control on a small session made for it."""

import gzip
import hashlib
import io
import json
from pathlib import Path

import msgspec
import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from analyses import qc
from coil.analyses import dataset
from coil.analyses.description import Description
from coil.analyses.entries import bundled
from coil.bids.validate import validate
from coil.imaging import derivative
from tests.support import phantom
from tests.support.nifti import nifti


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    root = tmp_path_factory.mktemp("qc")
    names = phantom.dataset(root / "bids")
    record = measure(root / "bids", "A7KQ", "1", root / "derivatives/qc")
    return root, names, record


def measure(*arguments):
    """The summary of quality control, as a script's in JSON."""
    return json.loads(json.dumps(msgspec.to_builtins(qc.run(*arguments)), allow_nan=False))


def _image(record, suffix):
    return next(image for image in record["images"] if image["suffix"] == suffix)


def _digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_every_image_has_a_row_and_other_files_have_none(done):
    _, names, record = done
    assert "problem" not in record
    assert [i["file"] for i in record["images"]] == [n for n in names if n.endswith(".nii.gz")]


def test_the_record_is_plain_json(done):
    assert json.loads(json.dumps(done[2], allow_nan=False)) == done[2]


def test_a_bold_series_gets_its_numbers_its_protocol_and_its_outlier(done):
    bold = _image(done[2], "bold")
    assert bold["metrics"]["volumes"] == 14
    assert bold["metrics"]["tsnr_median"] > 10
    assert bold["metrics"]["fd_max"] > 1.2
    assert bold["outliers"][0]["volumes"] == [4]
    assert bold["protocol"]["RepetitionTime"] == 2.0
    assert bold["protocol"]["shape"] == [40, 48, 20, 14]
    assert bold["protocol"]["voxel_size_mm"] == [4.5, 4.5, 6.0]


def test_anatomy_and_diffusion_get_theirs(done):
    assert _image(done[2], "T1w")["metrics"]["snr_air"] > 20
    assert _image(done[2], "dwi")["metrics"] == {
        "volumes": 8,
        "b0_volumes": 1,
        "shells": {"1000": 7},
        "directions": 7,
        "outlier_slices": 0,
    }


def test_every_figure_is_there_and_is_a_picture_without_dates(done):
    root, _, record = done
    kinds = set()
    for image in record["images"]:
        for name in image["figures"]:
            picture = Image.open(io.BytesIO((root / "derivatives/qc" / name).read_bytes()))
            assert picture.width == 1200 and picture.info.keys() <= {"transparency"}
            kinds.add(name.split("_desc-")[1].split("_")[0])
    assert kinds == {"mosaic", "carpet", "motion", "tsnr", "bvalues"}


def test_the_time_series_has_a_row_a_volume_and_every_column_is_described(done):
    folder = done[0] / "derivatives/qc/sub-A7KQ/ses-1/func"
    table = folder / "sub-A7KQ_ses-1_task-rest_desc-motion_timeseries.tsv"
    lines = table.read_text().splitlines()
    columns = lines[0].split("\t")
    assert len(lines) == 15
    assert columns[:7] == [
        "trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z", "framewise_displacement",
    ]  # fmt: skip
    described = json.loads(table.with_suffix(".json").read_text())
    assert set(columns) < set(described)


def test_a_rerun_gives_the_same_bytes(done, tmp_path):
    root, _, record = done
    assert measure(root / "bids", "A7KQ", "1", tmp_path / "qc") == record
    assert _digests(tmp_path / "qc") == _digests(root / "derivatives/qc")


def test_the_derivatives_are_a_valid_dataset(done):
    target = done[0] / "derivatives/qc"
    entry = bundled()["qc"]
    described = Description(
        name="qc",
        level=entry.level,
        others=(),
        description=entry.description,
        bidsignore=entry.bidsignore,
    )
    assert dataset.write(target, described, ["sub-A7KQ_ses-1"])
    assert validate(target).errors == 0


def test_a_file_that_is_no_image_fails_its_row_and_not_the_others(tmp_path):
    bids = tmp_path / "bids"
    good, bad = "sub-1/ses-1/fmap/sub-1_ses-1_epi.nii.gz", "sub-1/ses-1/anat/sub-1_ses-1_T1w.nii.gz"
    phantom.save(bids / good, np.ones((20, 20, 20), np.int16), (3, 3, 3))
    (bids / bad).parent.mkdir()
    (bids / bad).write_bytes(b"no image")
    record = measure(bids, "1", "1", tmp_path / "qc")
    assert "1 of 2 images" in record["problem"] and "T1w" in record["problem"]
    assert [bool(image["figures"]) for image in record["images"]] == [False, True]


def deflate(path: Path) -> None:
    """Damage the compressed bytes, not the gzip header."""
    data = bytearray(path.read_bytes())
    data[40:400] = bytes(360)
    path.write_bytes(data)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:900])


def header(path: Path, at: int, value: bytes) -> None:
    data = bytearray(gzip.decompress(path.read_bytes()))
    data[at : at + len(value)] = value
    path.write_bytes(gzip.compress(bytes(data)))


def beside(path: Path, extension: str, text: str) -> None:
    path.with_name(path.name.replace(".nii.gz", extension)).write_text(text)


BAD = {
    "damaged in its compression": deflate,
    "cut off": cut,
    "of a type that NIfTI does not have": lambda path: header(path, 70, b"\x7b\x00"),
    "with an affine that is not a number": lambda path: header(path, 280, b"\x00\x00\xc0\x7f" * 12),
    "with an affine of zeros": lambda path: header(path, 280, bytes(48)),
    "of voxels without a size": lambda path: header(path, 80, bytes(12)),
    "with a sidecar that is not JSON": lambda path: beside(path, ".json", "{"),
    "with a sidecar that is a list": lambda path: beside(path, ".json", "[]"),
}


@pytest.mark.parametrize("damage", BAD.values(), ids=BAD)
def test_a_damaged_image_does_not_hold_up_the_others(tmp_path, damage):
    bids = tmp_path / "bids"
    bad, good = (
        f"sub-1/ses-1/{n}.nii.gz" for n in ("anat/sub-1_ses-1_T1w", "fmap/sub-1_ses-1_epi")
    )
    for name in (bad, good):
        phantom.save(
            bids / name, phantom.head((40, 48, 40), (4.5, 4.5, 4.5)).astype(np.int16), (4, 4, 4)
        )
    damage(bids / bad)
    images = measure(bids, "1", "1", tmp_path / "qc")["images"]
    assert [image["file"] for image in images] == [bad, good]
    assert images[1]["problem"] is None and images[1]["figures"]


@pytest.mark.parametrize(
    ("extension", "text"),
    [(".bval", "0 many"), (".bval", ""), (".bvec", "1 0\n0 1"), (".bvec", "x"), (".bvec", "")],
)
def test_a_damaged_table_of_gradients_does_not_hold_up_the_others(tmp_path, extension, text):
    bids = tmp_path / "bids"
    bad, good = (f"sub-1/ses-1/{n}.nii.gz" for n in ("dwi/sub-1_ses-1_dwi", "fmap/sub-1_ses-1_epi"))
    for name in (bad, good):
        data = phantom.series((20, 24, 10), (9, 9, 12), np.zeros((2, 6)))
        phantom.save(bids / name, data.astype(np.int16), (9, 9, 12))
    beside(bids / bad, ".bval", "0 1000")
    beside(bids / bad, ".bvec", "0 1\n0 0\n0 0")
    beside(bids / bad, extension, text)
    images = measure(bids, "1", "1", tmp_path / "qc")["images"]
    assert images[0]["problem"] or images[0]["unavailable"]
    assert images[1]["problem"] is None and images[1]["figures"]


def test_a_session_without_images_is_skipped(tmp_path):
    (tmp_path / "sub-1" / "ses-1" / "beh").mkdir(parents=True)
    assert measure(tmp_path, "1", "1", tmp_path / "qc") == {"skipped": "the session has no images"}


def test_a_series_of_few_volumes_says_why_it_has_no_numbers(tmp_path):
    bids = tmp_path / "bids"
    name = "sub-1/ses-1/func/sub-1_ses-1_task-rest_bold.nii.gz"
    data = phantom.series((40, 48, 20), (4.5, 4.5, 6.0), np.zeros((2, 6)))
    phantom.save(bids / name, data, (4.5, 4.5, 6))
    image = measure(bids, "1", "1", tmp_path / "qc")["images"][0]
    assert image["metrics"]["fd_mean"] is None
    assert "fewer than" in image["unavailable"]["fd_mean"]


def test_a_zeroed_background_is_said_and_not_measured(tmp_path):
    bids = tmp_path / "bids"
    name = "sub-1/ses-1/anat/sub-1_ses-1_T1w.nii.gz"
    data = phantom.head((60, 72, 60), (3.0, 3.0, 3.0))
    data[data < 100] = 0
    phantom.save(bids / name, data.astype(np.int16), (3, 3, 3))
    image = measure(bids, "1", "1", tmp_path / "qc")["images"][0]
    assert image["metrics"]["fber"] is None and "zeroed" in image["unavailable"]["fber"]


@pytest.mark.parametrize("fill", [0, 100])
def test_an_image_of_one_value_does_not_stop_the_session(tmp_path, fill):
    bids = tmp_path / "bids"
    names = [f"sub-1/ses-1/{n}.nii.gz" for n in ("anat/sub-1_ses-1_T1w", "func/sub-1_ses-1_bold")]
    phantom.save(bids / names[0], np.full((20, 20, 20), fill, np.int16), (3, 3, 3))
    phantom.save(bids / names[1], np.full((20, 20, 20, 6), fill, np.int16), (3, 3, 3))
    assert "problem" not in measure(bids, "1", "1", tmp_path / "qc")


def test_the_axes_of_the_file_do_not_change_the_numbers(tmp_path):
    bids = tmp_path / "bids"
    names = ["sub-1/ses-1/func/sub-1_ses-1_run-1_bold.nii.gz"]
    data = phantom.series((40, 48, 20), (4.5, 4.5, 6.0), phantom.walk(8))
    phantom.save(bids / names[0], data, (4.5, 4.5, 6))
    image = nifti(bids / names[0])
    turned = image.as_reoriented(np.array([[1, -1], [0, 1], [2, 1]]))
    names.append(names[0].replace("run-1", "run-2"))
    nib.save(turned, bids / names[1])
    first, second = measure(bids, "1", "1", tmp_path / "qc")["images"]
    assert first["metrics"] == pytest.approx(second["metrics"])


def test_names_of_derivatives_keep_the_entities():
    name = "sub-1/ses-2/func/sub-1_ses-2_task-rest_run-1_bold.nii.gz"
    assert derivative.derived_name(name, "motion", "timeseries", ".tsv") == (
        "sub-1_ses-2_task-rest_run-1_desc-motion_timeseries.tsv"
    )
