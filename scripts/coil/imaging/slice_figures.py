"""The figures of slices of an image, each from arrays to PNG bytes."""

import matplotlib
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from coil.imaging import canvas
from coil.imaging.masks import Mask, blur, otsu_level

Floats = NDArray[np.floating]
Spacing = tuple[float, float, float]

_THIN = 16  # slices; across fewer, coronal and sagittal cuts show nothing


def mosaic(image: Floats, spacing: Spacing) -> bytes:
    """Axial, coronal and sagittal slices of a volume (x, y, z), its axes to right, front, up.

    spacing     voxel size in mm
    """
    box = _bounds(image)
    image = image[box]
    shades = _shades(image)
    rows = [_cuts(shades, spacing, 2, 16 if shades.shape[2] < _THIN else 8)]
    if shades.shape[2] >= _THIN:
        rows += [_cuts(shades, spacing, 1, 8), _cuts(shades, spacing, 0, 8)]
    parts = [canvas.tile(slices, spacings, 8)[0] for slices, spacings in rows]
    gap = np.zeros((8, canvas.WIDTH))
    sheet = np.concatenate([x for part in parts for x in (part, gap)][:-1])
    with canvas.figure(len(sheet)) as fig:
        ax = fig.add_axes((0.0, 0.0, 1.0, 1.0))
        ax.imshow(sheet, cmap="gray", vmin=0, vmax=1, interpolation="none", aspect="auto")
        ax.set_axis_off()
        canvas.name_sides(ax, 8)
        return canvas.png(fig)


def _shades(image: Floats) -> Floats:
    """An image from black (0) to white (1)."""
    low, high = np.percentile(image, [1, 99.5])
    if low >= 0:
        # White is a bright part of the head, not its brightest: fat would leave the brain dark.
        low, high = 0.0, np.percentile(image[image > 0.5 * otsu_level(image)], 96)
    return np.clip((image - low) / max(high - low, 1e-12), 0, 1)


def tsnr(values: Floats, mask: Mask, spacing: Spacing) -> bytes:
    """A map of temporal signal-to-noise (x, y, z) as axial slices in viridis, with its scale."""
    box = _bounds(mask.astype(np.float32))
    inside = values[mask]
    top = float(np.percentile(inside, 98)) if inside.size else 1.0
    top = max(10.0, 10 * np.ceil(top / 10))
    slices, spacings = _cuts(np.where(mask, values, 0)[box], spacing, 2, 16)
    shown, _ = _cuts(mask[box].astype(np.float32), spacing, 2, 16)
    sheet, _ = canvas.tile(slices, spacings, 8)
    covered, _ = canvas.tile(shown, spacings, 8)
    colours = matplotlib.colormaps["viridis"](sheet / top)[..., :3]
    colours *= np.clip(covered, 0, 1)[..., None]
    ramp = matplotlib.colormaps["viridis"](np.linspace(0, 1, 256))
    return canvas.sheet(colours, [canvas.Scale(0.3, 0.4, ramp, (0, top))], 8)


def _cuts(
    image: Floats, spacing: Spacing, axis: int, count: int
) -> tuple[list[Floats], list[tuple[float, float]]]:
    """Evenly spaced slices across `axis`, without the outermost, and their pixel sizes."""
    size = image.shape[axis]
    margin = size // 10
    levels = np.unique(np.linspace(margin, size - 1 - margin, min(count, size)).round().astype(int))
    first, second = (i for i in range(3) if i != axis)
    return [np.take(image, int(level), axis=axis) for level in levels], [
        (spacing[first], spacing[second])
    ] * len(levels)


def _bounds(image: Floats) -> tuple[slice, slice, slice]:
    """The box around what is bright, with a small margin."""
    smooth = blur(image, 1.0)
    bright = np.asarray(smooth > 0.5 * otsu_level(smooth))
    bright = np.asarray(ndimage.binary_opening(bright), dtype=bool)
    if not bright.any():
        return (slice(None), slice(None), slice(None))
    voxels = np.argwhere(bright)
    sides = [
        slice(max(0, low - 2), high + 3)
        for low, high in zip(voxels.min(axis=0), voxels.max(axis=0), strict=True)
    ]
    return (sides[0], sides[1], sides[2])
