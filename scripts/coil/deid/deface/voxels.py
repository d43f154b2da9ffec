"""The voxels of a file that become zero, in the bytes of its own type."""

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import numpy as np
from nibabel.nifti1 import Nifti1Header
from nibabel.nifti2 import Nifti2Header

from coil.deid.nifti import Change, Header


def without(gone: np.ndarray) -> Change:
    """Voxels as they are, those of `gone` (x, y, z) at zero in every volume."""

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
    kind: Any = Nifti1Header if len(header.raw) == 348 else Nifti2Header
    parsed = kind.from_fileobj(BytesIO(header.raw), check=False)
    dtype = parsed.get_data_dtype()
    slope, inter = parsed.get_slope_inter()
    value = -(inter or 0.0) / (slope or 1.0)
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        value = min(max(round(value), limits.min), limits.max)
    return np.array([value]).astype(dtype).view(f"V{header.itemsize}")[0]
