"""Faces removed from whole-head images; every other voxel stays as it was, bit for bit.

niimath registers the image to pydeface's average head (Poldrack and others, MIT licence), both
at 2 mm and with the shading of the coils evened out; pydeface's face mask is carried back by
the affine and laid on the original voxels here. Gates, each of which refuses the image:

1. the registration: the warped image resembles the template, and the affine is a head's;
2. the share of the head that goes lies in a band;
3. nothing goes that lies deep in the upper head, by the head's own surface alone.
"""

import json
import os
import subprocess
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from io import BytesIO
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.nifti1 import Nifti1Header, Nifti1Image
from nibabel.nifti2 import Nifti2Header
from scipy import ndimage

from coil.deid.nifti import Change, Header, clean_nifti
from coil.errors import DataError

GRID = 2.0  # mm
SHADING = 20.0  # mm: the width over which coils' shading is evened out
HEAD = 0.25  # of the local mean: darker is air
# Calibrated on the average head, T1w of a Prisma with and without normalization, and the
# simulated heads: they correlate with 0.76 and more (0.71 once defaced), phantoms and failed
# registrations with 0.45 and less.
RESEMBLANCE = 0.58
SCALES = (0.6, 1.6)  # of the affine's axes: from a child's head to the largest
CHANGED = (0.02, 0.25)  # of the head; the same heads lose 0.08 to 0.13, defaced ones 0.005
BLANK = 0.97  # of the face's place are zeros in a defaced image
REACHED = 0.02  # of the average face lies within an image that does show one
ALREADY, BEYOND = "already defaced", "no face in the field of view"
UPPER_HEAD = 70.0  # mm below the vertex; the eyes lie lower
DEEP = 15.0  # mm below the skin: scalp and skull are thinner
# niimath's faster cost fits these as well as its default; the second way starts at the centre of
# mass, for images far from the scanner's centre.
WAYS = (("-cost", "fastcr"), ("-com",))
SECONDS = 300


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
        """The parts that the session's record shows."""
        return {
            "state": self.state,
            "changed_fraction": round(self.changed_fraction, 4),
            "resemblance": round(self.resemblance, 3),
        }


@dataclass(frozen=True)
class Grid:
    """An image of float32 and its affine (voxels to mm)."""

    data: np.ndarray
    affine: np.ndarray

    def save(self, path: Path) -> Path:
        """Write it as NIfTI."""
        nib.save(Nifti1Image(self.data, self.affine), path)
        return path


def deface(source: Path, target: Path) -> DefaceResult:
    """Write `source` without its face, and without the text in its header, to `target`.

    The state is "defaced"; "already defaced" where the face's place holds zeros, and "no face in
    the field of view" where the image does not reach it: these images keep all voxels.

    Raises DataError if a gate refuses the image: then `target` is not written.
    """
    try:
        image = _load(source)
    except (OSError, EOFError, TypeError, ValueError, zlib.error, ImageFileError) as error:
        raise DataError(
            f"{source.name}: not a whole image of numbers ({type(error).__name__}); convert again"
        ) from None
    data = image.data
    if data.ndim > 3:
        data = data.reshape(*data.shape[:3], -1).mean(axis=3)
    subject = even(Grid(np.nan_to_num(data), image.affine))
    with tempfile.TemporaryDirectory(dir=source.parent, prefix=".deface.") as scratch:
        affine, resemblance = register(subject, Path(scratch), source.name)
    head = find_head(subject)
    gone = face(subject.data.shape, subject.affine, affine)
    changed = float((gone & head).sum() / max(1, head.sum()))
    if changed > CHANGED[1]:
        raise _refused(source, "too much of the head would go")
    if (gone & deep_in_upper_head(head, subject.affine)).any():
        raise _refused(source, "a part of the brain would go")
    if changed < CHANGED[0]:
        state = _why_none(data, image.affine, affine)
        if state is None:
            raise _refused(source, "next to nothing of the head would go")
        return DefaceResult(state, 0.0, resemblance, clean_nifti(source, target))
    removed = clean_nifti(source, target, _without(face(data.shape, image.affine, affine)))
    return DefaceResult("defaced", changed, resemblance, removed)


def even(image: Grid) -> Grid:
    """The image on a grid of about 2 mm, divided by its local mean (near 1 within the head)."""
    size = np.sqrt((image.affine[:3, :3] ** 2).sum(axis=0))
    step = GRID / size
    smooth = ndimage.gaussian_filter(image.data, np.where(step > 1, step * 0.35, 0.0))
    shape = tuple(int(n) for n in np.ceil(np.array(image.data.shape) / step))
    small = ndimage.affine_transform(smooth, step, output_shape=shape, order=1)
    local: Any = ndimage.gaussian_filter(small, SHADING / (2 * size * step))
    scaled = image.affine @ np.diag([*step, 1.0])
    return Grid((small / (local + 0.05 * local.max() + 1e-9)).astype(np.float32), scaled)


def register(subject: Grid, scratch: Path, name: str) -> tuple[np.ndarray, float]:
    """The affine from mm in the subject to mm in the template, and how well it fits."""
    moving = subject.save(scratch / "moving.nii")
    fixed = template().save(scratch / "fixed.nii")
    best: tuple[np.ndarray, float] | None = None
    for way in WAYS:
        _niimath(moving, "-allineate", fixed, *way, "-savemat", scratch / "affine.json",
                 scratch / "warped.nii")  # fmt: skip
        matrix = np.array(json.loads((scratch / "affine.json").read_text())["moving_to_fixed"])
        fit = _resemblance(matrix, subject)
        if best is None or fit > best[1]:
            best = matrix, fit
        if best[1] >= RESEMBLANCE:
            break
    assert best is not None
    matrix, fit = best
    scales = np.linalg.svd(matrix[:3, :3], compute_uv=False)
    if fit < RESEMBLANCE or scales.min() < SCALES[0] or scales.max() > SCALES[1]:
        raise DataError(
            f"{name}: no head was recognized, so no face can be removed; if it is a phantom or "
            "not a head, take its suffix out of the config's deface, or ignore the series"
        )
    return matrix, fit


def face(shape: tuple[int, ...], affine: np.ndarray, to_template: np.ndarray) -> np.ndarray:
    """Where a grid has voxels of the face, beyond the template's borders too."""
    mask = _face_mask()
    matrix = np.linalg.inv(mask.affine) @ to_template @ affine
    return _resample(mask.data, matrix, shape[:3], order=0, mode="nearest") < 0.5


def _why_none(data: np.ndarray, affine: np.ndarray, to_template: np.ndarray) -> str | None:
    """Why an image has no face, looked up at each voxel of the average head's own face.

    None where that is not known.
    """
    average = template()
    whole = _template_head() & face(average.data.shape, average.affine, np.eye(4))
    # Without its border: a head without a face is registered some mm off.
    place = np.argwhere(ndimage.binary_erosion(whole, iterations=2))
    matrix = np.linalg.inv(affine) @ np.linalg.inv(to_template) @ average.affine
    voxels = np.rint(place @ matrix[:3, :3].T + matrix[:3, 3]).astype(int)
    inside = ((voxels >= 0) & (voxels < data.shape)).all(axis=1)
    if inside.mean() < REACHED:
        return BEYOND
    blank = (data[tuple(voxels[inside].T)] == 0).mean()
    return ALREADY if blank >= BLANK else None


def find_head(image: Grid) -> np.ndarray:
    """The largest thing that is brighter than air, without holes; `image` is evened."""
    labels = np.zeros(image.data.shape, np.int32)
    if not ndimage.label(ndimage.binary_opening(image.data > HEAD), output=labels):
        return labels > 0
    largest = 1 + int(np.argmax(np.bincount(labels.ravel())[1:]))
    return np.asarray(ndimage.binary_fill_holes(labels == largest))


def deep_in_upper_head(head: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """What lies far below the skin and near the vertex: brain, by no template."""
    if not head.any():
        return head
    height = np.tensordot(affine[2, :3], np.indices(head.shape, dtype=np.float32), axes=1)
    upper = head & (height > height[head].max() - UPPER_HEAD)
    size = np.sqrt((affine[:3, :3] ** 2).sum(axis=0))
    depth = np.asarray(ndimage.distance_transform_edt(np.pad(head, 1), sampling=size))
    return upper & (depth[1:-1, 1:-1, 1:-1] > DEEP)


@cache
def template() -> Grid:
    """pydeface's average head, evened."""
    return even(_load(_data("mean_reg2mean.nii.gz")))


@cache
def _face_mask() -> Grid:
    return _load(_data("facemask.nii.gz"))


@cache
def _template_head() -> np.ndarray:
    return find_head(template())


def _data(name: str) -> Path:
    return Path(str(resources.files("pydeface") / "data" / name))


def _load(path: Path) -> Grid:
    image: Any = nib.load(path)
    return Grid(np.asarray(image.dataobj, dtype=np.float32), np.asarray(image.affine))


def _resample(
    data: np.ndarray, matrix: np.ndarray, shape: tuple[int, ...], order: int, mode: str = "constant"
) -> np.ndarray:
    """`data` on a grid of which `matrix` (4 by 4) takes the voxels to those of `data`."""
    offset: Any = matrix[:3, 3]  # typed as a float only
    out = ndimage.affine_transform(
        data, matrix[:3, :3], offset, output_shape=shape, order=order, mode=mode
    )
    return np.asarray(out)


def _resemblance(to_template: np.ndarray, subject: Grid) -> float:
    """The correlation of template and subject, both evened, in and around the template's head."""
    fixed = template()
    matrix = np.linalg.inv(subject.affine) @ np.linalg.inv(to_template) @ fixed.affine
    warped = _resample(subject.data, matrix, fixed.data.shape, order=1)
    near = np.asarray(ndimage.binary_dilation(_template_head(), iterations=4), bool)
    if warped[near].std() == 0:
        return 0.0
    return float(np.corrcoef(warped[near], fixed.data[near])[0, 1])


def _niimath(*arguments: str | Path) -> None:
    binary = resources.files("niimath") / "bin" / "niimath"
    environment = {"OMP_NUM_THREADS": "1", "FSLOUTPUTTYPE": "NIFTI", **os.environ}
    try:
        subprocess.run(
            [str(binary), *map(str, arguments)],
            env=environment, capture_output=True, check=True, timeout=SECONDS,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError) as error:
        raise DataError(
            f"niimath: could not register an image ({type(error).__name__}); "
            "look whether it is a whole 3D image of a head"
        ) from None


def _refused(source: Path, why: str) -> DataError:
    return DataError(
        f"{source.name}: {why} with the face; look at the image, and take its suffix out of the "
        "config's deface or ignore the series"
    )


def _without(gone: np.ndarray) -> Change:
    """Voxels as they are, those of the face (x, y, z) at zero in every volume."""

    def change(header: Header, chunks: Iterator[bytes]) -> Iterator[bytes]:
        zero = _zero(header)
        flat, position = gone.ravel(order="F"), 0
        for chunk in chunks:
            values = np.frombuffer(chunk, f"V{header.itemsize}").copy()
            here = np.arange(position, position + len(values)) % len(flat)
            values[flat[here]] = zero
            position += len(values)
            yield values.tobytes()

    return change


def _zero(header: Header) -> np.void:
    """The bytes of a voxel that reads as zero, or as near to it as the type can."""
    kind = Nifti1Header if len(header.raw) == 348 else Nifti2Header
    parsed = kind.from_fileobj(BytesIO(header.raw), check=False)
    dtype = parsed.get_data_dtype()
    slope, inter = parsed.get_slope_inter()
    value = -(inter or 0.0) / (slope or 1.0)
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        value = min(max(round(value), limits.min), limits.max)
    return np.array([value]).astype(dtype).view(f"V{header.itemsize}")[0]
