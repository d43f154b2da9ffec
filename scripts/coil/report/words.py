"""How numbers, states and protocol fields are called and written on the pages."""

import math
from dataclasses import dataclass
from typing import Any

_TIMES = "\u00d7"


@dataclass(frozen=True)
class Word:
    """The words for a number: its `label`, its `units`, the factor to these, and what it tells."""

    label: str
    units: str = ""
    factor: float = 1.0
    about: str = ""


METRICS = {
    "volumes": Word("Volumes"),
    "nonsteady_volumes": Word(
        "Non-steady volumes", about="at the start, brighter than the rest; left out of tSNR"
    ),
    "tsnr_median": Word("Temporal SNR", about="median in the brain; higher is better"),
    "fd_mean": Word("Framewise displacement, mean", "mm", about="Power 2012; lower is better"),
    "fd_max": Word("Framewise displacement, largest", "mm"),
    "fd_num": Word("Volumes above 0.2 mm"),
    "fd_perc": Word("Share above 0.2 mm", "%"),
    "dvars_nstd": Word("DVARS, mean", about="of the series scaled to a median of 1000"),
    "dvars_std": Word("Standardized DVARS, mean", about="1 is what noise alone gives"),
    "gcor": Word("Global correlation", about="mean correlation of all pairs of voxels"),
    "outlier_fraction": Word("Outlying voxels, mean", "%", 100, "limit of AFNI's 3dToutcount"),
    "snr_air": Word("SNR against air", about="Dietrich 2007; higher is better"),
    "efc": Word("Entropy focus criterion", about="0 to 1; ghosts and blur raise it"),
    "fber": Word("Foreground to background energy", about="higher is better"),
    "b0_volumes": Word("Volumes with b = 0"),
    "shells": Word("Shells", about=f"b-value in s/mm² {_TIMES} volumes"),
    "directions": Word("Directions", about="different ones; opposite ones count once"),
    "outlier_slices": Word("Slices that lost signal"),
}
PROTOCOL = {
    "RepetitionTime": Word("Repetition time", "s"),
    "EchoTime": Word("Echo time", "ms", 1000),
    "InversionTime": Word("Inversion time", "s"),
    "FlipAngle": Word("Flip angle", "°"),
    "PhaseEncodingDirection": Word("Phase encoding"),
    "TotalReadoutTime": Word("Total readout time", "ms", 1000),
    "MultibandAccelerationFactor": Word("Multiband factor"),
    "ParallelReductionFactorInPlane": Word("In-plane acceleration"),
    "MagneticFieldStrength": Word("Field strength", "T"),
    "shape": Word("Matrix"),
    "voxel_size_mm": Word("Voxel size", "mm"),
}
FIGURES = {
    "mosaic": ("Slices", "Axial, coronal and sagittal slices, left is left"),
    "carpet": ("Motion and signal, volume by volume", "Framewise displacement, DVARS and carpet"),
    "motion": ("Head position", "Translations and rotations of the head against the middle volume"),
    "tsnr": ("Temporal SNR", "Map of the temporal signal-to-noise ratio in axial slices"),
    "bvalues": ("Diffusion weighting", "b-values, slice signal and directions of the volumes"),
}
STATES = {
    "mapped": "a rule takes it; converted to the name beside it",
    "incomplete": "fewer volumes or files than expected; left out",
    "unmapped": "no rule takes it; left out",
    "ambiguous": "more than one rule or series for one name; left out",
    "failed": "its conversion failed; left out",
    "refused": "its pixels may show text, such as a name; left out",
    "missing": "the protocol requires it and no series took it",
    "duplicate": "another series took the name",
    "derived": "computed by the scanner; left out unless a rule asks for it",
    "ignored": "left out by a rule",
    "to decide": "a rule of a draft leaves it out until somebody has decided",
    "header decides": "the archive's list does not tell; the series' header does",
}
ATTENTION = ("incomplete", "unmapped", "ambiguous", "missing", "failed", "refused")
STAGES = {
    "pull": "while it was pulled from the archive",
    "convert": "while it was converted",
    "anonymize": "at the gate between quarantine and dataset",
}


def number(value: Any, word: Word | None = None, even: bool = False) -> str:
    """A number as people write it: three or four digits that matter, a real minus sign.

    `even` keeps zeros at the end, so that a column of measured values lines up.

    >>> number(0.10834, Word("", "mm")), number(None), number(1353.4)
    ('0.108 mm', 'n/a', '1,353')
    >>> number(29.0), number(29.0, even=True)
    ('29', '29.0')
    """
    units = f" {word.units}" if word and word.units else ""
    if units == " °":
        units = "°"
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "n/a"
    if isinstance(value, dict):
        return ", ".join(f"{key} {_TIMES} {number(part)}" for key, part in value.items()) or "none"
    if isinstance(value, list | tuple):
        return f" {_TIMES} ".join(number(part) for part in value) + units
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"{value}{units}"
    scaled = value * (word.factor if word else 1.0)
    if isinstance(value, int) and scaled == value:
        return f"{value:,}{units}".replace("-", "\u2212")
    size = abs(scaled)
    places = 0 if size >= 1000 else 1 if size >= 20 else 2 if size >= 1 else 3
    text = f"{scaled:,.{places}f}"
    if "." in text and not even:
        text = text.rstrip("0").rstrip(".")
    if 0 < size < 0.01:
        text = f"{scaled:.2g}"
    return text.replace("-", "\u2212") + units


def metric(name: str) -> Word:
    """The word for a metric; a metric of somebody else's analysis keeps its own name."""
    return METRICS.get(name, Word(name))


def field(name: str) -> Word:
    """The word for a protocol field."""
    return PROTOCOL.get(name, Word(name))


def sentence(text: str) -> str:
    """A reason as a sentence of its own; an address at its beginning stays as it is.

    >>> sentence("the server was away; try again")
    'The server was away; try again.'
    """
    first = text[:1] if "://" in text.partition(" ")[0] else text[:1].upper()
    return first + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")
