# pyright: basic
"""What of other libraries has no types of its own, or some that are not whole: Any, here."""

from typing import Any

import nibabel
from scipy import ndimage as _ndimage

nib: Any = nibabel
ndimage: Any = _ndimage
