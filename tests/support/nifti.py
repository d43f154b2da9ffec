"""NIfTI images, as tests read them."""

from pathlib import Path
from typing import Any

import nibabel as nib
from nibabel.nifti1 import Nifti1Image


def nifti(path: Path) -> Any:
    """The image in a file, NIfTI-1; nibabel's types do not say what its parts can do."""
    image = nib.load(path)  # pyright: ignore[reportPrivateImportUsage]
    assert isinstance(image, Nifti1Image)
    return image
