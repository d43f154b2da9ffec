"""An image without its face, or the reason why it has none, or why it is refused.

Gates, each of which refuses the image:

1. the registration: the warped image resembles the template, and the affine is a head's;
2. the share of the head that goes lies in a band;
3. nothing goes that lies deep in the upper head, by the head's own surface alone.
"""

import tempfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from nibabel.filebasedimages import ImageFileError
from scipy import ndimage

from coil.deid.deface.average import edition, face, template, template_head
from coil.deid.deface.grids import DEEP, Grid, deep_in_upper_head, even, find_head, load
from coil.deid.deface.registration import RESEMBLANCE, is_head, register
from coil.deid.deface.voxels import without
from coil.deid.nifti import clean_nifti
from coil.errors import DataError

CHANGED = (0.02, 0.25)  # of the head; real and simulated heads lose 0.1 to 0.16, defaced ones 0.01
BLANK = 0.97  # of the face's place are zeros in a defaced image
REACHED = 0.02  # of the average face lies within an image that does show one
ALREADY, BEYOND = "already defaced", "no face in the field of view"


@dataclass(frozen=True)
class DefaceResult:
    """What was done to an image.

    `changed_fraction` is the share of the head that was removed, `resemblance` the correlation
    with the template after registration.
    """

    state: str
    changed_fraction: float
    resemblance: float
    removed: list[str] = field(default_factory=list)

    def record(self) -> dict[str, Any]:
        """The parts that the session's record shows, with the gates' limits."""
        return {
            "state": self.state,
            "changed_fraction": round(self.changed_fraction, 4),
            "resemblance": round(self.resemblance, 3),
            "template": edition(),
            "limits": {
                "resemblance_min": RESEMBLANCE,
                "changed_fraction_min": CHANGED[0],
                "changed_fraction_max": CHANGED[1],
                "brain_depth_mm": DEEP,
            },
        }


def deface(source: Path, target: Path) -> DefaceResult:
    """Write `source` without its face, and without the text in its header, to `target`.

    The state is "defaced"; "already defaced" where the face's place holds zeros, and "no face in
    the field of view" where the image does not reach it: these images keep all voxels.

    Raises DataError if a gate refuses the image: then `target` is not written.
    """
    image = _image(source)
    fine = even(image)
    with tempfile.TemporaryDirectory(dir=source.parent, prefix=".deface.") as scratch:
        affine, fit = register(image, fine, Path(scratch))
    if not is_head(affine, fit):
        raise DataError(
            f"{source.name}: no head was recognized, so no face can be removed; if it is a "
            "phantom or not a head, take its suffix out of the config's deface, or ignore the "
            "series"
        )
    head = find_head(fine)
    gone = face(fine.data.shape, fine.affine, affine)
    changed = float((gone & head).sum() / max(1, head.sum()))
    if changed > CHANGED[1]:
        raise _refused(source, "too much of the head would go")
    if (gone & deep_in_upper_head(head, fine.affine)).any():
        raise _refused(source, "a part of the brain would go")
    if changed < CHANGED[0]:
        state = why_none(image.data, image.affine, affine)
        if state is None:
            raise _refused(source, "next to nothing of the head would go")
        return DefaceResult(state, 0.0, fit, clean_nifti(source, target))
    gone = face(image.data.shape, image.affine, affine)
    return DefaceResult("defaced", changed, fit, clean_nifti(source, target, without(gone)))


def why_none(data: np.ndarray, affine: np.ndarray, to_template: np.ndarray) -> str | None:
    """Why an image has no face, looked up at each voxel of the average head's own face.

    None where that is not known.
    """
    average = template()
    whole = template_head() & face(average.data.shape, average.affine, np.eye(4))
    # Without its border: a head without a face is registered some mm off.
    place = np.argwhere(ndimage.binary_erosion(whole, iterations=2))
    matrix = np.linalg.inv(affine) @ np.linalg.inv(to_template) @ average.affine
    voxels = np.rint(place @ matrix[:3, :3].T + matrix[:3, 3]).astype(int)
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
        raise DataError(
            f"{source.name}: not a whole image of numbers ({type(error).__name__}); convert again"
        ) from None
    data = image.data
    if data.ndim > 3:
        data = data.reshape(*data.shape[:3], -1).mean(axis=3)
    return Grid(np.nan_to_num(data), image.affine)


def _refused(source: Path, why: str) -> DataError:
    return DataError(
        f"{source.name}: {why} with the face; look at the image, and take its suffix out of the "
        "config's deface or ignore the series"
    )
