"""pydeface's average head (Poldrack and others, MIT licence), and where its face is."""

from functools import cache
from importlib import metadata, resources

import numpy as np

from coil.deid.deface.grids import Grid, even, find_head, load, resample

# The average head's middle (voxels), and its voxels' edges (mm): the origin and the unit of the
# frame that the cut below is given in, x to the right, y to the front, z up.
MIDDLE = (87.0, 115.0, 131.0)
EDGES = (1.004, 0.977, 0.977)
# pydeface's mask ends in the orbits. What lies in front of this surface goes as well, from the
# floor of the orbits up to where the surface leaves the skin, above the brow:
# y = START + SLOPE (z - FLOOR) - BEND x^2, as the frontal lobes and the forehead bend, and never
# behind LEAST. It stays 7 mm and more from the brains of the simulated heads.
START, SLOPE, BEND = 76.0, 0.62, 0.009
FLOOR, LEAST, SIDE = -45.0, 62.0, 60.0  # mm; beyond SIDE from the middle it bends no further


def edition() -> str:
    """The package and the release that template and mask are from."""
    return f"pydeface {metadata.version('pydeface')}"


@cache
def template(spacing: float = 2.0) -> Grid:
    """The average head, evened."""
    return even(load(_data("mean_reg2mean.nii.gz")), spacing)


@cache
def template_head() -> np.ndarray:
    """Where `template()` is not air."""
    return find_head(template())


@cache
def kept() -> Grid:
    """1 where the average head is kept, 0 where it has its face, eyes and brow."""
    mask = load(_data("facemask.nii.gz"))
    axes = [
        (np.arange(n, dtype=np.float32) - middle) * edge
        for n, middle, edge in zip(mask.data.shape, MIDDLE, EDGES, strict=True)
    ]
    x, y, z = np.meshgrid(*axes, indexing="ij", sparse=True)
    surface = START + SLOPE * (z - FLOOR) - BEND * np.minimum(np.abs(x), SIDE) ** 2
    eyes = (y > np.maximum(surface, LEAST)) & (z > FLOOR)
    return Grid(np.where(eyes, 0, mask.data).astype(np.float32), mask.affine)


def face(shape: tuple[int, ...], affine: np.ndarray, to_template: np.ndarray) -> np.ndarray:
    """Where a grid has voxels of the face, beyond the template's borders too."""
    mask = kept()
    matrix = np.linalg.inv(mask.affine) @ to_template @ affine
    return resample(mask.data, matrix, shape[:3], order=0, mode="nearest") < 0.5


def _data(name: str) -> str:
    return str(resources.files("pydeface") / "data" / name)
