"""Images without their faces: one by one, or those that were acquired together by one mask."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from msgspec import UNSET

from coil import passing
from coil.deid.deface.average import edition
from coil.deid.deface.face_check import BROW, CHANGED, FACE, SKULL, Look, look
from coil.deid.deface.registration import RESEMBLANCE
from coil.deid.deface.voxels import without
from coil.deid.nifti import clean_nifti
from coil.errors import DataError
from coil.files import is_object
from coil.records.session import DefacedImage

REGISTERED, CARRIED = "registration", "mask of a co-acquired image"
# One acquisition gives the images that differ in these alone; a run is another acquisition.
_TOGETHER = re.compile(r"_(?:echo|inv|part|rec)-[0-9A-Za-z]+")
_SUFFIXES = {"MP2RAGE": "UNIT1"}  # of one acquisition


@dataclass(frozen=True)
class DefaceResult:
    """The outcome of an image.

    `changed_fraction` is the share of the head that was removed, `resemblance` the correlation
    with the template after registration; `mask_from` names the image whose mask was used.
    """

    state: str
    changed_fraction: float
    resemblance: float
    removed: list[str] = field(default_factory=list[str])
    mask_from: str = ""

    def image(self, name: str) -> DefacedImage:
        """The entry of the session's record for the image of that name, with the gates' limits."""
        method = CARRIED if self.mask_from else REGISTERED
        return DefacedImage(
            file=name,
            state=self.state,
            changed_fraction=round(self.changed_fraction, 4),
            resemblance=round(self.resemblance, 3),
            method=method if self.state == FACE else UNSET,
            mask_from=self.mask_from or UNSET,
            template=edition(),
            limits={
                "resemblance_min": RESEMBLANCE,
                "changed_fraction_min": CHANGED[0],
                "changed_fraction_max": CHANGED[1],
                "brain_depth_mm": SKULL,
                "brow_depth_mm": BROW,
            },
        )


def deface(source: Path, target: Path) -> DefaceResult:
    """Write `source` without its face, and without the text in its header, to `target`.

    As `deface_together`, for one image.
    """
    return deface_together([(source, target)])[0]


def deface_together(pairs: Sequence[tuple[Path, Path]]) -> list[DefaceResult]:
    """Write the images of a session without their faces, from source to target each.

    The state is "defaced", or says why there is no face: these images keep all voxels. Of the
    images of one acquisition on one grid, the one that resembles the template best gives the
    mask.

    Raises DataError if a gate refuses an image that no other gives a mask for: then its target is
    not written.
    """
    looks = [look(source, _body_part(source)) for source, _ in pairs]
    best: dict[tuple[str, bytes], int] = {}
    keys = [(acquisition(source.name), seen.geometry)
            for (source, _), seen in zip(pairs, looks, strict=True)]  # fmt: skip
    for number, (key, seen) in enumerate(zip(keys, looks, strict=True)):
        if seen.state == FACE and (key not in best or seen.fit > looks[best[key]].fit):
            best[key] = number
    results: list[DefaceResult] = []
    for number, ((source, target), key, seen) in enumerate(zip(pairs, keys, looks, strict=True)):
        giver = best.get(key, number) if seen.state in (FACE, None) else number
        name = pairs[giver][1].name if giver != number else ""
        results.append(_write(source, target, seen, looks[giver], name))
    return results


def acquisition(name: str) -> str:
    """A BIDS file name without what tells the images of one acquisition apart."""
    stem = _TOGETHER.sub("", name.partition(".")[0])
    start, _, suffix = stem.rpartition("_")
    return f"{start}_{_SUFFIXES.get(suffix, suffix)}"


def _write(source: Path, target: Path, seen: Look, giver: Look, name: str) -> DefaceResult:
    if giver.gone is not None:
        removed = clean_nifti(source, target, without(giver.gone))
        return DefaceResult(FACE, giver.changed, seen.fit, removed, name)
    if seen.state is None:
        raise DataError(
            f"{source.name}: {seen.refused}; look at the image; if it is not a head, take its "
            "suffix out of the config's deface, or ignore the series"
        )
    return DefaceResult(seen.state, 0.0, seen.fit, clean_nifti(source, target))


def _body_part(source: Path) -> str:
    """The part of the body that the sidecar beside an image names; empty where none does."""
    try:
        sidecar = json.loads(source.with_name(f"{source.name.partition('.')[0]}.json").read_text())
    except (OSError, ValueError) as error:
        passing.let_through(error)
        return ""
    return str(sidecar.get("BodyPartExamined", "")) if is_object(sidecar) else ""
