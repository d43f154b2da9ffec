import gzip
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from nibabel.nifti1 import Nifti1Extension

from coil.deid.nifti import clean_nifti
from coil.errors import DataError
from tests.support.nifti import nifti

AFFINE = np.array([[2, 0.1, 0, -9], [0, 2, 0, 5], [0, 0, 3.4, 1], [0, 0, 0, 1.0]])


def write(path: Path, data: np.ndarray, version=nib.Nifti1Image, extension=b"") -> Path:
    image = version(data, AFFINE)
    image.header["descrip"] = b"TE=50;Time=130743.901"
    image.header["aux_file"] = b"Jane Doe moved"
    image.header["intent_name"] = b"of Jane"
    image.header.set_slope_inter(2.5, -1)
    if version is nib.Nifti1Image:
        image.header["db_name"] = b"1.3.12.2.1107"
    if extension:
        image.header.extensions.append(Nifti1Extension("comment", extension))
    nib.save(image, path)
    return path


@pytest.mark.parametrize("version", [nib.Nifti1Image, nib.Nifti2Image])
@settings(
    max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(
    data=st.sampled_from(["u1", "<i2", ">u2", "<f4", "<f8"]).flatmap(
        lambda kind: arrays.arrays(kind, arrays.array_shapes(min_dims=3, max_dims=4, max_side=5))
    )
)
def test_voxels_geometry_type_and_scaling_stay(tmp_path: Path, version, data: np.ndarray):
    source = write(tmp_path / "in.nii.gz", data, version, b"comment of Jane")
    clean_nifti(source, tmp_path / "out.nii.gz")
    before, after = nifti(source), nifti(tmp_path / "out.nii.gz")
    assert before.dataobj.get_unscaled().tobytes() == after.dataobj.get_unscaled().tobytes()
    assert after.get_data_dtype() == before.get_data_dtype()
    for field in ("dim", "pixdim", "scl_slope", "scl_inter", "xyzt_units"):
        assert after.header[field].tobytes() == before.header[field].tobytes()
    assert after.header.get_qform().tobytes() == before.header.get_qform().tobytes()
    assert after.header.get_sform().tobytes() == before.header.get_sform().tobytes()


@pytest.mark.parametrize("version", [nib.Nifti1Image, nib.Nifti2Image])
def test_no_text_of_the_header_stays(tmp_path: Path, version):
    source = write(tmp_path / "in.nii.gz", np.zeros((3, 3, 3), "i2"), version, b"Jane Doe")
    removed = clean_nifti(source, tmp_path / "out.nii.gz")
    assert {"descrip", "aux_file", "intent_name", "extensions"} <= set(removed)
    left = gzip.decompress((tmp_path / "out.nii.gz").read_bytes())
    assert b"Jane" not in left and b"Time" not in left and b"1107" not in left


def test_the_same_image_gives_the_same_bytes_without_name_and_time(tmp_path: Path):
    data = np.arange(27, dtype="i2").reshape(3, 3, 3)
    image = gzip.decompress(write(tmp_path / "in.nii.gz", data).read_bytes())
    outputs = set()
    for name, time in (("jane.nii.gz", 1_000_000), ("doe.nii.gz", 2_000_000)):
        with gzip.GzipFile(tmp_path / name, "wb", mtime=time) as stream:
            stream.write(image)
        clean_nifti(tmp_path / name, tmp_path / "out.nii.gz")
        outputs.add((tmp_path / "out.nii.gz").read_bytes())
    assert len(outputs) == 1
    flags_and_time = outputs.pop()[3:8]
    assert flags_and_time == bytes(5)


def test_what_follows_the_voxels_is_dropped(tmp_path: Path):
    source = write(tmp_path / "in.nii.gz", np.zeros((3, 3, 3), "i2"))
    source.write_bytes(gzip.compress(gzip.decompress(source.read_bytes()) + b"Jane"))
    assert "trailing bytes" in clean_nifti(source, tmp_path / "out.nii.gz")
    assert gzip.decompress((tmp_path / "out.nii.gz").read_bytes()).endswith(bytes(54))


@pytest.mark.parametrize("damage", ["empty", "text", "truncated", "not gzip", "short voxels"])
def test_a_file_that_is_not_a_whole_image_is_an_error(tmp_path: Path, damage: str):
    source = write(tmp_path / "in.nii.gz", np.zeros((9, 9, 9), "i2"))
    good = source.read_bytes()
    source.write_bytes(
        {
            "empty": b"",
            "text": gzip.compress(b"Jane Doe" * 100),
            "truncated": good[:-12],
            "not gzip": gzip.decompress(good),
            "short voxels": gzip.compress(gzip.decompress(good)[:-1]),
        }[damage]
    )
    with pytest.raises(DataError, match=r"in\.nii\.gz"):
        clean_nifti(source, tmp_path / "out.nii.gz")
