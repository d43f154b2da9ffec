"""Rigid head motion with a known course, and the framewise displacement that follows from it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]

RADIUS_MM = 50.0  # of the sphere on which Power's definition measures rotations


def head_motion(
    rng: np.random.Generator, volumes: int, jumps: dict[int, float], restless: float = 1.0
) -> Array:
    """Simulate a slow random walk with a little jitter, and sudden jumps at chosen volumes.

    Args:
        rng: decides the course.
        volumes: length of the run.
        jumps: volume index -> size in mm of a lasting nod (rotation about x with a shift in z),
            split evenly between shift and arc length on the 50 mm sphere.
        restless: factor on the walk and the jitter; 1 gives a mean displacement near 0.1 mm.

    Returns:
        (volumes, 6): translations x, y, z in mm, then rotations about x, y, z in radians, in
        scanner axes (RAS), relative to the first volume, which is all zero.
    """
    steps = rng.normal(0, 1, (volumes, 6)) * 0.014
    jitter = rng.normal(0, 1, (volumes, 6)) * 0.008
    course = restless * (np.cumsum(steps, axis=0) + jitter)
    course[:, 3:] /= RADIUS_MM
    course -= course[0]
    for volume, size in jumps.items():
        course[volume:, 2] += size / 2
        course[volume:, 3] += size / 2 / RADIUS_MM
    return course


def rigid(parameters: Array) -> Array:
    """(4, 4) matrix moving a point of the still head to its place: ``x' = Rz Ry Rx x + t``.

    The centre of rotation is the scanner's isocentre, where the runs of this study are centred.
    """
    cx, cy, cz = np.cos(parameters[3:])
    sx, sy, sz = np.sin(parameters[3:])
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    matrix = np.eye(4)
    matrix[:3, :3] = about_z @ about_y @ about_x
    matrix[:3, 3] = parameters[:3]
    return matrix


def framewise_displacement(parameters: Array) -> Array:
    """Power's framewise displacement in mm; (volumes,), the first is 0.

    Sum of the absolute differences between neighbouring volumes, rotations as arc length on a
    sphere of 50 mm (Power et al. 2012, NeuroImage 59:2142).
    """
    change = np.abs(np.diff(parameters, axis=0))
    change[:, 3:] *= RADIUS_MM
    return np.concatenate([[0.0], change.sum(axis=1)])
