"""Diffusion-weighted volumes of an anatomy with a simple, known tensor field."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Volume = NDArray[np.float32]


def directions(count: int) -> tuple[tuple[float, float, float], ...]:
    """Unit vectors spread over the half sphere along a golden spiral; (count, 3)."""
    k = np.arange(count) + 0.5
    z = 1 - k / count
    angle = np.pi * (1 + 5**0.5) * k
    radius = np.sqrt(1 - z**2)
    vectors = np.stack([radius * np.cos(angle), radius * np.sin(angle), z], axis=1)
    return tuple((float(x), float(y), float(w)) for x, y, w in np.round(vectors, 6))


def tensor(t1: Volume, points: tuple[Volume, ...]) -> tuple[Volume, Volume, Volume]:
    """Mean diffusivity, anisotropy and main direction of each voxel.

    Fluid diffuses freely (3.0), grey and white matter at 0.8 (10^-3 mm^2/s); white matter, where
    T1w is brightest, is anisotropic, from side to side near the midline and upwards away from it.

    Returns:
        mean diffusivity in mm^2/s; spread between the axial and the mean diffusivity, relative;
        unit vectors (3, *shape).
    """
    fluid = np.clip((0.62 - t1) / 0.2, 0, 1)
    white = np.clip((t1 - 0.85) / 0.15, 0, 1)
    mean = ((0.8 + 2.2 * fluid) * 1e-3).astype(np.float32)
    x = points[0] + np.zeros_like(t1)
    up = np.clip(np.abs(x) / 30, 0, 1)
    vectors = np.stack([1 - up, np.full_like(up, 0.1), up])
    return mean, 0.9 * white, vectors / np.linalg.norm(vectors, axis=0)


def attenuation(
    field: tuple[Volume, Volume, Volume], b_value: float, direction: tuple[float, float, float]
) -> Volume:
    """Signal with the gradient on, relative to that without (Stejskal and Tanner 1965)."""
    mean, spread, vectors = field
    along = np.tensordot(np.asarray(direction, np.float32), vectors, 1) ** 2
    diffusivity = mean * (1 + spread * (1.5 * along - 0.5))
    return np.exp(-b_value * diffusivity).astype(np.float32)
