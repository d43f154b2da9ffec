"""The session's protocol: geometry and timing of each series."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from demo.dicom import Series

Array = NDArray[np.floating]

T1_MM = 1.75
EPI_MM = 4.0
EPI_SHAPE = (48, 56, 32)  # columns, rows, slices
VOLUMES = 64
ABORTED_VOLUMES = 23
TR = 2.0  # s
TASK = "fingertap"
B0_VOLUMES, DIRECTIONS, B_VALUE = 2, 12, 1000.0
PHASE_BANDWIDTH = 32.0  # Hz a pixel: 0.56 ms from echo to echo, 31 ms of readout

# Odd slices first, then even, as Siemens orders an odd-even interleave of an even count.
SLICE_TIMES = tuple(
    round(float(t) * TR / EPI_SHAPE[2], 4)
    for t in np.argsort([*range(1, EPI_SHAPE[2], 2), *range(0, EPI_SHAPE[2], 2)])
)

LOCALIZER = "localizer"
T1W = "t1_mprage_sag"
FIELD_MAP = {"AP": "se_epi_AP", "PA": "se_epi_PA"}
BOLD = "fmri_task-fingertap"
DWI = "dwi_b1000_12dir"
ADC = "dwi_b1000_12dir_ADC"
UNMAPPED = "ge_trial_MT"


def clock(start: datetime) -> Callable[[float], datetime]:
    """Return a function that gives the next series' start and moves on by its length."""
    now = start + timedelta(seconds=20)

    def begin(seconds: float) -> datetime:
        nonlocal now
        began, now = now, now + timedelta(seconds=round(seconds + 31.25, 2))
        return began

    return begin


def centred(shape: tuple[int, ...], axes: Array) -> Array:
    """Grid with its middle at zero: (4, 4) from the (3, 3) voxel axes in mm."""
    affine = np.eye(4)
    affine[:3, :3] = axes
    affine[:3, 3] = -axes @ ((np.array(shape) - 1) / 2)
    return affine


def axial(shape: tuple[int, ...], mm: float) -> Array:
    """Columns to the left, rows to the back, slices upwards."""
    return centred(shape, np.diag([-mm, -mm, mm]))


def epi_series(number: int, description: str, affine: Array, start: datetime, **more) -> Series:
    """An echo planar series; ``more`` replaces any attribute."""
    values = {
        "image_type": ("ORIGINAL", "PRIMARY", "M", "NONE"),
        "duration": TR,
        "tr": TR * 1000,
        "te": 30.0,
        "flip": 77.0,
        "epi": True,
        "phase_positive": True,
        "phase_bandwidth": PHASE_BANDWIDTH,
        "sequence": "epfid2d1_48",
        **more,
    }
    return Series(number, description, affine=affine, start=start, **values)


def nifti_affine(series: Series, rows: int) -> Array:
    """The affine after the order of the rows is turned round, as dcm2niix does for axial slices."""
    flip = np.diag([1.0, -1.0, 1.0, 1.0])
    flip[1, 3] = rows - 1
    return series.affine @ flip
