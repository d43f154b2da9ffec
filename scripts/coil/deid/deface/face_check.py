"""What an image shows of a face, and what would go.

Gates, each of which refuses the image:

1. the registration: the warped image resembles the template, and the affine is a head's;
2. the share of the head that goes lies in a band;
3. nothing goes that lies deep in the upper head, by the head's own surface alone; only where the
   field of view cuts the vertex off, the registration says how high that is.
"""

import tempfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from nibabel.filebasedimages import ImageFileError

from coil import passing
from coil.deid.deface.average import above_orbits, face, template, template_face, vertex
from coil.deid.deface.grids import (
    Grid,
    depth_below_skin,
    even,
    find_head,
    in_upper_head,
    load,
    resample,
)
from coil.deid.deface.registration import is_head, register
from coil.errors import DataError

# Of the head. Simulated heads lose 0.14 to 0.18 (scaled by 0.85 to 1.12), and 0.057 to 0.16 where
# the field of view ends at the nose to the chin, at the vertex or behind the ears; the real ones
# 0.10, defaced ones 0.01. The band is half of the least, and 1.3 times the most.
CHANGED = (0.028, 0.23)
BLANK = 0.97  # of the face's place are zeros in a defaced image
REACHED = 0.02  # of the average face lies within an image that does show one
SKULL = 15.0  # mm below the skin, near the vertex: scalp and skull are thinner
# Above the orbits nothing goes that lies deeper, wherever the registration puts the brow: the
# brains of the real heads begin 9 mm below the skin of the forehead.
BROW = 8.5  # mm
CORE, EVEN = 10.0, 0.1  # mm below the surface, and the spread there: a fluid's 0.06, heads' 0.2
CLEARLY_NOT = 0.45  # what is no head resembles the template less
FACE, ALREADY, BEYOND = "defaced", "already defaced", "no face in the field of view"
PHANTOM = "no head: an even fluid"
ELSEWHERE = "no head: another part of the body"
# BodyPartExamined (DICOM PS3.16 Annex L) of what never shows a face.
NO_HEAD = frozenset(
    (
        "ABDOMEN", "ANKLE", "BREAST", "CALF", "ELBOW", "FEMUR", "FOOT", "HAND", "HEART", "HIP",
        "KNEE", "LEG", "LIVER", "LSPINE", "LUMBARSPINE", "PELVIS", "PHANTOM", "PROSTATE", "TSPINE",
        "THORACICSPINE", "WRIST",
    )
)  # fmt: skip


@dataclass(frozen=True)
class Look:
    """The findings on an image.

    `state` is None if a gate refuses the image, for the reason `refused`. `gone` are the voxels
    of the face on the image's grid, `changed` their share of the head, `fit` the correlation
    with the template.
    """

    state: str | None
    fit: float
    changed: float = 0.0
    refused: str = ""
    gone: np.ndarray | None = None
    geometry: bytes = b""


def look(source: Path, body_part: str = "") -> Look:
    """Look for the face of an image; `body_part` is what the scanner says was examined.

    Raises DataError where the image cannot be read or registered.
    """
    image = _image(source)
    fine = even(image)
    with tempfile.TemporaryDirectory(dir=source.parent, prefix=".deface.") as scratch:
        affine, fit = register(image, fine, Path(scratch))
    head = find_head(fine)
    depth = depth_below_skin(head, fine.affine)
    geometry = np.append(image.affine, image.data.shape).round(3).tobytes()
    if not is_head(affine, fit):
        state = None
        if is_even(fine.data, depth):
            state = PHANTOM
        elif fit < CLEARLY_NOT and body_part.upper().replace(" ", "") in NO_HEAD:
            state = ELSEWHERE
        return Look(state, fit, refused="no head was recognized; no face can be removed",
                    geometry=geometry)  # fmt: skip
    guarded = above_orbits(fine.data.shape, fine.affine, affine) & (depth > BROW)
    gone = face(fine.data.shape, fine.affine, affine) & ~guarded
    changed = float((gone & head).sum() / max(1, head.sum()))
    if changed > CHANGED[1]:
        return Look(None, fit, changed, "too much of the head would go with the face",
                    geometry=geometry)  # fmt: skip
    if (gone & in_upper_head(head, fine.affine, vertex(affine)) & (depth > SKULL)).any():
        return Look(None, fit, changed, "a part of the brain would go with the face",
                    geometry=geometry)  # fmt: skip
    if changed < CHANGED[0]:
        return Look(why_none(image.data, image.affine, affine), fit, changed,
                    "next to nothing of the head would go with the face",
                    geometry=geometry)  # fmt: skip
    shape = image.data.shape
    near = np.linalg.inv(fine.affine) @ image.affine
    gone = face(shape, image.affine, affine)
    gone &= ~(resample(guarded.view(np.uint8), near, shape, order=0) > 0)
    return Look(FACE, fit, changed, gone=gone, geometry=geometry)


def is_even(data: np.ndarray, depth: np.ndarray) -> bool:
    """Whether the inside of what is shown has one brightness; `data` is evened, depth in mm."""
    inside = data[depth > CORE]
    return bool(inside.size > 1000 and inside.std() < EVEN * inside.mean())


def why_none(data: np.ndarray, affine: np.ndarray, to_template: np.ndarray) -> str | None:
    """The reason why an image has no face, by each voxel of the average head's own face.

    None where that is not known.
    """
    average = template()
    face = np.argwhere(template_face())
    matrix = np.linalg.inv(affine) @ np.linalg.inv(to_template) @ average.affine
    voxels = np.rint(face @ matrix[:3, :3].T + matrix[:3, 3]).astype(int)
    inside = ((voxels >= 0) & (voxels < data.shape)).all(axis=1)
    if inside.mean() < REACHED:
        return BEYOND
    blank = (data[tuple(voxels[inside].T)] == 0).mean()
    return ALREADY if blank >= BLANK else None


def _image(source: Path) -> Grid:
    """The image, its volumes averaged; DataError where it is not whole."""
    try:
        image = load(source)
    except (OSError, EOFError, TypeError, ValueError, zlib.error, ImageFileError) as error:
        passing.let_through(error)
        raise DataError(
            f"{source.name}: not a whole image of numbers ({type(error).__name__}); convert again"
        ) from None
    data = image.data
    if data.ndim > 3:
        data = data.reshape(*data.shape[:3], -1).mean(axis=3)
    return Grid(np.nan_to_num(data), image.affine)
