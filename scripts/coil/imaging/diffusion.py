"""Numbers from diffusion-weighted series: shells, directions, slices that lost signal."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from coil.errors import DataError
from coil.imaging.masks import Mask

_B0_BELOW = 50.0  # s/mm2: scanners write small b-values for what is meant as b = 0
_SHELL_WIDTH = 100.0  # s/mm2: nearer than this is the same shell
_FEW_VOLUMES = 6
_FEW_VOXELS = 100
_DROP = 0.1
_Z = 3.5


def read_gradients(bval: Path, bvec: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """b-values (t,) in s/mm2 and directions (t, 3) from FSL's text files.

    Raises DataError when one is unreadable or their lengths differ.
    """
    try:
        values = np.loadtxt(bval, ndmin=1).ravel()
        vectors = np.loadtxt(bvec, ndmin=2)
    except (OSError, ValueError) as error:
        raise DataError(f"{bval.name}: the b-values or directions cannot be read") from error
    if vectors.shape != (3, len(values)):
        raise DataError(f"{bvec.name}: not three rows of as many directions as b-values")
    return values, vectors.T


def shells(bvalues: NDArray[np.float64]) -> NDArray[np.int64]:
    """The shell of each volume in s/mm2, (t,): 0 for b = 0, otherwise rounded to 50.

    Sorted b-values that lie nearer together than 100 s/mm2 make one shell.
    """
    result = np.zeros(len(bvalues), dtype=np.int64)
    order = np.argsort(bvalues, kind="stable")
    weighted = order[bvalues[order] >= _B0_BELOW]
    if weighted.size:
        gaps = np.flatnonzero(np.diff(bvalues[weighted]) >= _SHELL_WIDTH) + 1
        for members in np.split(weighted, gaps):
            result[members] = max(50, 50 * round(float(np.median(bvalues[members])) / 50))
    return result


def directions(vectors: NDArray[np.float64], shell: NDArray[np.int64]) -> int:
    """How many different directions the weighted volumes have; v and -v count as one."""
    weighted = vectors[(shell > 0) & (np.linalg.norm(vectors, axis=1) > 0.5)]
    distinct: list[NDArray[np.float64]] = []
    for vector in weighted:
        direction = vector / np.linalg.norm(vector)
        if all(abs(float(direction @ other)) < np.cos(np.deg2rad(1)) for other in distinct):
            distinct.append(direction)
    return len(distinct)


def slice_signal(series: NDArray[np.generic], mask: Mask) -> NDArray[np.float64]:
    """The mean signal in the mask of each slice and volume, (z, t); NaN for small slices."""
    result = np.full((series.shape[2], series.shape[3]), np.nan)
    for index in range(series.shape[2]):
        inside = mask[:, :, index]
        if inside.sum() >= _FEW_VOXELS:
            result[index] = series[:, :, index][inside].mean(axis=0, dtype=np.float64)
    return result


def outlier_slices(signal: NDArray[np.float64], shell: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Slices (z, t) that lost signal, as motion during the diffusion weighting makes them.

    Within a shell of 6 or more volumes: at least 10 % below the slice's median over the shell
    and, in units of 1.4826 * MAD of the slice, more than 3.5 below it. Our own simple
    criterion, without a diffusion model, unlike that of FSL's eddy.
    """
    result = np.zeros(signal.shape, dtype=bool)
    for value in np.unique(shell):
        members = np.flatnonzero(shell == value)
        if len(members) < _FEW_VOLUMES:
            continue
        part = signal[:, members]
        centre = np.median(part, axis=1, keepdims=True)
        spread = 1.4826 * np.median(np.abs(part - centre), axis=1, keepdims=True)
        with np.errstate(invalid="ignore"):
            result[:, members] = (part < (1 - _DROP) * centre) & (centre - part > _Z * spread)
    return result
