"""What the converter made of each series, counted against the settled table."""

import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import nibabel as nib

from coil.bids import names

_IMAGE = ".nii.gz"
# heudiconv tells coils apart by `ch`, which BIDS does not have.
_ADDED = (*names.SPLIT_BY_CONVERTER, "ch")


def owner(path: Path, wanted: Iterable[str]) -> str | None:
    """The settled name that a converted file belongs to.

    heudiconv adds `_echo-`, `_part-` or a digit after the suffix where dcm2niix splits a
    series; a name that a rule wrote out in full comes first.
    """
    name = f"{path.parent.name}/{path.name.partition('.')[0]}"
    known = set(wanted)
    if name in known:
        return name
    datatype, suffix, values = names.split(name)
    for candidate in sorted(known):
        dtype, stem, given = names.split(candidate)
        own = {key: value for key, value in values.items() if key in given or key not in _ADDED}
        numbered = suffix == stem or suffix.rstrip("0123456789") == stem
        if dtype == datatype and numbered and own == given:
            return candidate
    return None


def by_name(root: Path, wanted: Iterable[str]) -> tuple[dict[str, list[Path]], dict[str, str]]:
    """The converted files below `root` by settled name; others are removed.

    The second value tells, by settled name, which images heudiconv left under dcm2niix's name
    (ADC and trace maps that come in one series with the volumes).
    """
    wanted = list(wanted)
    found: dict[str, list[Path]] = defaultdict(list)
    left: dict[str, str] = {}
    for path in sorted(p for p in root.rglob("*") if p.is_file()):
        name = owner(path, wanted) if path.parent.name in names.MODALITIES else None
        if name is not None and _allowed(path):
            path.chmod(0o600)
            found[name].append(path)
            continue
        path.unlink()
        if leftover := re.fullmatch(r"(.+)_heudiconv\d+_?(\w*)\.nii\.gz", path.name):
            left[f"{path.parent.name}/{leftover[1]}"] = leftover[2] or "an image"
    return found, left


def _allowed(path: Path) -> bool:
    """Whether BIDS has a file of this extension beside such an image (no .bval for a bold)."""
    base, _, extension = path.name.partition(".")
    kind = names.kind(path.parent.name, base.rpartition("_")[2])
    return kind is None or f".{extension}" in kind.extensions


def images(files: Iterable[Path]) -> list[Path]:
    """The NIfTI images among `files`."""
    return [path for path in files if path.name.endswith(_IMAGE)]


def sidecar(image: Path) -> Path:
    """The JSON file of an image."""
    return image.with_name(image.name.removesuffix(_IMAGE) + ".json")


def volumes(image: Path) -> int:
    """The volumes of a NIfTI image: its fourth dimension, or 1."""
    shape: tuple[Any, ...] = nib.load(image).shape  # type: ignore[attr-defined]
    return int(shape[3]) if len(shape) > 3 else 1


def problem(name: str, files: list[Path], expected: int | None) -> tuple[str, str] | None:
    """(state, reason) where the images of a series are not what its rule says, or None."""
    made = images(files)
    for image in made:
        if why := names.name_problem(f"{image.parent.name}/{image.name}"):
            count = f"{len(made)} images" if len(made) > 1 else "an image"
            return "ambiguous", f"dcm2niix makes {count} of it, and {why}"
    if expected is not None and (short := min(volumes(image) for image in made)) < expected:
        return "incomplete", f"{short} of {expected} volumes were converted"
    return None
