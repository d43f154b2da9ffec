"""An image laid on the average head by niimath, and how well it fits."""

import json
import os
from pathlib import Path

import numpy as np

from coil import programs
from coil.deid.deface.average import template, template_head
from coil.deid.deface.grids import Grid, even, resample
from coil.deid.deface.untyped import ndimage
from coil.errors import DataError
from coil.programs import find_program

# Calibrated on the average head, T1w of a Prisma with and without normalization, and the
# simulated heads: they correlate with 0.76 and more (0.71 once defaced), phantoms and failed
# registrations with 0.45 and less.
RESEMBLANCE = 0.58
SCALES = (0.6, 1.6)  # of the affine's axes: from a child's head to the largest
# niimath works at 2 mm. Told that voxels of 3 mm have 2, it takes a third of the time, and the
# face lies within 3 mm of where the finer grid puts it, at the same resemblance.
COARSE, WORKS_AT = 3.0, 2.0  # mm
# niimath's faster cost fits these as well as its default; the second way starts at the centre of
# mass, for images far from the scanner's centre.
WAYS = (("-cost", "fastcr"), ("-com",))
SECONDS = 300


def register(image: Grid, fine: Grid, scratch: Path) -> tuple[np.ndarray, float]:
    """The affine from mm in an image to mm in the template, and the correlation it gives.

    `fine` is the image, evened at 2 mm. Raises DataError where niimath fails.
    """
    scale = WORKS_AT / COARSE
    moving = even(image, COARSE).save(scratch / "moving.nii", scale)
    fixed = template(COARSE).save(scratch / "fixed.nii", scale)
    grow = np.diag([scale] * 3 + [1.0])
    best: tuple[np.ndarray, float] | None = None
    for way in WAYS:
        _niimath(moving, "-allineate", fixed, *way, "-final", "NN",
                 "-savemat", scratch / "affine.json", scratch / "warped.nii")  # fmt: skip
        shrunk = np.array(json.loads((scratch / "affine.json").read_text())["moving_to_fixed"])
        matrix = np.linalg.inv(grow) @ shrunk @ grow
        fit = resemblance(matrix, fine)
        if best is None or fit > best[1]:
            best = matrix, fit
        if best[1] >= RESEMBLANCE:
            break
    assert best is not None
    return best


def is_head(to_template: np.ndarray, fit: float) -> bool:
    """Whether a registration found a head, neither too small nor too large."""
    scales = np.linalg.svd(to_template[:3, :3], compute_uv=False)
    return bool(fit >= RESEMBLANCE and scales.min() >= SCALES[0] and scales.max() <= SCALES[1])


def resemblance(to_template: np.ndarray, image: Grid) -> float:
    """The correlation of template and image, both evened, in and around the template's head."""
    fixed = template()
    matrix = np.linalg.inv(image.affine) @ np.linalg.inv(to_template) @ fixed.affine
    warped = resample(image.data, matrix, fixed.data.shape, order=1)
    near = np.asarray(ndimage.binary_dilation(template_head(), iterations=4), bool)
    if warped[near].std() == 0:
        return 0.0
    return float(np.corrcoef(warped[near], fixed.data[near])[0, 1])


def _niimath(*arguments: str | Path) -> None:
    environment = {"OMP_NUM_THREADS": "1", "FSLOUTPUTTYPE": "NIFTI", **os.environ}
    done = programs.run(
        [find_program("niimath", "bin/niimath"), *map(str, arguments)],
        env=environment, capture_output=True, timeout=SECONDS,
    )  # fmt: skip
    if done.returncode:
        raise DataError(
            f"niimath: could not register an image (status {done.returncode}); "
            "look whether it is a whole 3D image of a head"
        )
