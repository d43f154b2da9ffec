"""The figures of a series by its volumes: signal and head motion, from arrays to PNG bytes."""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from coil.imaging import canvas
from coil.imaging.canvas import BLUE, GREEN, LINE, ORANGE, QUIET, RED

Floats = NDArray[np.floating]

_COLOURS = (BLUE, ORANGE, GREEN)


@dataclass(frozen=True)
class Trace:
    """A curve over the volumes; above its `limit` a volume is marked."""

    title: str
    units: str
    values: Floats
    limit: float


def carpet(series: Floats, depth: Floats, traces: tuple[Trace, Trace], start: int = 0) -> bytes:
    """Two traces and all voxels' series, one above another.

    series          (n, t) the mask's voxels
    depth           (n,) each voxel's distance from the mask's edge: the rows' order
    traces          of t volumes each
    start           volumes before this are not in steady state and set no scale

    After Power, NeuroImage 154:150-158, 2017.
    """
    percent = _percent(series, depth, start)
    span = max(0.5, float(np.percentile(np.abs(percent[:, start:]), 97)))
    with canvas.figure(640) as fig:
        grid = fig.add_gridspec(
            3, 1, height_ratios=(1, 1, 2.6), left=0.085, right=0.9, top=0.95, bottom=0.085,
            hspace=0.3,
        )  # fmt: skip
        bottom = fig.add_subplot(grid[2])
        for row, (trace, colour) in enumerate(zip(traces, (BLUE, ORANGE), strict=True)):
            _draw_trace(fig.add_subplot(grid[row], sharex=bottom), trace, colour)
        _draw_voxels(fig, bottom, percent, span)
        return canvas.png(fig)


def _percent(series: Floats, depth: Floats, start: int) -> Floats:
    """The change of signal of rows of voxels (r, t) in percent, without its drift."""
    order = np.argsort(depth, kind="stable")
    rows = [series[part].mean(axis=0) for part in np.array_split(order, min(400, len(order)))]
    sheet = np.stack(rows).astype(np.float64)
    time = np.linspace(-1, 1, series.shape[1])
    line = np.polynomial.polynomial.polyfit(time[start:], sheet[:, start:].T, 1)
    percent = 100 * (sheet - line[0][:, None] - line[1][:, None] * time)
    percent /= np.maximum(sheet.mean(axis=1, keepdims=True), 1e-6)
    return percent


def _draw_voxels(fig: Figure, ax: Axes, percent: Floats, span: float) -> None:
    """The rows of voxels in grey, with their scale."""
    rows, count = percent.shape
    shown = ax.imshow(
        percent, cmap="gray", vmin=-span, vmax=span, aspect="auto", interpolation="none",
        extent=(-0.5, count - 0.5, rows, 0),
    )  # fmt: skip
    ax.set_yticks([0, rows], ["edge", "centre"])
    ax.set_title("Voxels of the brain, by depth")
    ax.set_xlabel("Volume")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    box = ax.get_position()
    bar = fig.colorbar(shown, cax=fig.add_axes((0.915, box.y0, 0.012, box.height)))
    bar.outline.set_visible(False)  # pyright: ignore[reportCallIssue]
    bar.set_label("signal change, %")


def _draw_trace(ax: Axes, trace: Trace, colour: str) -> None:
    """A curve, its limit, and marks where it is above."""
    values, limit, units = trace.values, trace.limit, trace.units
    time = np.arange(len(values))
    above = values > limit
    ax.fill_between(time, values, color=colour, alpha=0.18, linewidth=0)
    ax.plot(time, values, color=colour)
    ax.plot(time[above], values[above], "v", color=RED, markersize=3.5)
    ax.axhline(limit, color=QUIET, linewidth=0.8, linestyle=(0, (3, 3)))
    ax.annotate(
        f"{limit:g}{' ' + units if units else ''}", (1, limit), (4, 0),
        xycoords=ax.get_yaxis_transform(), textcoords="offset points",
        fontsize=7, color=QUIET, va="center",
    )  # fmt: skip
    ax.set_ylim(0, max(float(values.max()) * 1.15, limit * 1.25))
    ax.set_title(trace.title)
    ax.set_ylabel(units)
    ax.tick_params(labelbottom=False)


def motion(parameters: Floats) -> bytes:
    """The six parameters (t, 6) in mm and radians as two panels; rotations shown in degrees."""
    panels = (
        ("Translation", "mm", parameters[:, :3], ("right", "front", "up")),
        ("Rotation", "degrees", np.degrees(parameters[:, 3:]), ("pitch", "roll", "yaw")),
    )
    with canvas.figure(430) as fig:
        grid = fig.add_gridspec(2, 1, left=0.085, right=0.9, top=0.93, bottom=0.12, hspace=0.4)
        for row, (title, units, values, names) in enumerate(panels):
            ax = fig.add_subplot(grid[row])
            ax.axhline(0, color=LINE, linewidth=0.8)
            for column, colour in enumerate(_COLOURS):
                ax.plot(values[:, column], "-", color=colour)
            reach = max(float(np.abs(values).max()) * 1.1, 0.1)
            ax.set_ylim(-reach, reach)
            _name_ends(ax, values, names, reach)
            ax.set_title(title)
            ax.set_ylabel(units)
            ax.margins(x=0)
            ax.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
            ax.tick_params(labelbottom=row == 1)
            if row == 1:
                ax.set_xlabel("Volume")
        return canvas.png(fig)


def _name_ends(ax: Axes, values: Floats, names: tuple[str, str, str], reach: float) -> None:
    """Name each curve at its right end, moved apart where the curves end together."""
    ends = values[-1]
    order = np.argsort(ends)
    heights = ends[order].astype(float)
    apart = 0.26 * reach
    for index in range(1, 3):
        heights[index] = max(heights[index], heights[index - 1] + apart)
    heights -= max(0.0, heights[-1] - reach)
    for height, index in zip(heights, order, strict=True):
        ax.annotate(
            names[index], (1, height), (5, 0), xycoords=ax.get_yaxis_transform(),
            textcoords="offset points", color=_COLOURS[index], fontsize=8, va="center",
        )  # fmt: skip
