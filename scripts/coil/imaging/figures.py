"""The figures of the quality reports, each from arrays to PNG bytes."""

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from scipy import ndimage

from coil.imaging import canvas
from coil.imaging.canvas import BLUE, GREEN, LINE, ORANGE, QUIET, RED
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
    low, high = np.percentile(image, [1, 99.5])
    if low >= 0:
        # White is a bright part of the head, not its brightest: fat would leave the brain dark.
        low, high = 0.0, np.percentile(image[image > 0.5 * otsu_level(image)], 96)
    shades = np.clip((image - low) / max(high - low, 1e-12), 0, 1)
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


def carpet(
    series: Floats,
    depth: Floats,
    displacement: Floats,
    change: Floats,
    limits: tuple[float, float],
    start: int = 0,
) -> bytes:
    """Framewise displacement, standardized DVARS and all voxels' series, one above another.

    series          (n, t) the mask's voxels
    depth           (n,) each voxel's distance from the mask's edge: the rows' order
    displacement    (t,) framewise displacement in mm
    change          (t,) standardized DVARS
    limits          above these a volume is marked, in the traces' units
    start           volumes before this are not in steady state and set no scale

    After Power, NeuroImage 154:150-158, 2017.
    """
    order = np.argsort(depth, kind="stable")
    rows = [series[part].mean(axis=0) for part in np.array_split(order, min(400, len(order)))]
    sheet = np.stack(rows).astype(np.float64)
    count = series.shape[1]
    time = np.linspace(-1, 1, count)
    line = np.polynomial.polynomial.polyfit(time[start:], sheet[:, start:].T, 1)
    percent = 100 * (sheet - line[0][:, None] - line[1][:, None] * time)
    percent /= np.maximum(sheet.mean(axis=1, keepdims=True), 1e-6)
    span = max(0.5, float(np.percentile(np.abs(percent[:, start:]), 97)))
    with canvas.figure(640) as fig:
        grid = fig.add_gridspec(
            3,
            1,
            height_ratios=(1, 1, 2.6),
            left=0.085,
            right=0.9,
            top=0.95,
            bottom=0.085,
            hspace=0.3,
        )
        traces = (
            ("Framewise displacement", "mm", displacement, limits[0], BLUE),
            ("Standardized DVARS", "", change, limits[1], ORANGE),
        )
        bottom = fig.add_subplot(grid[2])
        for row, (title, unit, values, limit, colour) in enumerate(traces):
            ax = fig.add_subplot(grid[row], sharex=bottom)
            _trace(ax, title, unit, values, limit, colour)
        ax = bottom
        shown = ax.imshow(
            percent,
            cmap="gray",
            vmin=-span,
            vmax=span,
            aspect="auto",
            interpolation="none",
            extent=(-0.5, count - 0.5, len(percent), 0),
        )
        ax.set_yticks([0, len(percent)], ["edge", "centre"])
        ax.set_title("Voxels of the brain, by depth")
        ax.set_xlabel("Volume")
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
        place = ax.get_position()
        bar = fig.colorbar(shown, cax=fig.add_axes((0.915, place.y0, 0.012, place.height)))
        bar.outline.set_visible(False)  # pyright: ignore[reportCallIssue]
        bar.set_label("signal change, %")
        return canvas.png(fig)


def motion(parameters: Floats) -> bytes:
    """The six parameters (t, 6) in mm and radians as two panels; rotations shown in degrees."""
    panels = (
        ("Translation", "mm", parameters[:, :3], ("right", "front", "up")),
        ("Rotation", "degrees", np.degrees(parameters[:, 3:]), ("pitch", "roll", "yaw")),
    )
    with canvas.figure(430) as fig:
        grid = fig.add_gridspec(2, 1, left=0.085, right=0.9, top=0.93, bottom=0.12, hspace=0.4)
        for row, (title, unit, values, names) in enumerate(panels):
            ax = fig.add_subplot(grid[row])
            ax.axhline(0, color=LINE, linewidth=0.8)
            for column, (colour, style) in enumerate(((BLUE, "-"), (ORANGE, "-"), (GREEN, "-"))):
                ax.plot(values[:, column], style, color=colour)
            reach = max(float(np.abs(values).max()) * 1.1, 0.1)
            ax.set_ylim(-reach, reach)
            _name_ends(ax, values, names, reach)
            ax.set_title(title)
            ax.set_ylabel(unit)
            ax.margins(x=0)
            ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
            ax.tick_params(labelbottom=row == 1)
            if row == 1:
                ax.set_xlabel("Volume")
        return canvas.png(fig)


def bvalues(
    shell: NDArray[np.int64], vectors: Floats, signal: Floats, outliers: NDArray[np.bool_]
) -> bytes:
    """Shell and slice signal of each volume, and the directions on a half sphere.

    shell       (t,) in s/mm2
    vectors     (t, 3) unit directions
    signal      (z, t) mean signal of each slice, NaN outside the brain
    outliers    (z, t) slices to mark
    """
    count = len(shell)
    values = [int(value) for value in np.unique(shell)]
    shades = matplotlib.colormaps["viridis"](np.linspace(0.1, 0.85, len(values)))
    relative = np.full(signal.shape, np.nan)
    for value in values:
        members = shell == value
        centre = np.median(signal[:, members], axis=1)
        relative[:, members] = 100 * (signal[:, members] / centre[:, None] - 1)
    with canvas.figure(480) as fig:
        grid = fig.add_gridspec(
            2, 2, width_ratios=(2.5, 1), height_ratios=(1, 1.5),
            left=0.085, right=0.985, top=0.94, bottom=0.115, hspace=0.35, wspace=0.3,
        )  # fmt: skip
        ax = fig.add_subplot(grid[0, 0])
        for value, colour in zip(values, shades, strict=True):
            where = np.flatnonzero(shell == value)
            ax.vlines(where, 0, shell[where], color=colour, linewidth=max(0.8, min(2, 150 / count)))
            ax.plot(where, shell[where], "o", color=colour, markersize=3)
        ax.set_title("b-value of each volume, s/mm²")
        ax.set_ylim(0, max(values[-1] * 1.15, 100))
        ax.set_xlim(-0.5, count - 0.5)
        ax.tick_params(labelbottom=False)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
        low = fig.add_subplot(grid[1, 0], sharex=ax)
        shown = low.imshow(
            relative, cmap="PuOr", vmin=-20, vmax=20, aspect="auto", interpolation="none",
            origin="lower", extent=(-0.5, count - 0.5, -0.5, len(signal) - 0.5),
        )  # fmt: skip
        for level, volume in np.argwhere(outliers):
            low.add_patch(
                Rectangle(
                    (volume - 0.5, level - 0.5), 1, 1, fill=False, edgecolor=RED, linewidth=1.2
                )
            )
        low.set_title("Slice signal against its shell's median, %")
        low.set_xlabel("Volume")
        low.set_ylabel("slice")
        bar = fig.colorbar(shown, cax=fig.add_axes((0.68, 0.115, 0.009, 0.42)))
        bar.outline.set_visible(False)  # pyright: ignore[reportCallIssue]
        _hemisphere(fig.add_subplot(grid[:, 1]), shell, vectors, values, shades)
        return canvas.png(fig)


def _hemisphere(
    ax: Axes, shell: NDArray[np.int64], vectors: Floats, values: list[int], shades: Floats
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


def _trace(ax: Axes, title: str, unit: str, values: Floats, limit: float, colour: str) -> None:
    time = np.arange(len(values))
    above = values > limit
    ax.fill_between(time, values, color=colour, alpha=0.18, linewidth=0)
    ax.plot(time, values, color=colour)
    ax.plot(time[above], values[above], "v", color=RED, markersize=3.5)
    ax.axhline(limit, color=QUIET, linewidth=0.8, linestyle=(0, (3, 3)))
    ax.annotate(
        f"{limit:g}{' ' + unit if unit else ''}", (1, limit), (4, 0),
        xycoords=ax.get_yaxis_transform(), textcoords="offset points",
        fontsize=7, color=QUIET, va="center",
    )  # fmt: skip
    ax.set_ylim(0, max(float(values.max()) * 1.15, limit * 1.25))
    ax.set_title(title)
    ax.set_ylabel(unit)
    ax.tick_params(labelbottom=False)


def _name_ends(ax: Axes, values: Floats, names: tuple[str, str, str], reach: float) -> None:
    """Name each curve at its right end, moved apart where the curves end together."""
    ends = values[-1]
    order = np.argsort(ends)
    places = ends[order].astype(float)
    apart = 0.26 * reach
    for index in range(1, 3):
        places[index] = max(places[index], places[index - 1] + apart)
    places -= max(0.0, places[-1] - reach)
    for place, index in zip(places, order, strict=True):
        ax.annotate(
            names[index], (1, place), (5, 0), xycoords=ax.get_yaxis_transform(),
            textcoords="offset points", color=(BLUE, ORANGE, GREEN)[index], fontsize=8, va="center",
        )  # fmt: skip


def _cuts(
    image: Floats, spacing: Spacing, axis: int, count: int
) -> tuple[list[Floats], list[tuple[float, float]]]:
    """Evenly spaced slices across `axis`, without the outermost, and their pixel sizes."""
    size = image.shape[axis]
    margin = size // 10
    places = np.unique(np.linspace(margin, size - 1 - margin, min(count, size)).round().astype(int))
    first, second = (i for i in range(3) if i != axis)
    return [np.take(image, int(place), axis=axis) for place in places], [
        (spacing[first], spacing[second])
    ] * len(places)


def _bounds(image: Floats) -> tuple[slice, slice, slice]:
    """The box around what is bright, with a small margin."""
    smooth = blur(image, 1.0)
    bright = np.asarray(smooth > 0.5 * otsu_level(smooth))
    bright = np.asarray(ndimage.binary_opening(bright), dtype=bool)
    if not bright.any():
        return (slice(None), slice(None), slice(None))
    places = np.argwhere(bright)
    sides = [
        slice(max(0, low - 2), high + 3)
        for low, high in zip(places.min(axis=0), places.max(axis=0), strict=True)
    ]
    return (sides[0], sides[1], sides[2])
