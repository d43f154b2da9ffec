"""The files that a converter made of each series."""

import gzip
import math
import re
import struct
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from coil import passing
from coil.bids import names

_IMAGE = ".nii.gz"
# heudiconv tells coils apart by `ch`, which BIDS does not have.
_ADDED = (*names.SPLIT_BY_CONVERTER, "ch")

_HEADER = 540  # bytes of a NIfTI-2 header; a NIfTI-1 header is shorter
_SECOND = struct.pack("<I", _HEADER)  # which it begins with


@dataclass(frozen=True)
class Wanted:
    """A series to convert: its folder, and whether its geometries are chunks of one image."""

    name: str
    folder: Path
    chunks: bool = False


@dataclass(frozen=True)
class Made:
    """The outcome of a series: its files and notes on them, or why it failed."""

    name: str
    files: list[Path] = field(default_factory=list[Path])
    notes: tuple[str, ...] = ()
    failed: str = ""


def owner(path: Path, wanted: Iterable[str]) -> str | None:
    """The BIDS name that a converted file belongs to.

    heudiconv adds `_echo-`, `_part-` or a digit after the suffix where dcm2niix splits a
    series; a name that a rule wrote out in full comes first.
    """
    name = named(path)
    known = set(wanted)
    if name in known:
        return name
    datatype, suffix, values = names.split(name)
    for candidate in sorted(known):
        dtype, stem, entities = names.split(candidate)
        own = {key: value for key, value in values.items() if key in entities or key not in _ADDED}
        numbered = suffix == stem or suffix.rstrip("0123456789") == stem
        if dtype == datatype and numbered and own == entities:
            return candidate
    return None


def by_name(root: Path, wanted: Iterable[str]) -> tuple[dict[str, list[Path]], dict[str, str]]:
    """The converted files below `root` by BIDS name; others are removed.

    The second value tells, by BIDS name, which images heudiconv left under dcm2niix's name
    (ADC and trace maps that come in one series with the volumes).
    """
    wanted = list(wanted)
    found: dict[str, list[Path]] = defaultdict(list)
    left: dict[str, str] = {}
    for path in sorted(p for p in root.rglob("*") if p.is_file()):
        name = owner(path, wanted) if path.parent.name in names.MODALITIES else None
        if name is not None and is_allowed(path):
            path.chmod(0o600)
            found[name].append(path)
            continue
        path.unlink()
        if leftover := re.fullmatch(r"(.+)_heudiconv\d+_?(\w*)\.nii\.gz", path.name):
            left[f"{path.parent.name}/{leftover[1]}"] = leftover[2] or "an image"
    return found, left


def named(path: Path) -> str:
    """The name of a file below a session's folder: its data type and its base."""
    above = names.DERIVED if path.parts[-3] == names.DERIVED.strip("/") else ""
    return f"{above}{path.parent.name}/{path.name.partition('.')[0]}"


def left_out(made: Sequence[str]) -> tuple[str, ...]:
    """The note that dcm2niix made images that have no name in BIDS."""
    return (f"{', '.join(made)} that dcm2niix made beside it is left out",) if made else ()


def is_allowed(path: Path) -> bool:
    """Whether BIDS has a file of this extension beside such an image (no .bval for a bold)."""
    base, _, extension = path.name.partition(".")
    kind = names.kind(named(path).rpartition("/")[0], base.rpartition("_")[2])
    return kind is None or f".{extension}" in kind.extensions


def images(files: Iterable[Path]) -> list[Path]:
    """The NIfTI images among `files`."""
    return [path for path in files if path.name.endswith(_IMAGE)]


def sidecar(image: Path) -> Path:
    """The JSON file of an image."""
    return image.with_name(image.name.removesuffix(_IMAGE) + ".json")


class Layout(NamedTuple):
    """The position of the voxels in a NIfTI image, and their kind by its header's codes."""

    shape: tuple[int, ...]
    kind: int
    bits: int
    offset: int


def layout(image: Path) -> Layout:
    """The layout of an image, without nibabel, which takes 0.4 s to import."""
    with gzip.open(image) as stream:
        header = stream.read(_HEADER)
    if header[:4] == _SECOND:  # spectroscopy
        kind, bits = struct.unpack_from("<2h", header, 12)
        count, *sizes = struct.unpack_from("<8q", header, 16)
        (offset,) = struct.unpack_from("<q", header, 168)
    else:
        count, *sizes = struct.unpack_from("<8h", header, 40)
        kind, bits = struct.unpack_from("<2h", header, 70)
        (offset,) = struct.unpack_from("<f", header, 108)
    return Layout(tuple(sizes[:count]), kind, bits, int(offset))


def volumes(image: Path) -> int:
    """The volumes of a NIfTI image: its fourth dimension, or 1."""
    size = layout(image).shape
    return size[3] if len(size) > 3 else 1


def is_whole(image: Path) -> bool:
    """Whether an image holds all its voxels, by the length that ends a gzip file (RFC 1952)."""
    try:
        size, _, bits, offset = layout(image)
    except (OSError, EOFError, struct.error) as error:
        passing.let_through(error)
        return False
    with image.open("rb") as stream:
        stream.seek(-4, 2)
        (length,) = struct.unpack("<I", stream.read(4))
    return length == (offset + math.prod(size) * bits // 8) % 2**32


def problem(name: str, files: list[Path]) -> str | None:
    """The reason why BIDS has no name for an image of a series that heudiconv named, or None."""
    made = images(files)
    for image in made:
        if why := names.name_problem(named(image)):
            count = f"{len(made)} images" if len(made) > 1 else "an image"
            return f"dcm2niix makes {count} of it, and {why}"
    return None
