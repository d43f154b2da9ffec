"""The figure of diffusion weighting: b-values, slice signal and directions, to PNG bytes."""

from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from coil.imaging import canvas
from coil.imaging.canvas import LINE, RED

Floats = NDArray[np.floating]


def bvalues(
    shell: NDArray[np.int64], vectors: Floats, signal: Floats, outliers: NDArray[np.bool_]
) -> bytes:
    """Shell and slice signal of each volume, and the directions on a half sphere.

    shell       (t,) in s/mm2
    vectors     (t, 3) unit directions
    signal      (z, t) mean signal of each slice, NaN outside the brain
    outliers    (z, t) slices to mark
    """
    values = [int(value) for value in np.unique(shell)]
    shades = matplotlib.colormaps["viridis"](np.linspace(0.1, 0.85, len(values)))
    with canvas.figure(480) as fig:
        grid = fig.add_gridspec(
            2, 2, width_ratios=(2.5, 1), height_ratios=(1, 1.5),
            left=0.085, right=0.985, top=0.94, bottom=0.115, hspace=0.35, wspace=0.3,
        )  # fmt: skip
        top = fig.add_subplot(grid[0, 0])
        _draw_shells(top, shell, values, shades)
        low = fig.add_subplot(grid[1, 0], sharex=top)
        _draw_signal(fig, low, _relative(signal, shell, values), outliers)
        _draw_hemisphere(fig.add_subplot(grid[:, 1]), shell, vectors, values, shades)
        return canvas.png(fig)


def _relative(signal: Floats, shell: NDArray[np.int64], values: Sequence[int]) -> Floats:
    """The signal of each slice against the median of its shell, in percent."""
    relative = np.full(signal.shape, np.nan)
    for value in values:
        members = shell == value
        centre = np.median(signal[:, members], axis=1)
        relative[:, members] = 100 * (signal[:, members] / centre[:, None] - 1)
    return relative


def _draw_shells(ax: Axes, shell: NDArray[np.int64], values: Sequence[int], shades: Floats) -> None:
    """The b-value of each volume as a stem, in the colour of its shell."""
    count = len(shell)
    for value, colour in zip(values, shades, strict=True):
        where = np.flatnonzero(shell == value)
        ax.vlines(where, 0, shell[where], color=colour, linewidth=max(0.8, min(2, 150 / count)))
        ax.plot(where, shell[where], "o", color=colour, markersize=3)
    ax.set_title("b-value of each volume, s/mm²")
    ax.set_ylim(0, max(values[-1] * 1.15, 100))
    ax.set_xlim(-0.5, count - 0.5)
    ax.tick_params(labelbottom=False)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))


def _draw_signal(fig: Figure, ax: Axes, relative: Floats, outliers: NDArray[np.bool_]) -> None:
    """The slices (z, t) in colour, outliers in a frame, with the scale."""
    levels, count = relative.shape
    shown = ax.imshow(
        relative, cmap="PuOr", vmin=-20, vmax=20, aspect="auto", interpolation="none",
        origin="lower", extent=(-0.5, count - 0.5, -0.5, levels - 0.5),
    )  # fmt: skip
    for level, volume in np.argwhere(outliers):
        corner = (volume - 0.5, level - 0.5)
        ax.add_patch(Rectangle(corner, 1, 1, fill=False, edgecolor=RED, linewidth=1.2))
    ax.set_title("Slice signal against its shell's median, %")
    ax.set_xlabel("Volume")
    ax.set_ylabel("slice")
    bar = fig.colorbar(shown, cax=fig.add_axes((0.68, 0.115, 0.009, 0.42)))
    bar.outline.set_visible(False)  # pyright: ignore[reportCallIssue]


def _draw_hemisphere(
    ax: Axes, shell: NDArray[np.int64], vectors: Floats, values: Sequence[int], shades: Floats
) -> None:
    """Directions in Lambert's equal-area view from above; v and -v are the same point."""
    upper = np.where(vectors[:, 2:] < 0, -vectors, vectors)
    flat = upper[:, :2] / np.sqrt(1 + np.clip(upper[:, 2:], 0, 1))
    ring = np.linspace(0, 2 * np.pi, 181)
    ax.plot(np.cos(ring), np.sin(ring), color=LINE, linewidth=1)
    ax.plot([-1, 1], [0, 0], color=LINE, linewidth=0.6)
    ax.plot([0, 0], [-1, 1], color=LINE, linewidth=0.6)
    for value, colour in zip(values, shades, strict=True):
        members = shell == value
        if value:
            ax.plot(*flat[members].T, "o", color=colour, markersize=4)
        ax.plot([], [], "o", color=colour, markersize=4, label=f"b = {value}: {members.sum()}")
    ax.legend(
        loc="upper center",
        bbox_to_anchor=(0.5, -0.02),
        frameon=False,
        fontsize=7,
        handletextpad=0.2,
    )
    ax.set_title("Directions", loc="center")
    ax.set_aspect("equal")
    ax.set_axis_off()
