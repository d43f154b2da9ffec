"""Quality numbers from arrays; each docstring names its source.

A name that MRIQC uses too (Esteban et al., PLoS ONE 12:e0184661, 2017) has MRIQC's
definition here; the masks are our own, and series are measured as acquired, without
realignment.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from coil.imaging.masks import Mask

Floats = NDArray[np.floating]

_RAYLEIGH = np.sqrt(2 / (4 - np.pi))


def tsnr_map(series: Floats) -> Floats:
    """Temporal signal-to-noise ratio, (..., t) to (...); 0 where a voxel never changes.

    Mean over standard deviation in time: Kruger & Glover, Magn Reson Med 46:631-637, 2001.
    """
    mean = series.mean(axis=-1, dtype=np.float64)
    deviation = series.std(axis=-1, dtype=np.float64)
    return np.divide(mean, deviation, out=np.zeros_like(mean), where=deviation > 0)


def dvars(series: Floats) -> tuple[Floats, Floats]:
    """DVARS of the brain's voxels (n, t): plain and standardized, each (t,), the first 0.

    Plain: the root mean square over voxels of the change from the volume before (Power et
    al., NeuroImage 59:2142-2154, 2012), in the units of `series`. Standardized: divided by
    the value expected of a stationary first-order autoregressive series with each voxel's
    robust deviation, so that 1 is what noise alone gives (Nichols, "Notes on creating a
    standardized version of DVARS", arXiv:1704.01469, 2017), as in nipype's ComputeDVARS.
    """
    change = np.diff(series, axis=1)
    plain = np.sqrt(np.mean(np.square(change), axis=0, dtype=np.float64))
    low, high = np.percentile(series, [25, 75], axis=1, method="lower")
    deviation = (high - low) / 1.349
    centred = series - series.mean(axis=1, keepdims=True)
    power = np.sum(centred**2, axis=1)
    lagged = np.sum(centred[:, 1:] * centred[:, :-1], axis=1)
    usable = (deviation > 1e-7) & (power > 0)
    if not usable.any():
        return np.concatenate([[0.0], plain]), np.zeros(series.shape[1])
    correlation = lagged[usable] / power[usable]
    expected = np.mean(np.sqrt(2 * (1 - correlation)) * deviation[usable])
    return np.concatenate([[0.0], plain]), np.concatenate([[0.0], plain / expected])


def global_correlation(series: Floats) -> float:
    """The mean correlation of all pairs of voxels of (n, t), MRIQC's `gcor`.

    The squared length of the mean of the unit-length, centred series: Saad et al., Brain
    Connect 3:339-352, 2013.
    """
    centred = series - series.mean(axis=1, keepdims=True)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    scaled = (centred / np.where(length > 0, length, 1))[length[:, 0] > 0]
    return float(np.sum(scaled.mean(axis=0, dtype=np.float64) ** 2)) if scaled.size else 0.0


def outlier_fraction(series: Floats) -> Floats:
    """The fraction of the voxels (n, t) that are outliers in each volume, (t,).

    A value is an outlier where its distance from the voxel's median exceeds
    sqrt(pi / 2) * MAD * Q^-1(0.001 / t), the limit of AFNI's 3dToutcount, after a straight
    line was removed from the voxel's series.
    """
    count = series.shape[1]
    time = np.linspace(-1, 1, count, dtype=series.dtype)
    slope = (series - series.mean(axis=1, keepdims=True)) @ time / (time @ time)
    distance = series - slope[:, None] * time
    distance = np.abs(distance - np.median(distance, axis=1, keepdims=True))
    spread = np.median(distance, axis=1, keepdims=True)
    limit = np.sqrt(np.pi / 2) * spread * stats.norm.isf(0.001 / count)
    return np.mean(distance > limit, axis=0)


def nonsteady_volumes(signal: Floats) -> int:
    """How many volumes at the start of the global signal (t,) are not yet in steady state.

    The volumes before the first that is no outlier among the first 50: modified z score
    0.6745 * distance / MAD above 3.5 (Iglewicz & Hoaglin, "How to detect and handle
    outliers", 1993), upwards only, as longitudinal magnetization settles from above.
    """
    early = np.asarray(signal[:50], dtype=np.float64)
    distance = early - np.median(early)
    spread = np.median(np.abs(distance))
    if spread == 0:
        return 0
    outlier = 0.6745 * distance / spread > 3.5
    return int(np.argmin(outlier)) if not outlier.all() else 0


def efc(image: Floats, frame: Mask | None = None) -> float:
    """Entropy focus criterion: 0 for one bright voxel, 1 for an image that is all the same.

    Shannon entropy of the intensities as fractions of the image's energy, over its maximum;
    ghosting and blur raise it: Atkinson et al., IEEE Trans Med Imaging 16:903-910, 1997.
    Voxels in `frame` (set to zero by a program, not measured) are left out, as in MRIQC.
    """
    values = image[~frame] if frame is not None else image.ravel()
    values = np.maximum(values, 0).astype(np.float64)
    share = values / np.sqrt(np.sum(values**2))
    entropy = -np.sum(share * np.log(share + 1e-16))
    greatest = np.sqrt(values.size) * np.log(np.sqrt(values.size))
    return float(entropy / greatest)


def fber(image: Floats, head: Mask, air: Mask) -> float:
    """Foreground-to-background energy ratio: median squared intensity, head over air.

    Shehzad et al., "The preprocessed connectomes project quality assessment protocol",
    Front Neurosci conference abstract, 2015; with medians, as in MRIQC. NaN where the
    background's median is 0.
    """
    background = float(np.median(np.square(image[air], dtype=np.float64)))
    if background <= 0:
        return float("nan")
    return float(np.median(np.square(image[head], dtype=np.float64)) / background)


def snr_air(image: Floats, head: Mask, air: Mask) -> float:
    """Signal-to-noise ratio with the noise from the air around the head.

    Median of the head over the air's deviation times sqrt(2 / (4 - pi)), which turns the
    deviation of Rayleigh noise into that of the signal's Gaussian noise: Dietrich et al.,
    J Magn Reson Imaging 26:375-385, 2007. MRIQC's snrd is the same for single tissues. Holds
    for magnitude images; parallel imaging and filters change the noise from place to place.
    """
    noise = float(np.std(image[air], dtype=np.float64)) * _RAYLEIGH
    return float(np.median(image[head]) / noise) if noise > 0 else float("nan")
