"""Where images lie in the scanner."""

from itertools import product
from pathlib import Path

_STEPS = 8


def coverage(image: Path, other: Path) -> float:
    """The share of an image's volume that lies in another's, 0 to 1.

    Both are NIfTI files whose affines lead to one space; 512 points, evenly spread through the
    image, are looked for in the other.
    """
    # Only sessions with several field maps come here, and the import costs more than the sum.
    import nibabel as nib
    import numpy as np
    from nibabel.affines import apply_affine

    ours, theirs = nib.load(image), nib.load(other)
    assert isinstance(ours, nib.Nifti1Image) and isinstance(theirs, nib.Nifti1Image)
    size = np.array(ours.shape[:3])
    inside = (np.array(list(product(range(_STEPS), repeat=3))) + 0.5) / _STEPS
    points = apply_affine(ours.affine, inside * size - 0.5)
    voxels = apply_affine(np.linalg.inv(np.asarray(theirs.affine)), points)
    held = (voxels >= -0.5) & (voxels <= np.array(theirs.shape[:3]) - 0.5)
    return float(held.all(axis=1).mean())
