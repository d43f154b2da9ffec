"""Fit a run and find what passes the threshold."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd
from nibabel.affines import apply_affine
from nilearn.glm.first_level import FirstLevelModel
from numpy.typing import NDArray
from scipy import ndimage, stats

from coil.imaging.masks import Mask, brain_mask

_DECIMALS = 4  # what differs beyond is the order in which a library's threads added


@dataclass(frozen=True)
class Terms:
    """How runs are modelled.

    hrf             nilearn's name of the response, `spm` or `glover`
    high_pass_s     the longest period of drift that is kept, in seconds
    smoothing_mm    full width at half maximum of the smoothing; 0 for none
    alpha           probability of a false voxel anywhere in the brain, both signs together
    cluster_mm3     the smallest cluster that counts
    """

    hrf: str
    high_pass_s: float
    smoothing_mm: float
    alpha: float
    cluster_mm3: float


@dataclass(frozen=True)
class Cluster:
    """Neighbouring voxels (by face, edge or corner) of one sign beyond the threshold."""

    z: float
    peak_mm: tuple[float, float, float]
    size_mm3: float


@dataclass(frozen=True)
class Result:
    """A contrast's maps (x, y, z): z values, effects in percent of the mean signal, what passed."""

    z: NDArray[np.float32]
    effect: NDArray[np.float32]
    passed: Mask
    clusters: list[Cluster]


@dataclass(frozen=True)
class Fitted:
    """A run's model: the brain (x, y, z), the design (t, regressors), the threshold as |z|."""

    brain: Mask
    mean: NDArray[np.float32]
    design: pd.DataFrame
    threshold: float
    results: dict[str, Result]


def fit(
    image: Any,
    repetition_time: float,
    events: pd.DataFrame,
    confounds: pd.DataFrame,
    contrasts: Mapping[str, str],
    terms: Terms,
) -> Fitted:
    """The model of one run, a nibabel image (x, y, z, t), by ordinary use of nilearn.

    Volumes are taken at the middle of their `repetition_time` (seconds), drifts are cosines,
    noise is autoregressive of first order.
    """
    data = np.asanyarray(image.dataobj)
    mean = data.mean(axis=-1, dtype=np.float64).astype(np.float32)
    brain = brain_mask(mean)
    model: Any = FirstLevelModel(
        t_r=repetition_time,
        slice_time_ref=0.5,
        hrf_model=terms.hrf,
        drift_model="cosine",
        high_pass=1 / terms.high_pass_s,
        noise_model="ar1",
        smoothing_fwhm=terms.smoothing_mm or None,
        mask_img=nib.Nifti1Image(brain.astype(np.uint8), image.affine),
        minimize_memory=True,
    )
    model.fit(image, events=events, confounds=confounds)
    design = model.design_matrices_[0]
    limit = threshold(int(brain.sum()), terms.alpha)
    results: dict[str, Result] = {}
    for name, expression in contrasts.items():
        maps = model.compute_contrast(expression, output_type="all")
        z, effect = (_rounded(maps[kind]) for kind in ("z_score", "effect_size"))
        results[name] = Result(z, effect, *clusters(z, image.affine, limit, terms.cluster_mm3))
    return Fitted(brain, mean, design, limit, results)


def threshold(voxels: int, alpha: float) -> float:
    """|z| beyond which a voxel passes: Bonferroni's correction for all voxels and both signs."""
    return float(stats.norm.isf(alpha / (2 * voxels)))


def clusters(
    z: NDArray[np.floating], affine: NDArray[np.floating], limit: float, smallest_mm3: float
) -> tuple[Mask, list[Cluster]]:
    """The voxels of a map (x, y, z) beyond `limit` in size, of either sign, that lie in clusters
    of at least `smallest_mm3`, and these clusters, the highest |z| first."""
    volume = abs(float(np.linalg.det(affine[:3, :3])))
    kept: list[Cluster] = []
    passed = np.zeros(z.shape, dtype=bool)
    for sign in (1, -1):
        labelled, count = ndimage.label(sign * z > limit, np.ones((3, 3, 3)))  # pyright: ignore
        for number in range(1, count + 1):
            inside = labelled == number
            if inside.sum() * volume < smallest_mm3:
                continue
            passed |= inside
            peak = np.unravel_index(np.argmax(np.where(inside, sign * z, -np.inf)), z.shape)
            x, y, w = (round(float(v), 1) for v in apply_affine(affine, peak))
            size = round(float(inside.sum() * volume), 1)
            kept.append(Cluster(float(z[peak]), (x, y, w), size))
    return passed, sorted(kept, key=lambda cluster: (-abs(cluster.z), cluster.peak_mm))


def _rounded(image: Any) -> NDArray[np.float32]:
    return np.round(image.get_fdata(), _DECIMALS).astype(np.float32) + np.float32(0)
