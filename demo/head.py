"""The anatomy: a real average head, warped into one head a subject.

The source is the average T1-weighted head of the ``pydeface`` package (MIT). All positions here are
in the *head frame*: millimetres, x to the right, y to the front, z up, zero near the middle of the
brain.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import nibabel as nib
import numpy as np
import pydeface
from numpy.typing import NDArray
from scipy import ndimage

Volume = NDArray[np.float32]
Affine = NDArray[np.floating]

_TEMPLATE_SPACING = np.array([1.004, 0.977, 0.977])  # mm; column norms of the template's affine
_BRAIN_CENTRE = np.array([87.0, 115.0, 131.0])  # voxel of the template
_CONTROL_SPACING = 55.0  # mm between the points that carry the random displacement


@dataclass(frozen=True)
class Head:
    """One subject's head on a regular grid of the head frame.

    Attributes:
        t1: T1-weighted intensity, about 0 (air) to 1.7 (scalp fat); white matter is near 1.
        brain: 1 inside the brain, 0 outside, smooth in between.
        affine: voxel of both arrays to head frame, mm.
    """

    t1: Volume
    brain: Volume
    affine: Affine


def subject_head(rng: np.random.Generator, voxel_mm: float) -> Head:
    """Warp the average head by a random affine and a smooth random displacement.

    Args:
        rng: decides the warp; the same state gives the same head.
        voxel_mm: edge of the isotropic voxels of the result.
    """
    template, mask = _template()
    half = np.array([88.0, 118.0, 118.0])
    shape = tuple(int(n) for n in 2 * half // voxel_mm)
    grid_affine = np.diag([voxel_mm] * 3 + [1.0])
    grid_affine[:3, 3] = -voxel_mm * (np.array(shape) - 1) / 2
    grid_affine[:3, 3] += 0.0, 13.0, -8.0  # nose and chin lie far from the middle of the brain

    scale = np.diag(rng.uniform(0.94, 1.06, 3))
    shear = np.eye(3) + np.triu(rng.normal(0, 0.015, (3, 3)), 1)
    coordinates = _warped_points(shape, grid_affine, scale @ shear, rng)
    coordinates /= _TEMPLATE_SPACING[:, None, None, None].astype(np.float32)
    coordinates += _BRAIN_CENTRE[:, None, None, None].astype(np.float32)
    t1, brain = np.empty(shape, np.float32), np.empty(shape, np.float32)
    ndimage.map_coordinates(template, coordinates, output=t1, order=1)
    coordinates -= 0.5
    coordinates /= 2  # the mask has voxels twice as wide
    ndimage.map_coordinates(mask, coordinates, output=brain, order=1)
    return Head(t1, brain, grid_affine)


def resample(image: Volume, affine: Affine, shape: tuple[int, ...], target: Affine) -> Volume:
    """Sample ``image`` (voxel to frame: ``affine``) on another grid of that frame, linearly."""
    matrix = np.linalg.solve(affine, target)
    sampled = np.empty(shape, np.float32)
    ndimage.affine_transform(image, matrix, output_shape=shape, output=sampled, order=1)
    return sampled


def epi_contrast(t1: Volume, brain: Volume, voxel_mm: float) -> Volume:
    """T2*-like contrast from T1w: fluid bright, white matter darker, fat and face nearly gone.

    The slow intensity drop of the average head towards its front is divided out, since inverting
    it would make the frontal lobe glow. The brain's mean is near 1.
    """
    sigma = 14.0 / voxel_mm
    local = ndimage.gaussian_filter(t1 * brain, sigma)
    local /= np.maximum(ndimage.gaussian_filter(brain, sigma), 0.05)
    normalized = t1 / np.maximum(local, 0.2)
    tissue = np.clip(2.0 - normalized, 0.15, 1.7)
    return (brain * tissue + (1 - brain) * 0.12 * t1).astype(np.float32)


@cache
def _template() -> tuple[Volume, Volume]:
    """The average head at about 1 mm, white matter near 1, and its brain at about 2 mm."""
    path = Path(pydeface.__file__).parent / "data" / "mean_reg2mean.nii.gz"
    image = np.asarray(nib.Nifti1Image.from_filename(path).dataobj, dtype=np.float32)
    half = image[::2] + image[1::2]
    half = half[:, ::2] + half[:, 1::2]
    half = (half[:, :, ::2] + half[:, :, 1::2]) / 8
    core = ndimage.binary_erosion((half > 210) & (half < 440), iterations=3)
    labels = np.zeros(half.shape, np.int32)
    ndimage.label(core, output=labels)
    core = labels == labels[32, 64, 80]  # a voxel of white matter
    brain = np.logical_and(ndimage.binary_dilation(core, iterations=4), half > 130)
    brain = np.asarray(ndimage.binary_fill_holes(ndimage.binary_closing(brain, iterations=3)))
    mask = np.empty(brain.shape, np.float32)
    ndimage.gaussian_filter(brain.astype(np.float32), 0.7, output=mask)
    # Averaging blurred the head; a little sharpening gives the folds back.
    sharp = image + 1.2 * (image - ndimage.gaussian_filter(image, 2.0, truncate=2))
    return (np.clip(sharp, 0, None) / 370).astype(np.float32), mask


def _warped_points(
    shape: tuple[int, ...], affine: Affine, linear: NDArray[np.float64], rng: np.random.Generator
) -> Volume:
    """Head-frame position in the template for each voxel of the grid; (3, *shape), mm."""
    points = [
        np.arange(n, dtype=np.float32) * np.float32(affine[a, a]) + np.float32(affine[a, 3])
        for a, n in enumerate(shape)
    ]
    axes = np.meshgrid(*points, indexing="ij", sparse=True)
    knots = [int(np.ceil(n * affine[a, a] / _CONTROL_SPACING)) + 1 for a, n in enumerate(shape)]
    out = np.empty((3, *shape), np.float32)
    for row in range(3):
        control = rng.normal(0, 2.5, knots).astype(np.float32)
        coarse = np.asarray(ndimage.zoom(control, 5, order=3))  # cubic is dear: on few points
        smooth = ndimage.zoom(coarse, np.divide(shape, coarse.shape), order=1)
        out[row] = smooth
        for column, axis in enumerate(axes):
            out[row] += np.float32(linear[row, column]) * axis
    return out
