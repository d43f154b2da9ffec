"""pydeface's average head (Poldrack and others, MIT licence), and where its face is."""

from functools import cache
from importlib import metadata, resources

import numpy as np

from coil.deid.deface.grids import Grid, even, find_head, load, resample
from coil.deid.deface.untyped import ndimage

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
ROOF = -22.0  # mm: the brain lies above this, before the temporal lobes


def edition() -> str:
    """The package and the release that template and mask are from."""
    return f"pydeface {metadata.version('pydeface')}"


@cache
def template(spacing: float = 2.0) -> Grid:
    """The average head, evened."""
    return even(load(_data("mean_reg2mean.nii.gz")), spacing)


@cache
def template_face() -> np.ndarray:
    """The voxels of `template()` that every defacing takes: pydeface's face, without its border."""
    head, mask = template(), outside_face()
    matrix = np.linalg.inv(mask.affine) @ head.affine
    whole = template_head() & (resample(mask.data, matrix, head.data.shape, order=0) < 0.5)
    # A head without a face is registered some mm off.
    return np.asarray(ndimage.binary_erosion(whole, iterations=2))


@cache
def template_head() -> np.ndarray:
    """The voxels of `template()` that are not air."""
    return find_head(template())


def vertex(to_template: np.ndarray) -> float:
    """The height at which the average head's highest point comes to lie in an image, in mm."""
    up = (np.linalg.inv(to_template) @ template().affine)[2]
    return float((np.argwhere(template_head()) @ up[:3]).max() + up[3])


@cache
def outside_face() -> Grid:
    """pydeface's mask: 0 where the average head has its face, 1 elsewhere."""
    return load(_data("facemask.nii.gz"))


@cache
def kept() -> Grid:
    """0 where the average head has its face, eyes and brow, 1 elsewhere."""
    mask = outside_face()
    axes = [
        (np.arange(n, dtype=np.float32) - middle) * edge
        for n, middle, edge in zip(mask.data.shape, MIDDLE, EDGES, strict=True)
    ]
    x, y, z = np.meshgrid(*axes, indexing="ij", sparse=True)
    surface = START + SLOPE * (z - FLOOR) - BEND * np.minimum(np.abs(x), SIDE) ** 2
    eyes = (y > np.maximum(surface, LEAST)) & (z > FLOOR)
    return Grid(np.where(eyes, 0, mask.data).astype(np.float32), mask.affine)


def face(shape: tuple[int, ...], affine: np.ndarray, to_template: np.ndarray) -> np.ndarray:
    """The voxels of a grid that are of the face, beyond the template's borders too."""
    mask = kept()
    matrix = np.linalg.inv(mask.affine) @ to_template @ affine
    return resample(mask.data, matrix, shape[:3], order=0, mode="nearest") < 0.5


def above_orbits(shape: tuple[int, ...], affine: np.ndarray, to_template: np.ndarray) -> np.ndarray:
    """The voxels of a grid above the roof of the average head's orbits."""
    row = (np.linalg.inv(kept().affine) @ to_template @ affine)[2].astype(np.float32)
    height = np.tensordot(row[:3], np.indices(shape, dtype=np.float32), axes=1) + row[3]
    return (height - MIDDLE[2]) * EDGES[2] > ROOF


def _data(name: str) -> str:
    return str(resources.files("pydeface") / "data" / name)
