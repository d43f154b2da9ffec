"""The numbers, series and figures of one image, by what kind of image it is."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray
from scipy import ndimage

from coil.imaging import (
    diffusion,
    gradient_figures,
    masks,
    metrics,
    motion,
    slice_figures,
    volume_figures,
)
from coil.imaging.images import Volume
from coil.imaging.volume_figures import Trace
from coil.records.analysis import Outliers

ANATOMICAL = frozenset(
    ("T1w", "T2w", "FLAIR", "PDw", "PDT2", "T2starw", "T2star", "inplaneT1", "inplaneT2", "UNIT1")
)
FD_LIMIT_MM = 0.5
DVARS_LIMIT = 1.5
_FD_SMALL_MM = 0.2
_FEW_VOLUMES = 5


@dataclass
class Measured:
    """The numbers, series and figures of one image.

    metrics         name to number, None where it means nothing
    unavailable     the reason for each None
    outliers        volumes or slices that stand out
    figures         PNG bytes by what they show
    columns         per-volume series, (t,) each
    """

    metrics: dict[str, object] = field(default_factory=dict)
    unavailable: dict[str, str] = field(default_factory=dict)
    outliers: list[Outliers] = field(default_factory=list)
    figures: dict[str, bytes] = field(default_factory=dict)
    columns: dict[str, NDArray[np.floating]] = field(default_factory=dict)

    def lack(self, names: tuple[str, ...], reason: str) -> None:
        """Report the numbers `names` as not available."""
        for name in names:
            self.metrics[name] = None
            self.unavailable[name] = reason


def measure(volume: Volume, path: Path, suffix: str, magnitude: bool = True) -> Measured:
    """Measure an image by its BIDS suffix; `path` leads to the files beside it.

    An image that is not a magnitude (phase, real, imaginary) and one of a suffix that has
    no numbers of its own gets its count of volumes and a mosaic.
    """
    if magnitude and suffix == "bold":
        return bold(volume)
    if magnitude and suffix == "dwi":
        stem = path.name.split(".", 1)[0]
        return dwi(volume, path.with_name(f"{stem}.bval"), path.with_name(f"{stem}.bvec"))
    result = Measured({"volumes": volume.data.shape[3]})
    mean = _mean(volume.data)
    if magnitude and suffix in ANATOMICAL:
        _background_numbers(result, mean, masks.head_mask(mean))
    result.figures["mosaic"] = slice_figures.mosaic(mean, volume.spacing)
    return result


def bold(volume: Volume) -> Measured:
    """BOLD: temporal signal-to-noise, DVARS, displacement, outliers; entropy and energy.

    Non-steady volumes at the start count in `nonsteady_volumes` and are left out of the
    temporal signal-to-noise and of the mean image.
    """
    data = volume.data
    count = data.shape[3]
    result = Measured({"volumes": count})
    mask = masks.brain_mask(_mean(data))
    inside = data[mask].astype(np.float32)
    temporal = (
        "tsnr_median", "fd_mean", "fd_max", "fd_num", "fd_perc", "dvars_nstd", "dvars_std",
        "gcor", "outlier_fraction",
    )  # fmt: skip
    if count < _FEW_VOLUMES or not mask.any():
        reason = f"fewer than {_FEW_VOLUMES} volumes" if mask.any() else "no brain found"
        mean = _mean(data)
        result.lack(temporal, reason)
    else:
        start = metrics.nonsteady_volumes(inside.mean(axis=0))
        result.metrics["nonsteady_volumes"] = start
        mean = _mean(data[..., start:])
        _temporal_numbers(result, volume, mask, inside, start)
    _background_numbers(result, mean, masks.head_mask(mean), ("efc", "fber"))
    result.figures = {"mosaic": slice_figures.mosaic(mean, volume.spacing), **result.figures}
    return result


def _temporal_numbers(
    result: Measured, volume: Volume, mask: masks.Mask, inside: NDArray[np.float32], start: int
) -> None:
    data, count = volume.data, volume.data.shape[3]
    ratio = np.zeros(mask.shape)
    ratio[mask] = metrics.tsnr_map(inside[:, start:])
    parameters = motion.realign(data, volume.affine, mask)
    displacement = motion.framewise_displacement(parameters)
    # To a median of 1000, so that DVARS reads as tenths of a percent on every scanner.
    inside *= 1000 / np.median(inside)
    plain, standard = metrics.dvars(inside)
    fraction = metrics.outlier_fraction(inside)
    moved = np.flatnonzero(displacement > FD_LIMIT_MM)
    changed = np.flatnonzero(standard > DVARS_LIMIT)
    result.metrics |= {
        "tsnr_median": float(np.median(ratio[mask])),
        "fd_mean": float(displacement[1:].mean()),
        "fd_max": float(displacement.max()),
        "fd_num": int(np.sum(displacement > _FD_SMALL_MM)),
        "fd_perc": float(100 * np.mean(displacement > _FD_SMALL_MM)),
        "dvars_nstd": float(plain[1:].mean()),
        "dvars_std": float(standard[1:].mean()),
        "gcor": metrics.global_correlation(inside),
        "outlier_fraction": float(fraction.mean()),
    }
    result.outliers = [
        _outliers("volumes", f"framewise displacement above {FD_LIMIT_MM} mm", moved, count),
        _outliers("volumes", f"standardized DVARS above {DVARS_LIMIT}", changed, count),
    ]
    result.columns = {
        **dict(zip(motion.PARAMETERS, parameters.T, strict=True)),
        "framewise_displacement": displacement,
        "dvars": plain,
        "std_dvars": standard,
        "global_signal": volume.data[mask].mean(axis=0, dtype=np.float64),
        "outlier_fraction": fraction,
    }
    traces = (
        Trace("Framewise displacement", "mm", displacement, FD_LIMIT_MM),
        Trace("Standardized DVARS", "", standard, DVARS_LIMIT),
    )
    depth = ndimage.distance_transform_edt(mask, sampling=volume.spacing)
    result.figures = {
        "carpet": volume_figures.carpet(inside, np.asarray(depth)[mask], traces, start),
        "motion": volume_figures.motion(parameters),
        "tsnr": slice_figures.tsnr(ratio, mask, volume.spacing),
    }


def dwi(volume: Volume, bval: Path, bvec: Path) -> Measured:
    """Diffusion: volumes, shells, directions and slices that lost signal."""
    data = volume.data
    count = data.shape[3]
    result = Measured({"volumes": count})
    shown = _mean(data)
    names = ("b0_volumes", "shells", "directions", "outlier_slices")
    if not (bval.is_file() and bvec.is_file()):
        result.lack(names, "no b-values beside the image")
    else:
        values, vectors = diffusion.read_gradients(bval, bvec)
        if len(values) != count:
            result.lack(names, f"{len(values)} b-values for {count} volumes")
        else:
            shell = diffusion.shells(values)
            shown = _mean(data[..., shell == shell.min()])
            _gradient_numbers(result, data, masks.brain_mask(shown), shell, vectors)
    result.figures = {"mosaic": slice_figures.mosaic(shown, volume.spacing), **result.figures}
    return result


def _gradient_numbers(
    result: Measured,
    data: NDArray[Any],
    mask: masks.Mask,
    shell: NDArray[np.int64],
    vectors: NDArray[np.float64],
) -> None:
    """Numbers that need each volume's b-value and direction."""
    signal = diffusion.slice_signal(data, mask)
    lost = diffusion.outlier_slices(signal, shell)
    result.metrics |= {
        "b0_volumes": int(np.sum(shell == 0)),
        "shells": {str(v): int(np.sum(shell == v)) for v in np.unique(shell[shell > 0])},
        "directions": diffusion.directions(vectors, shell),
        "outlier_slices": int(lost.sum()),
    }
    if data.shape[3] > 1:
        result.figures["bvalues"] = gradient_figures.bvalues(shell, vectors, signal, lost)
    limit = "signal more than 10 % and 3.5 robust deviations below the shell's median"
    where, total = np.flatnonzero(lost.any(axis=0)), int(np.isfinite(signal).sum())
    slices = _outliers("slices", limit, where, total)
    result.outliers = [replace(slices, count=int(lost.sum()))]


def _background_numbers(
    result: Measured,
    image: NDArray[np.float32],
    head: masks.Mask,
    names: tuple[str, ...] = ("snr_air", "efc", "fber"),
) -> None:
    """Numbers that need the noise around the head, or the reason why there are none."""
    air, reason = masks.air_mask(image, head)
    if reason:
        result.lack(names, reason)
        return
    frame = ~(head | air) & (image <= 0)
    measures = {
        "snr_air": lambda: metrics.snr_air(image, head, air),
        "efc": lambda: metrics.efc(image, frame),
        "fber": lambda: metrics.fber(image, head, air),
    }
    for name in names:
        value = measures[name]()
        if np.isfinite(value):
            result.metrics[name] = value
        else:
            result.lack((name,), "the background is zeroed")


def _outliers(units: str, limit: str, where: NDArray[np.int64], total: int) -> Outliers:
    """The things that stand out, one in each of the volumes `where`, of a total."""
    volumes = tuple(int(index) for index in where)
    return Outliers(units=units, limit=limit, count=len(volumes), of=total, volumes=volumes)


def _mean(data: NDArray[Any]) -> NDArray[np.float32]:
    return data.mean(axis=3, dtype=np.float64).astype(np.float32)
