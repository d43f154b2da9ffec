"""Echo planar runs: distortion, the response to a task, noise and the moving head."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gamma

from demo.head import Volume, resample
from demo.motion import rigid

Array = NDArray[np.floating]

BRAIN_SIGNAL = 1000.0  # of the stored integers
NOISE = 14.0  # standard deviation of the thermal noise, same unit


@dataclass(frozen=True)
class Event:
    """One block of the task: onset and duration in s, and its condition."""

    onset: float
    duration: float
    trial_type: str


@dataclass(frozen=True)
class Scene:
    """The head as an echo planar run sees it, on a fine grid.

    Attributes:
        signal: undisturbed signal, the brain's mean near 1.
        activation: relative signal change at the peak of the response, 0 where nothing responds.
        affine: voxel of both to scanner RAS, mm, with the head at rest.
    """

    signal: Volume
    activation: Volume
    affine: Array


@dataclass(frozen=True)
class Distortion:
    """The shift of a grid's second axis, the phase encoding, by off-resonance above the sinuses.

    Attributes:
        low: row just below the place that a voxel's signal comes from.
        part: how far that place lies on the way to the next row, 0 to 1.
        stretch: signal gained or lost as voxels are squeezed or stretched.
    """

    low: NDArray[np.intp]
    part: Volume
    stretch: Volume

    def apply(self, image: Volume) -> Volume:
        """``image`` as it is acquired."""
        lower = np.take_along_axis(image, self.low, 1)
        upper = np.take_along_axis(image, self.low + 1, 1)
        lower += (upper - lower) * self.part
        lower *= self.stretch
        return lower


def distortion(points: tuple[Volume, ...], sign: int, voxel_mm: float) -> Distortion:
    """Find where the signal of each voxel comes from.

    Args:
        points: sparse coordinates of the grid, mm from its middle.
        sign: +1 shifts signal to the front, -1 to the back.
        voxel_mm: of the grid.
    """
    x, y, z = points
    place = y
    for _ in range(4):
        place = y - sign * field_shift(x, place, z)
    stretch = np.gradient(place, voxel_mm, axis=1)
    rows = (place - y.ravel()[0]) / voxel_mm
    low = np.clip(np.floor(rows), 0, y.size - 2).astype(np.intp)
    return Distortion(low, np.clip(rows - low, 0, 1).astype(np.float32), stretch)


def field_shift(x: Volume, y: Volume, z: Volume) -> Volume:
    """Displacement in mm by the off-resonance: 7 mm where it is worst, above the nose."""
    distance = (x / 26) ** 2 + ((y - 48) / 24) ** 2 + ((z + 26) / 20) ** 2
    return np.float32(7.0) * np.exp(-0.5 * distance)


def blob(points: tuple[Volume, ...], centre: tuple[float, float, float], fwhm: float) -> Volume:
    """A Gaussian of height 1 around ``centre`` (mm), zero where it falls below 0.001."""
    distance = sum((axis - c) ** 2 for axis, c in zip(points, centre, strict=True))
    height = np.exp(-4 * np.log(2) * distance / fwhm**2).astype(np.float32)
    return np.where(height < 1e-3, np.float32(0), height)


def response(events: list[Event], condition: str, times: Array) -> Array:
    """Blocks of a condition convolved with the canonical response; 1 is a long block's plateau.

    The double gamma of SPM: peak at 6 s, undershoot at 16 s and a sixth as high.
    """
    step = 0.1
    lags = np.arange(0, 32, step)
    kernel = lags**5 * np.exp(-lags) / gamma(6) - lags**15 * np.exp(-lags) / gamma(16) / 6
    kernel /= kernel.sum()
    fine = np.arange(0, times.max() + 1, step)
    boxcar = np.zeros_like(fine)
    for event in events:
        if event.trial_type == condition:
            boxcar[(fine >= event.onset) & (fine < event.onset + event.duration)] = 1
    return np.interp(times, fine, np.convolve(boxcar, kernel)[: len(fine)])


def acquire(
    scene: Scene,
    affine: Array,
    shape: tuple[int, int, int],
    motion: Array,
    course: Array,
    rng: np.random.Generator,
    drops: dict[int, float],
) -> Iterator[NDArray[np.uint16]]:
    """Take the volumes of a run one by one.

    Args:
        scene: what is there.
        affine: voxel (column, row, slice) to scanner RAS of the run, mm.
        shape: columns, rows, slices.
        motion: (volumes, 6), see `demo.motion.head_motion`.
        course: (volumes, slices) the response when each slice is taken.
        rng: decides the noise.
        drops: volume index -> fraction of the signal that its middle slices lose.
    """
    drift = _drift(rng, len(motion))
    phase = rng.uniform(0, 2 * np.pi)
    depth = np.linspace(0, 2, shape[2])
    box = _box(resample(scene.activation, scene.affine, shape, affine) > 0)
    shift = np.eye(4)
    shift[:3, 3] = [part.start for part in box]
    size = tuple(part.stop - part.start for part in box)
    for index, parameters in enumerate(motion):
        moved = rigid(parameters) @ scene.affine
        signal = resample(scene.signal, moved, shape, affine)
        active = resample(scene.activation, moved, size, affine @ shift)
        signal[box] *= 1 + active * course[index, box[2]].astype(np.float32)
        breathing = 0.004 * np.sin(2 * np.pi * 0.29 * 2.0 * index + phase + depth)
        gain = BRAIN_SIGNAL * (1 + drift[index] + breathing)
        if index in drops:
            gain[shape[2] // 3 : 2 * shape[2] // 3] *= 1 - drops[index]
        yield magnitude(signal * gain.astype(np.float32), NOISE, rng)


def magnitude(signal: Volume, noise: float, rng: np.random.Generator) -> NDArray[np.uint16]:
    """Add complex Gaussian noise and store the magnitude as 12-bit integers."""
    real = rng.standard_normal(signal.shape, np.float32) * np.float32(noise) + signal
    imaginary = rng.standard_normal(signal.shape, np.float32) * np.float32(noise)
    return np.clip(np.rint(np.hypot(real, imaginary)), 0, 4095).astype(np.uint16)


def _box(where: NDArray[np.bool_]) -> tuple[slice, slice, slice]:
    """The smallest box around the voxels that are true, and two voxels more on each side."""
    sides = []
    for axis in range(3):
        along = np.flatnonzero(where.any(axis=tuple(a for a in range(3) if a != axis)))
        sides.append(slice(max(int(along[0]) - 2, 0), min(int(along[-1]) + 3, where.shape[axis])))
    return sides[0], sides[1], sides[2]


def _drift(rng: np.random.Generator, volumes: int) -> Array:
    """Slow drift of the whole image, of the order of half a percent."""
    line = np.linspace(-1, 1, volumes) * rng.normal(0, 0.003)
    wave = 0.002 * np.sin(np.linspace(0, rng.uniform(2, 5), volumes))
    return line + wave
