"""Images as arrays on a grid: loaded, evened, resampled, and the head in them by its surface."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from nibabel.nifti1 import Nifti1Image

from coil.deid.deface.untyped import ndimage, nib

FINE = 2.0  # mm
SHADING = 20.0  # mm: the width over which coils' shading is evened out
HEAD = 0.25  # of the local mean: darker is air
UPPER_HEAD = 70.0  # mm below the vertex; the eyes lie lower


@dataclass(frozen=True)
class Grid:
    """An image of float32 and its affine (voxels to mm)."""

    data: np.ndarray
    affine: np.ndarray

    def save(self, path: Path, scale: float = 1.0) -> Path:
        """Write it as NIfTI, its coordinates multiplied by `scale`."""
        nib.save(Nifti1Image(self.data, np.diag([scale] * 3 + [1.0]) @ self.affine), path)
        return path


def load(path: str | os.PathLike[str]) -> Grid:
    """An image, its scaling applied; raises what nibabel raises."""
    image = nib.load(path)
    return Grid(np.asarray(image.dataobj, dtype=np.float32), np.asarray(image.affine))


def even(image: Grid, spacing: float = FINE) -> Grid:
    """The image on a grid of about `spacing` mm, divided by its local mean (near 1 in a head)."""
    size = np.sqrt((image.affine[:3, :3] ** 2).sum(axis=0))
    step = spacing / size
    smooth = ndimage.gaussian_filter(image.data, np.where(step > 1, step * 0.35, 0.0))
    shape = tuple(int(n) for n in np.ceil(np.array(image.data.shape) / step))
    small = ndimage.affine_transform(smooth, step, output_shape=shape, order=1)
    local = ndimage.gaussian_filter(small, SHADING / (2 * size * step))
    scaled = image.affine @ np.diag([*step, 1.0])
    return Grid((small / (local + 0.05 * local.max() + 1e-9)).astype(np.float32), scaled)


def resample(
    data: np.ndarray, matrix: np.ndarray, shape: tuple[int, ...], order: int, mode: str = "constant"
) -> np.ndarray:
    """`data` on a grid of which `matrix` (4 by 4) takes the voxels to those of `data`."""
    offset = matrix[:3, 3]
    out = ndimage.affine_transform(
        data, matrix[:3, :3], offset, output_shape=shape, order=order, mode=mode
    )
    return np.asarray(out)


def find_head(image: Grid) -> np.ndarray:
    """The largest thing that is brighter than air, without holes; `image` is evened."""
    labels = np.zeros(image.data.shape, np.int32)
    if not ndimage.label(ndimage.binary_opening(image.data > HEAD), output=labels):
        return labels > 0
    largest = 1 + int(np.argmax(np.bincount(labels.ravel())[1:]))
    return np.asarray(ndimage.binary_fill_holes(labels == largest))


def depth_below_skin(head: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """The distance of each voxel of the head from the next one that is not of it, in mm."""
    size = np.sqrt((affine[:3, :3] ** 2).sum(axis=0))
    depth = np.asarray(ndimage.distance_transform_edt(np.pad(head, 1), sampling=size))
    return depth[1:-1, 1:-1, 1:-1]


def in_upper_head(head: np.ndarray, affine: np.ndarray, vertex: float = -np.inf) -> np.ndarray:
    """The part of the head near its vertex.

    Where the head's highest voxel lies at the border of the field of view, which may have cut it
    off, `vertex` (mm) counts instead if that is higher.
    """
    if not head.any():
        return head
    height = np.tensordot(affine[2, :3], np.indices(head.shape, dtype=np.float32), axes=1)
    height += affine[2, 3]
    highest = np.unravel_index(np.argmax(np.where(head, height, -np.inf)), head.shape)
    top = float(height[highest])
    if any(n < 2 or n >= size - 2 for n, size in zip(highest, head.shape, strict=True)):
        top = max(top, vertex)
    return head & (height > top - UPPER_HEAD)
