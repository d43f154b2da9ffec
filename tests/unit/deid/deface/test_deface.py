"""Defacing, on pydeface's own average head; its face and its brain are known there."""

import shutil
from importlib import resources
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from coil.deid.deface import DefaceResult, deface
from coil.deid.deface.average import template, vertex
from coil.deid.deface.face_check import SKULL, is_even, look, why_none
from coil.deid.deface.grids import Grid as Image
from coil.deid.deface.grids import depth_below_skin, even, find_head, in_upper_head
from coil.deid.deface.removal import acquisition, deface_together
from coil.errors import DataError
from tests.support.nifti import nifti

HEAD = Path(str(resources.files("pydeface") / "data" / "mean_reg2mean.nii.gz"))


@pytest.fixture(scope="module")
def defaced(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, DefaceResult]:
    """The head at 2 mm, turned by 8 degrees and off the centre, stored with a scale."""
    folder = tmp_path_factory.mktemp("deface")
    head = nifti(HEAD)
    data = np.asarray(head.dataobj)[::2, ::2, ::2].astype("<i2")
    turn = np.eye(4)
    turn[1:3, 1:3] = [[0.990, -0.139], [0.139, 0.990]]
    turn[:3, 3] = 5, -12, 9
    image = nib.Nifti1Image(data, turn @ head.affine @ np.diag([2, 2, 2, 1]))
    image.header.set_slope_inter(0.5, 0)
    image.header["descrip"] = b"of Quillfeather"
    nib.save(image, folder / "in.nii.gz")
    result = deface(folder / "in.nii.gz", folder / "out.nii.gz")
    return folder / "in.nii.gz", folder / "out.nii.gz", result


def test_a_face_is_found(defaced):
    result = defaced[2]
    assert result.state == "defaced"
    assert 0.08 < result.changed_fraction < 0.2
    assert result.resemblance > 0.8
    assert result.removed == ["descrip"]


def test_all_other_voxels_and_the_geometry_stay_bit_for_bit(defaced):
    before, after = nifti(defaced[0]), nifti(defaced[1])
    old, new = before.dataobj.get_unscaled(), after.dataobj.get_unscaled()
    assert old.dtype == new.dtype and old.shape == new.shape
    assert np.all((new == old) | (new == 0))
    assert before.affine.tobytes() == after.affine.tobytes()
    assert after.dataobj.slope == 0.5


def test_the_nose_is_gone_and_the_brain_is_not(defaced):
    old = np.asarray(nifti(defaced[0]).dataobj.get_unscaled())
    new = np.asarray(nifti(defaced[1]).dataobj.get_unscaled())
    middle = old.shape[0] // 2
    nose = np.s_[middle - 6 : middle + 6, 112:124, 20:45]
    brain = np.s_[middle - 25 : middle + 25, 30:85, 55:90]
    assert (old[nose] > 60).sum() > 200 and not new[nose].any()
    assert np.array_equal(old[brain], new[brain])


def test_a_defaced_image_is_told_so_and_keeps_its_voxels(defaced, tmp_path: Path):
    shutil.copy(defaced[1], tmp_path / "a.nii.gz")
    assert deface(tmp_path / "a.nii.gz", tmp_path / "b.nii.gz").state == "already defaced"
    before, after = nifti(tmp_path / "a.nii.gz"), nifti(tmp_path / "b.nii.gz")
    assert np.array_equal(before.dataobj.get_unscaled(), after.dataobj.get_unscaled())


def test_an_image_that_ends_above_the_face_is_told_so():
    above = np.eye(4)
    above[2, 3] = 90  # mm: the lowest slice lies near the vertex
    assert why_none(np.ones((9, 9, 9)), above, np.eye(4)) == "no face in the field of view"


def test_why_there_is_no_face_is_not_guessed():
    assert why_none(np.ones((200, 200, 200)), template().affine, np.eye(4)) is None


def test_nothing_is_left_beside_the_image(defaced):
    assert {p.name for p in defaced[0].parent.iterdir()} == {"in.nii.gz", "out.nii.gz"}


def test_an_image_that_is_not_one_is_refused(tmp_path: Path):
    shutil.copy(HEAD, tmp_path / "a.nii.gz")
    (tmp_path / "a.nii.gz").write_bytes(HEAD.read_bytes()[:9000])
    with pytest.raises(DataError):
        deface(tmp_path / "a.nii.gz", tmp_path / "out.nii.gz")


def test_coils_shading_is_evened_out():
    head = template()
    ramp = np.linspace(1, 8, head.data.shape[1])[None, :, None]
    shaded = even(Image((head.data * ramp).astype("f4"), head.affine))
    plain = even(head)
    inside = find_head(plain)
    assert np.corrcoef(shaded.data[inside], plain.data[inside])[0, 1] > 0.9


def test_what_lies_deep_in_the_upper_head_is_brain():
    head = template()
    whole = find_head(head)
    deep = in_upper_head(whole, head.affine) & (depth_below_skin(whole, head.affine) > SKULL)
    volume = deep.sum() * abs(np.linalg.det(head.affine[:3, :3])) / 1000
    assert 200 < volume < 1200  # ml


def test_the_upper_head_stays_where_it_is_if_the_vertex_is_cut_off():
    head = template()
    whole, top = find_head(head), vertex(np.eye(4))
    upper, cut = in_upper_head(whole, head.affine), whole.shape[2] // 2 + 10
    assert whole[:, :, cut].sum() > 1000  # far below the vertex
    told = in_upper_head(whole[:, :, :cut], head.affine, top)
    assert np.mean(told != upper[:, :, :cut]) < 0.01
    assert in_upper_head(whole[:, :, :cut], head.affine).sum() > 1.5 * told.sum()


def test_a_vertex_that_is_seen_is_not_asked_of_the_registration():
    head = template()
    whole = np.pad(find_head(head), 3)
    wrong = in_upper_head(whole, head.affine, vertex=1000.0)
    assert np.array_equal(wrong, in_upper_head(whole, head.affine))


def test_images_of_one_acquisition_have_one_name_for_it():
    echoes = {acquisition(f"sub-a_ses-b_echo-{n}_part-mag_T1w.nii.gz") for n in (1, 2)}
    assert echoes == {"sub-a_ses-b_T1w"}
    names = ["sub-a_inv-1_MP2RAGE.nii.gz", "sub-a_inv-2_MP2RAGE.nii.gz", "sub-a_UNIT1.nii.gz"]
    assert len({acquisition(name) for name in names}) == 1
    assert acquisition("sub-a_run-1_T1w.nii.gz") != acquisition("sub-a_run-2_T1w.nii.gz")


def test_a_mask_is_carried_to_an_image_in_which_no_head_is_recognized(defaced, tmp_path: Path):
    whole = nifti(defaced[0])
    noise = np.random.default_rng(0).integers(1, 900, whole.shape).astype("<i2")
    nib.save(nib.Nifti1Image(noise, whole.affine), tmp_path / "sub-a_inv-1_MP2RAGE.nii.gz")
    shutil.copy(defaced[0], tmp_path / "sub-a_UNIT1.nii.gz")
    names = ["sub-a_inv-1_MP2RAGE.nii.gz", "sub-a_UNIT1.nii.gz"]
    (tmp_path / "out").mkdir()
    results = deface_together([(tmp_path / name, tmp_path / "out" / name) for name in names])
    assert [result.mask_from for result in results] == [names[1], ""]
    assert results[0].image("image").method == "mask of a co-acquired image"
    gone = [np.asarray(nifti(tmp_path / "out" / name).dataobj) == 0 for name in names]
    kept = np.asarray(nifti(tmp_path / names[1]).dataobj) == 0
    assert np.array_equal(gone[0], gone[1] & ~(kept & ~gone[0]))


def ball(spread: float) -> Image:
    """A ball of fluid with noise, 16 cm wide."""
    place = np.indices((90, 90, 90)) - 45
    rng = np.random.default_rng(0)
    fluid = (np.sqrt((place**2).sum(axis=0)) < 40) * rng.normal(900, spread, (90, 90, 90))
    return Image(fluid.astype("f4"), np.diag([2.0, 2, 2, 1]))


def test_a_ball_of_fluid_is_even_and_a_head_is_not():
    for image, expected in ((even(ball(20)), True), (template(), False)):
        head = find_head(image)
        assert is_even(image.data, depth_below_skin(head, image.affine)) == expected


def test_a_phantom_of_fluid_is_told_and_passes(tmp_path: Path):
    image = ball(20)
    nib.save(nib.Nifti1Image(image.data, image.affine), tmp_path / "a.nii.gz")
    assert deface(tmp_path / "a.nii.gz", tmp_path / "b.nii.gz").state == "no head: an even fluid"


def test_another_part_of_the_body_passes_only_if_it_does_not_look_like_a_head(
    defaced, tmp_path: Path
):
    image = ball(400)
    nib.save(nib.Nifti1Image(image.data, image.affine), tmp_path / "a.nii.gz")
    assert look(tmp_path / "a.nii.gz", "KNEE").state == "no head: another part of the body"
    assert look(tmp_path / "a.nii.gz", "HEAD").state is None
    assert look(defaced[0], "KNEE").state == "defaced"
