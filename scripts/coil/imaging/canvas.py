"""The base of all figures: one style, one way to PNG bytes that never differ between runs."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

WIDTH = 1200  # pixels of every figure: sharp on a page 60 em wide
DPI = 150

# Okabe & Ito's colours, told apart in every common form of colour blindness.
BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
INK, QUIET, LINE = "#22282f", "#6b7580", "#d8dde2"

_STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.labelsize": 8,
    "axes.edgecolor": LINE,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 8,
    "axes.titlelocation": "left",
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "lines.linewidth": 1.1,
    "lines.solid_joinstyle": "round",
    "figure.facecolor": "white",
}


@contextmanager
def figure(height: int) -> Iterator[Figure]:
    """A figure `WIDTH` by `height` pixels in the house style, whatever matplotlibrc says."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(cast(Any, _STYLE))
        fig = Figure(figsize=(WIDTH / DPI, height / DPI), dpi=DPI)
        FigureCanvasAgg(fig)
        yield fig


def png(fig: Figure) -> bytes:
    """The figure as an 8-bit palette PNG without dates or program names.

    A palette keeps the pages, which carry their figures inside, small.
    """
    canvas = fig.canvas
    assert isinstance(canvas, FigureCanvasAgg)
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())[..., :3]
    image = Image.fromarray(np.ascontiguousarray(pixels))
    if np.ptp(pixels, axis=2).max() == 0:
        reduced = Image.fromarray(pixels[..., 0] // 4 * 4)  # 64 greys: noise is costly
    else:
        reduced = image.quantize(
            256, method=Image.Quantize.MAXCOVERAGE, kmeans=2, dither=Image.Dither.NONE
        )
    stream = io.BytesIO()
    reduced.save(stream, "PNG", optimize=True)
    return stream.getvalue()


def tile(
    slices: list[NDArray[np.floating]],
    spacings: list[tuple[float, float]],
    columns: int,
    width: int = WIDTH,
) -> tuple[NDArray[np.floating], list[tuple[int, int]]]:
    """Put 2-D slices side by side on one black canvas.

    slices      each (horizontal, vertical), right and up positive
    spacings    each slice's pixel size in mm, in the same order
    columns     tiles in a row
    width       of the canvas in pixels

    Slices of one call share the scale in pixels per mm. Returns the canvas (rows, columns),
    first row on top, and each tile's upper left corner (row, column).
    """
    extents = [
        (part.shape[0] * dx, part.shape[1] * dy)
        for part, (dx, dy) in zip(slices, spacings, strict=True)
    ]
    cell = width // columns
    scale = cell / max(extent[0] for extent in extents)
    heights = [max(1, round(extent[1] * scale)) for extent in extents]
    rows = [heights[i : i + columns] for i in range(0, len(heights), columns)]
    canvas = np.zeros((sum(max(row) for row in rows), width))
    corners = []
    top = 0
    for number, row in enumerate(rows):
        for column in range(len(row)):
            index = number * columns + column
            part = slices[index].T[::-1]
            wide = max(1, round(extents[index][0] * scale))
            grown = _resize(part, (heights[index], wide))
            left = column * cell + (cell - wide) // 2
            canvas[top : top + heights[index], left : left + wide] = grown[:, : width - left]
            corners.append((top, column * cell))
        top += max(row)
    return canvas, corners


@dataclass(frozen=True)
class Scale:
    """A colour scale below a sheet of slices.

    left, width     as fractions of the sheet
    colours         (n, 3 or 4), from the value `ends[0]` to `ends[1]`
    ticks           the values that are named; None for round ones between
    """

    left: float
    width: float
    colours: NDArray[np.floating]
    ends: tuple[float, float]
    ticks: tuple[float, ...] | None = None


def sheet(colours: NDArray[np.floating], scales: list[Scale], columns: int) -> bytes:
    """Slices in colour (rows, columns, 3) on black, the sides of the first named, and scales.

    columns     tiles in a row, as in `tile`
    """
    foot = 48
    height = len(colours) + foot
    with figure(height) as fig:
        fig.set_facecolor("black")
        ax = fig.add_axes((0.0, foot / height, 1.0, len(colours) / height))
        ax.imshow(colours, interpolation="none", aspect="auto")
        ax.set_axis_off()
        name_sides(ax, columns)
        for scale in scales:
            bar = fig.add_axes((scale.left, 30 / height, scale.width, 12 / height))
            bar.imshow(scale.colours[None], aspect="auto", extent=(*scale.ends, 0, 1))
            bar.set_yticks([])
            if scale.ticks is not None:
                bar.set_xticks(scale.ticks, [f"{tick:.1f}" for tick in scale.ticks])
            bar.tick_params(colors="white", length=0, pad=2)
            for side in bar.spines.values():
                side.set_visible(False)
        return png(fig)


def name_sides(ax: Axes, columns: int) -> None:
    """Say which side is which on the first axial slice of a sheet of so many in a row."""
    for place, name, side in ((6, "L", "left"), (WIDTH // columns - 6, "R", "right")):
        ax.text(place, 6, name, color="white", fontsize=7, ha=side, va="top")


def _resize(part: NDArray[np.floating], shape: tuple[int, int]) -> NDArray[np.floating]:
    factors = (shape[0] / part.shape[0], shape[1] / part.shape[1])
    if min(factors) < 1:  # against moire, where slices are made smaller
        part = ndimage.gaussian_filter(part, [max(0.0, 0.5 / f - 0.5) for f in factors])
    grid = [(np.arange(n) + 0.5) / factor - 0.5 for n, factor in zip(shape, factors, strict=True)]
    return ndimage.map_coordinates(part, np.meshgrid(*grid, indexing="ij"), order=1, mode="nearest")
