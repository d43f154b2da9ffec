"""The figures of a model: where a contrast passes, and what the design was."""

import matplotlib
import numpy as np
import pandas as pd
from nibabel.orientations import apply_orientation, io_orientation
from numpy.typing import NDArray

from coil.imaging import canvas
from coil.imaging.canvas import INK, QUIET
from coil.imaging.masks import Mask

_SLICES, _COLUMNS = 16, 8


def upright(image: NDArray[np.floating], affine: NDArray[np.floating]) -> NDArray[np.floating]:
    """A volume (x, y, z) with its axes turned to right, front, up, as near as its grid allows."""
    return apply_orientation(image, io_orientation(affine))


def statistic_map(
    z: NDArray[np.floating],
    passed: Mask,
    mean: NDArray[np.floating],
    brain: Mask,
    affine: NDArray[np.floating],
    threshold: float,
) -> bytes:
    """Axial slices of the mean image in grey, z where it passed in colour, with scales."""
    sizes = np.sqrt((affine[:3, :3] ** 2).sum(axis=0))
    order = io_orientation(affine)[:, 0].argsort()
    spacing = (float(sizes[order[0]]), float(sizes[order[1]]))
    z = np.where(passed, z, 0.0)
    z, mean, inside = (upright(np.asarray(v, float), affine) for v in (z, mean, brain))
    box = np.argwhere(inside > 0)
    low, high = np.maximum(box.min(axis=0) - 1, 0), box.max(axis=0) + 2
    crop = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    z, mean, inside = z[crop], mean[crop], inside[crop]
    top = max(threshold + 1, float(np.abs(z).max()))
    levels = np.unique(np.linspace(1, z.shape[2] - 2, min(_SLICES, z.shape[2])).round().astype(int))

    def sheet(volume: NDArray[np.floating]) -> NDArray[np.floating]:
        parts: list[NDArray[np.floating]] = [volume[:, :, level] for level in levels]
        return canvas.tile(parts, [spacing] * len(parts), _COLUMNS)[0]

    white = float(np.percentile(mean[inside > 0], 99)) or 1.0
    colours = np.repeat((np.clip(sheet(mean) / white, 0, 1) * 0.8)[..., None], 3, axis=2)
    shown = sheet(z)
    for sign, name in ((1, "YlOrRd_r"), (-1, "Blues")):
        passed = sign * shown > threshold
        strength = (sign * shown[passed] - threshold) / (top - threshold)
        colours[passed] = matplotlib.colormaps[name](0.15 + 0.7 * strength)[..., :3]
    ramp = np.linspace(0.15, 0.85, 256)
    low_end, high_end = (-top, -threshold), (threshold, top)
    scales = [
        canvas.Scale(0.15, 0.3, matplotlib.colormaps["Blues"](ramp[::-1]), low_end, low_end),
        canvas.Scale(0.55, 0.3, matplotlib.colormaps["YlOrRd_r"](ramp), high_end, high_end),
    ]
    return canvas.sheet(colours, scales, _COLUMNS)


def design_matrix(design: pd.DataFrame, repetition_time: float) -> bytes:
    """The regressors side by side over time in seconds, each scaled to its own range."""
    values = design.to_numpy()
    reach = np.abs(values).max(axis=0)
    values = values / np.where(reach > 0, reach, 1)
    with canvas.figure(520) as fig:
        ax = fig.add_axes((0.06, 0.05, 0.92, 0.68))
        end = len(design) * repetition_time
        ax.imshow(
            values, cmap="gray", vmin=-1, vmax=1, aspect="auto", interpolation="none",
            extent=(-0.5, values.shape[1] - 0.5, end, 0),
        )  # fmt: skip
        ax.set_ylabel("s", color=INK)
        ax.xaxis.tick_top()
        ax.set_xticks(range(values.shape[1]), list(design.columns), rotation=60, ha="left")
        ax.tick_params(length=0, colors=QUIET)
        return canvas.png(fig)
