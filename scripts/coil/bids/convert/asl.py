"""What an arterial spin labelling run needs beside its image, as far as its headers tell."""

import gzip
from array import array
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from coil.bids import names, outputs
from coil.bids.convert import sidecars
from coil.bids.series.acquisition import private
from coil.dicom.header import Header, read, read_pixels
from coil.files import JsonObject
from coil.workspace import root_of_session

_TYPES = {"CONTROL": "control", "LABEL": "label", "M_ZERO_SCAN": "m0scan"}
_PHILIPS = "Philips MR Imaging DD 005"
_SIXTEEN_BITS = {4: "h", 512: "H"}  # NIfTI's codes of data types


@dataclass(frozen=True)
class Run:
    """A run of perf/: its suffix, its files and the time it began (ISO)."""

    suffix: str
    files: Sequence[Path]
    start: str | None

    @property
    def entities(self) -> set[tuple[str, str]]:
        """The entities of its first image's name, with their values."""
        found = outputs.images(self.files)
        return set(names.split(outputs.named(found[0]))[2].items()) if found else set()


def volume_types(folder: Path, image: Path) -> tuple[str, ...]:
    """The type of each volume of a run, by the label that its frames have in DICOM.

    dcm2niix orders the volumes, each vendor's in its own way. So each slice of the image is
    found again among the frames, by the sum of its voxels.

    Parameters
    ----------
    folder
        The DICOM files of the series.
    image
        What dcm2niix made of them.

    Returns
    -------
    `control`, `label` or `m0scan` for each volume; nothing where one of them is not certain.
    """
    known: dict[int, set[str]] = defaultdict(set)
    for path in sorted(folder.iterdir()):
        header = read(path)
        types = [_TYPES.get(str(label)) for label in _labels(header)]
        if None in types or header.get("BitsAllocated") != 16:
            return ()
        frames = _sums(read_pixels(path), header, len(types))
        for kind, total in zip(types, frames, strict=False):
            known[total].add(kind or "")
    found: list[set[str]] = []
    for totals in _volumes(image):
        first, *others = (known[total] for total in totals)
        found.append(first.intersection(*others))
    certain = all(len(types) == 1 for types in found)
    return tuple(next(iter(types)) for types in found) if certain else ()


def describe(files: Sequence[Path], types: Sequence[str]) -> None:
    """Write into the sidecars what the types of a run's volumes say, where they do not say it."""
    values: JsonObject = {"TotalAcquiredPairs": min(types.count("control"), types.count("label"))}
    if "m0scan" in types:
        values["M0Type"] = "Included"
    for image in outputs.images(files):
        sidecars.fill(image, values)


def link(runs: Sequence[Run], session: Path) -> None:
    """Tie each run to the m0scan nearest in time, in the sidecars of both.

    An m0scan whose entities a run shares is for such runs only. `session` is the folder
    `sub-X/ses-Y` that the files lie in.
    """
    scans = [run for run in runs if run.suffix == "m0scan"]
    labelled = [run for run in runs if run.suffix == "asl"]
    own = {i: [r for r in labelled if scan.entities <= r.entities] for i, scan in enumerate(scans)}
    uses: dict[int, list[str]] = defaultdict(list)
    for run in labelled:
        near = [i for i in own if run in own[i]] or [i for i in own if not own[i]]
        for image in outputs.images(run.files):
            kind = "Separate" if near else "Absent"
            if sidecars.fill(image, {"M0Type": kind})["M0Type"] == "Separate" and near:
                nearest = min(near, key=lambda i: _apart(scans[i], run))
                name = image.relative_to(root_of_session(session)).as_posix()
                uses[nearest].append(f"bids::{name}")
    for number, images in uses.items():
        for image in outputs.images(scans[number].files):
            sidecars.fill(image, {"IntendedFor": sorted(images)})


def _apart(one: Run, other: Run) -> float:
    try:
        return abs(
            datetime.fromisoformat(one.start or "") - datetime.fromisoformat(other.start or "")
        ).total_seconds()
    except ValueError:
        return 0.0


def _labels(header: Header) -> list[Any]:
    """The label of each frame of a file; None where it has none."""
    frames = header.get("PerFrameFunctionalGroupsSequence") or [header]
    shared = (header.get("SharedFunctionalGroupsSequence") or [header])[0]
    return [_label(frame) or _label(shared) for frame in frames]


def _label(frame: Header) -> Any:
    if group := frame.get("MRArterialSpinLabelingSequence"):
        return group[0].get("ASLContext")
    own = private(frame, 0x2005, _PHILIPS, 0x29)
    inner = private(frame, 0x2005, _PHILIPS, 0x0F)  # where enhanced files have it
    return own or (private(inner[0], 0x2005, _PHILIPS, 0x29) if inner else None)


def _sums(pixels: bytes, header: Header, frames: int) -> Iterator[int]:
    """The sum of the voxels of each frame."""
    form = "h" if header.get("PixelRepresentation") else "H"
    size = 2 * int(header.get("Rows")) * int(header.get("Columns"))
    for number in range(frames):
        yield sum(array(form, pixels[number * size : (number + 1) * size]))


def _volumes(image: Path) -> Iterator[list[int]]:
    """The sums of the slices of each volume; none where they are not kept as integers."""
    layout = outputs.layout(image)
    columns, rows, slices, volumes = (*layout.shape, 1, 1)[:4]
    if layout.kind not in _SIXTEEN_BITS:
        return
    with gzip.open(image) as stream:
        stream.seek(layout.offset)
        for _ in range(volumes):
            yield [
                sum(array(_SIXTEEN_BITS[layout.kind], stream.read(2 * columns * rows)))
                for _ in range(slices)
            ]
