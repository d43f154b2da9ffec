"""Reading an image and what its sidecar says of the protocol."""

import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.orientations import OrientationError
from nibabel.spatialimages import HeaderDataError
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


# Of the system, of gzip, of nibabel for headers and for affines, of numpy for what they lead to.
_DAMAGED = (
    OSError,
    EOFError,
    zlib.error,
    ValueError,
    ImageFileError,
    HeaderDataError,
    OrientationError,
    np.linalg.LinAlgError,
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
    with readable(path):
        image = nib.as_closest_canonical(nib.load(path))  # pyright: ignore
        data = np.asanyarray(image.dataobj)
    if data.ndim == 3:
        data = data[..., None]
    if data.ndim != 4 or data.dtype.kind not in "iuf" or 0 in data.shape:
        raise DataError(f"{path.name}: not an image of three or four dimensions")
    if data.dtype.kind == "f":
        data = np.nan_to_num(data.astype(np.float32), posinf=0, neginf=0)
    x, y, z = (float(v) for v in image.header.get_zooms()[:3])
    return Volume(data, np.asarray(image.affine, dtype=np.float64), (x, y, z))


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Say of an image that is damaged that it cannot be read, by a DataError."""
    try:
        yield
    except _DAMAGED as error:
        passing.let_through(error)
        raise DataError(
            f"{path.name}: the image cannot be read; convert the session anew"
        ) from error


def protocol(path: Path) -> dict[str, object]:
    """The protocol of the image at `path`: its sidecar's timing, its header's geometry.

    Times in seconds and angles in degrees, as in BIDS; `shape` and `voxel_size_mm` in the
    order of the file. Raises DataError where the sidecar is not JSON.
    """
    fields = sidecar(path)
    result = {key: fields[key] for key in PROTOCOL_KEYS if key in fields}
    header: Any = nib.load(path).header  # pyright: ignore
    result["shape"] = [int(n) for n in header.get_data_shape()]
    result["voxel_size_mm"] = [round(float(v), 4) for v in header.get_zooms()[:3]]
    return result


def sidecar(path: Path) -> Mapping[str, Any]:
    """The fields of the sidecar of the image at `path`; none where it has no sidecar.

    Raises DataError where it is not an object of JSON.
    """
    file = path.with_name(path.name.split(".", 1)[0] + ".json")
    try:
        fields = files.read_json(file) if file.is_file() else {}
    except ValueError as error:
        raise DataError(f"{file.name}: not JSON; convert the session anew") from error
    if not isinstance(fields, dict):
        raise DataError(f"{file.name}: not an object of JSON; convert the session anew")
    return fields
