"""Where the head, the brain and the air are, from intensities alone."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Mask = NDArray[np.bool_]

_FEW_AIR_VOXELS = 500


def blur(image: NDArray[Any], sigma: Any) -> NDArray[np.float32]:
    """`image` smoothed by a Gaussian of deviation `sigma` in voxels, one or one an axis."""
    return np.asarray(ndimage.gaussian_filter(image.astype(np.float32), sigma), dtype=np.float32)


def otsu_level(image: NDArray[np.floating]) -> float:
    """The intensity that best parts dark from bright: Otsu, IEEE Trans SMC 9:62-66, 1979.

    Values above the 98th percentile (fat, vessels) count as that percentile.
    """
    top = float(np.percentile(image, 98))
    counts, edges = np.histogram(np.clip(image, None, top), bins=256)
    centres = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)
    above = below[-1] - below
    total = np.cumsum(counts * centres)
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = total / below - (total[-1] - total) / above
        between = np.nan_to_num(below * above * distance**2)
    return float(edges[1:][between.argmax()])


def clip_level(image: NDArray[np.floating]) -> float:
    """The intensity that parts brain from background in an EPI image.

    The fixed point of "half the median of the voxels above it", as AFNI's 3dClipLevel finds
    it (Cox, Comput Biomed Res 29:162-173, 1996). 0 for an empty image.
    """
    positive = np.sort(image[image > 0], axis=None)
    if not positive.size:
        return 0.0
    level = float(np.sqrt(np.mean(np.square(positive, dtype=np.float64))))
    for _ in range(60):
        above = positive[np.searchsorted(positive, level) :]
        new = 0.5 * float(np.median(above)) if above.size else 0.5 * level
        if np.isclose(new, level, rtol=1e-4):
            break
        level = new
    return level


def head_mask(image: NDArray[np.floating]) -> Mask:
    """The head in a volume (x, y, z): its largest bright part, with holes filled."""
    smooth = blur(image, 1.0)
    # Half of Otsu's level keeps dark tissue (bone, CSF in T1w) with the head.
    mask = _largest(smooth > 0.5 * otsu_level(smooth))
    closed = _closed(np.pad(mask, 4), 3)[4:-4, 4:-4, 4:-4]
    return _filled(closed)


def brain_mask(image: NDArray[np.floating]) -> Mask:
    """The brain in the mean (x, y, z) of an EPI series: its largest bright part, opened.

    The steps of AFNI's 3dAutomask: clip level, erosion, largest part, dilation, holes filled.
    It is an intensity mask: bright scalp that fat saturation left may remain in it.
    """
    mask = image > clip_level(image.astype(np.float32))
    structure = np.array(ndimage.generate_binary_structure(3, 1))
    if image.shape[2] < 8:  # erosion through a thin slab would leave nothing
        structure[:, :, [0, 2]] = False
    core = np.asarray(ndimage.binary_erosion(mask, structure, border_value=1), dtype=bool)
    core = _largest(core if core.any() else mask)
    return _filled(np.asarray(ndimage.binary_dilation(core, structure), dtype=bool) & mask)


def air_mask(image: NDArray[np.floating], head: Mask) -> tuple[Mask, str | None]:
    """The air around the head, without the part that was set to zero.

    Defacing, skull stripping and some scanners zero the background; numbers that compare
    the head with the noise in the air mean nothing there. Returns the mask and either None
    or the reason why it cannot serve.
    """
    zero = image <= 0
    # Single zeros are noise that was rounded; blocks of them were set.
    blocks = _dilated(_eroded(zero, 2), 3)
    air = ~_dilated(head, 3) & ~(blocks & zero)
    if air.sum() < max(_FEW_AIR_VOXELS, 0.02 * image.size):
        return air, "the background is zeroed or the head fills the image"
    if zero[air].mean() > 0.5:
        return air, "the background is zeroed"
    return air, None


def _eroded(mask: Mask, steps: int) -> Mask:
    return np.asarray(ndimage.binary_erosion(mask, iterations=steps), dtype=bool)


def _dilated(mask: Mask, steps: int) -> Mask:
    return np.asarray(ndimage.binary_dilation(mask, iterations=steps), dtype=bool)


def _closed(mask: Mask, steps: int) -> Mask:
    return np.asarray(ndimage.binary_closing(mask, iterations=steps), dtype=bool)


def _largest(mask: Mask) -> Mask:
    labels = np.zeros(mask.shape, dtype=np.int32)
    ndimage.label(mask, output=labels)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return (labels == sizes.argmax()) & mask


def _filled(mask: Mask) -> Mask:
    """`mask` with its holes filled, slice by slice too: a head is cut at the image's foot."""
    mask = np.array(ndimage.binary_fill_holes(mask), dtype=bool)
    for level in range(mask.shape[2]):
        mask[:, :, level] = ndimage.binary_fill_holes(mask[:, :, level])
    return mask
