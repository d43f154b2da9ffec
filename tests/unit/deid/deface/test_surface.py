"""What defacing leaves of a simulated head's face, by the head's own anatomy and no face mask."""

from dataclasses import dataclass, replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from coil.deid.deface import DefaceResult, deface
from demo.head import Head, subject_head
from tests.support.nifti import nifti

WHITE, NOISE = 900.0, 12.0  # stored integers
SKIN = 0.12  # of white matter: brighter is tissue; air stays below 0.05
# Where the parts of a face lie in the head frame: half the width to either side, lower and upper
# end, and how far in front they begin, in mm. Read off the average head; a subject's warp moves
# them by a few mm. The skin under the chin, towards the neck, is not the chin's.
PARTS = {
    "nose": (14, -88, -52, 55),
    "lips": (25, -106, -90, 55),
    "chin": (25, -122, -107, 70),
    "cheeks": (50, -90, -55, 55),
    "lower lids": (45, -52, -40, 55),
    "eyes": (45, -45, -25, 55),
    "brow": (45, -25, -3, 55),
}
CUBE = np.ones((3, 3, 3), bool)


@dataclass
class Defaced:
    """A head, and what is left of it."""

    head: Head
    old: NDArray[np.int16]
    new: NDArray[np.int16]
    result: DefaceResult

    def left(self, part: str) -> float:
        """The share of a part's skin that is still a border of tissue and air."""
        points = skin(self.head.t1 > SKIN) & place(self.head, part)
        assert points.sum() > 50, part
        # Within a voxel.
        still = np.asarray(ndimage.binary_dilation(skin(self.new > SKIN * WHITE), CUBE), bool)
        return float((points & still).sum() / points.sum())


def skin(tissue: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The tissue that the air around the head touches."""
    labels = np.zeros(tissue.shape, np.int32)
    ndimage.label(ndimage.binary_opening(tissue), output=labels)
    largest = labels == 1 + np.argmax(np.bincount(labels.ravel())[1:])
    closed = ndimage.binary_fill_holes(ndimage.binary_closing(np.pad(largest, 3), iterations=2))
    head = np.asarray(closed, bool)[3:-3, 3:-3, 3:-3]
    return head & ~np.asarray(ndimage.binary_erosion(head, border_value=1), bool)


def place(head: Head, part: str) -> NDArray[np.bool_]:
    """The voxels of the head frame's box of a part."""
    width, low, high, front = PARTS[part]
    index = np.indices(head.t1.shape, dtype=np.float32)
    x, y, z = (index[a] * head.affine[a, a] + head.affine[a, 3] for a in range(3))
    return (np.abs(x) < width) & (y > front) & (z > low) & (z < high)


def simulate(folder: Path, seed: int, voxel_mm: float = 2.0, top: float | None = None) -> Defaced:
    """A head, turned and moved as in a scanner, before and after.

    The field of view ends at `top` of the head frame, in mm.
    """
    rng = np.random.default_rng(seed)
    head = subject_head(rng, voxel_mm)
    if top is not None:
        end = round((top - head.affine[2, 3]) / voxel_mm)
        head = replace(head, t1=head.t1[:, :, :end], brain=head.brain[:, :, :end])
    noise = rng.normal(0, NOISE, (2, *head.t1.shape))
    old = np.hypot(head.t1 * WHITE + noise[0], noise[1]).astype(np.int16)
    turn, pose = rng.uniform(-0.15, 0.15), np.eye(4)
    pose[1:3, 1:3] = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    pose[:3, 3] = rng.uniform(-15, 15, 3)
    nib.save(nib.Nifti1Image(old, pose @ head.affine), folder / "in.nii.gz")
    result = deface(folder / "in.nii.gz", folder / "out.nii.gz")
    new = np.asarray(nifti(folder / "out.nii.gz").dataobj)
    return Defaced(head, old, new, result)


@pytest.fixture(scope="module")
def defaced(tmp_path_factory: pytest.TempPathFactory) -> Defaced:
    return simulate(tmp_path_factory.mktemp("surface"), seed=2)


def test_the_share_that_goes_lies_well_within_its_band(defaced: Defaced):
    assert 0.13 < defaced.result.changed_fraction < 0.19


def test_no_voxel_of_the_brain_or_near_it_is_changed(defaced: Defaced):
    brain = defaced.head.brain > 0.5
    assert not ((defaced.old != defaced.new) & ndimage.binary_dilation(brain, CUBE)).any()


@pytest.mark.parametrize("part", PARTS)
def test_the_skin_of_the_face_is_gone_up_to_the_brow(defaced: Defaced, part: str):
    assert defaced.left(part) <= 0.02


def test_the_measure_sees_a_face_that_is_there(defaced: Defaced):
    untouched = Defaced(defaced.head, defaced.old, defaced.old, defaced.result)
    assert min(untouched.left(part) for part in PARTS) > 0.95


def test_a_head_whose_vertex_is_cut_off_loses_its_face_and_nothing_of_its_brain(tmp_path: Path):
    cut = simulate(tmp_path, seed=2, top=26.0)
    assert cut.result.image("image").method == "registration"
    brain = cut.head.brain > 0.5
    assert not ((cut.old != cut.new) & ndimage.binary_dilation(brain, CUBE)).any()
    assert max(cut.left(part) for part in PARTS) <= 0.02
