"""Head motion between the volumes of a series: rigid realignment and framewise displacement."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from coil.imaging.masks import blur

PARAMETERS = ("trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z")
RADIUS_MM = 50.0  # Power's sphere: a rotation counts as the arc it makes on the brain's surface

_FWHM_MM = 5.0
_POINTS = 15_000
_ITERATIONS = 30
_ENOUGH_MM = 2e-3  # a step this small, on the sphere too, ends the search


def rotation(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    """The 3x3 rotation Rx(a) @ Ry(b) @ Rz(c) for `angles` (a, b, c) in radians."""
    (ca, cb, cc), (sa, sb, sc) = np.cos(angles), np.sin(angles)
    return np.array(
        [
            [cb * cc, -cb * sc, sb],
            [ca * sc + sa * sb * cc, ca * cc - sa * sb * sc, -sa * cb],
            [sa * sc - ca * sb * cc, sa * cc + ca * sb * sc, ca * cb],
        ]
    )


def angles(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """The three angles in radians from which `rotation` makes this 3x3 matrix."""
    return np.array(
        [
            np.arctan2(-matrix[1, 2], matrix[2, 2]),
            np.arcsin(np.clip(matrix[0, 2], -1.0, 1.0)),
            np.arctan2(-matrix[0, 1], matrix[0, 0]),
        ]
    )


def realign(
    series: NDArray[np.generic],
    affine: NDArray[np.float64],
    mask: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Estimate the head's position in each volume relative to the middle one, the reference.

    The sum of squared differences between smoothed volumes is minimized over a rigid
    transform and an intensity factor by inverse compositional Gauss-Newton steps (Baker &
    Matthews, Int J Comput Vis 56:221-255, 2004): the gradient belongs to the reference and is
    computed once, so a step costs one interpolation.

    series      (x, y, z, t) intensities
    affine      (4, 4) voxels to millimetres in scanner space
    mask        (x, y, z) where the head is

    Returns (t, 6): translations in mm along, and rotations in radians about, the scanner's
    axes through the centre of the grid. What lies at x in the reference lies at
    R @ (x - centre) + centre + translation in the volume, with R as `rotation` makes it.
    """
    count = int(series.shape[3])
    reference = count // 2
    linear = affine[:3, :3]
    sigma = _FWHM_MM / 2.3548 / np.linalg.norm(linear, axis=0)
    fixed = blur(series[..., reference], sigma)
    points, values, solver = _linearize(fixed, linear, mask)
    inverse = np.linalg.inv(linear)
    rest = (np.eye(3), np.zeros(3))

    result = np.zeros((count, 6))
    for order in (range(reference + 1, count), range(reference - 1, -1, -1)):
        turn, shift = rest
        for index in order:
            moving = np.asarray(ndimage.spline_filter(blur(series[..., index], sigma)))
            # The neighbour's position is the best guess, unless the head has come back.
            guesses = [
                (float(np.sum(_misfit(moving, points, values, inverse, *guess) ** 2)), guess)
                for guess in ((turn, shift), rest)
            ]
            turn, shift = min(guesses, key=lambda guess: guess[0])[1]
            for _ in range(_ITERATIONS):
                step = solver @ _misfit(moving, points, values, inverse, turn, shift)
                turn = turn @ rotation(step[3:6]).T
                shift = shift - turn @ step[:3]
                if max(np.abs(step[:3]).max(), RADIUS_MM * np.abs(step[3:6]).max()) < _ENOUGH_MM:
                    break
            result[index] = np.concatenate([shift, angles(turn)])
    return result


def _misfit(
    moving: NDArray[np.floating],
    points: NDArray[np.floating],
    values: NDArray[np.floating],
    inverse: NDArray[np.floating],
    turn: NDArray[np.floating],
    shift: NDArray[np.floating],
) -> NDArray[np.floating]:
    """The volume (its spline) at the transformed points minus the reference, (n,)."""
    centre = (np.array(moving.shape)[:, None] - 1) / 2
    where = inverse @ (turn @ points + shift[:, None]) + centre
    sampled = ndimage.map_coordinates(moving, where, mode="nearest", prefilter=False)
    return np.asarray(sampled) - values


def _linearize(
    fixed: NDArray[np.float32], linear: NDArray[np.float64], mask: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float32], NDArray[np.floating]]:
    """Sample points (3, n) in mm about the centre, their values (n), the solver (7, n)."""
    inside = np.zeros_like(mask)
    inside[1:-1, 1:-1, 1:-1] = mask[1:-1, 1:-1, 1:-1]
    voxels = np.argwhere(inside)
    voxels = voxels[:: max(1, len(voxels) // _POINTS)].T
    points = linear @ (voxels - (np.array(fixed.shape)[:, None] - 1) / 2)
    # Central differences of the interpolated image, carried over to millimetres.
    gradient = np.stack([np.gradient(fixed, axis=axis)[tuple(voxels)] for axis in range(3)])
    gradient = np.linalg.inv(linear).T @ gradient
    values = fixed[tuple(voxels)]
    jacobian = np.concatenate([gradient, np.cross(points, gradient, axis=0), values[None]])
    return points, values, np.linalg.pinv(jacobian.T)


def framewise_displacement(
    parameters: NDArray[np.float64], radius: float = RADIUS_MM
) -> NDArray[np.float64]:
    """Framewise displacement in mm, (t,); the first value is 0 by convention.

    The sum of the absolute changes of the six parameters from one volume to the next, a
    rotation taken as the arc on a sphere of `radius` mm: Power et al., NeuroImage
    59:2142-2154, 2012.
    """
    change = np.abs(np.diff(parameters, axis=0, prepend=parameters[:1]))
    return change[:, :3].sum(axis=1) + radius * change[:, 3:].sum(axis=1)
