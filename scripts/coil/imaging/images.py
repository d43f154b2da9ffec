"""Reading an image and what its sidecar says of the protocol."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError
from numpy.typing import NDArray

from coil import files, passing
from coil.errors import DataError

PROTOCOL_KEYS = (
    "RepetitionTime",
    "EchoTime",
    "InversionTime",
    "FlipAngle",
    "PhaseEncodingDirection",
    "TotalReadoutTime",
    "MultibandAccelerationFactor",
    "ParallelReductionFactorInPlane",
    "MagneticFieldStrength",
)


@dataclass(frozen=True)
class Volume:
    """An image turned to right, front, up, as near as its grid allows.

    data        (x, y, z, t); t is 1 for a single volume
    affine      (4, 4) voxels to millimetres
    spacing     voxel size in mm
    """

    data: NDArray[Any]
    affine: NDArray[np.float64]
    spacing: tuple[float, float, float]


def load(path: Path) -> Volume:
    """Read a NIfTI image; DataError if it is unreadable, empty or not of 3 or 4 dimensions."""
    try:
        image = nib.as_closest_canonical(nib.load(path))  # pyright: ignore
        data = np.asanyarray(image.dataobj)
    except (OSError, EOFError, ValueError, ImageFileError) as error:
        passing.let_through(error)
        raise DataError(
            f"{path.name}: the image cannot be read; convert the session anew"
        ) from error
    if data.ndim == 3:
        data = data[..., None]
    if data.ndim != 4 or data.dtype.kind not in "iuf" or 0 in data.shape:
        raise DataError(f"{path.name}: not an image of three or four dimensions")
    if data.dtype.kind == "f":
        data = np.nan_to_num(data.astype(np.float32), posinf=0, neginf=0)
    x, y, z = (float(v) for v in image.header.get_zooms()[:3])
    return Volume(data, np.asarray(image.affine, dtype=np.float64), (x, y, z))


def protocol(path: Path) -> dict[str, Any]:
    """The protocol of the image at `path`: its sidecar's timing, its header's geometry.

    Times in seconds and angles in degrees, as in BIDS; `shape` and `voxel_size_mm` in the
    order of the file.
    """
    sidecar = path.with_name(path.name.split(".", 1)[0] + ".json")
    found = files.read_json(sidecar) if sidecar.is_file() else {}
    result = {key: found[key] for key in PROTOCOL_KEYS if key in found}
    header: Any = nib.load(path).header  # pyright: ignore
    result["shape"] = [int(n) for n in header.get_data_shape()]
    result["voxel_size_mm"] = [round(float(v), 4) for v in header.get_zooms()[:3]]
    return result
