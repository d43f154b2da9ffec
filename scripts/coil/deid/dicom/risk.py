"""What is refused: files in whose pixels text may stand, and files that are no images.

Nothing here looks at pixels: a scanner's own images of the classes in `profile.CLASSES` bear no
text; what was captured from a screen, drawn or coloured does, or may.
"""

from collections.abc import Callable

from coil.deid.dicom.profile import CLASSES
from coil.deid.dicom.values import text_of
from coil.errors import DataError

SOP_CLASS, IMAGE_TYPE, MODALITY, CONVERSION = 0x00080016, 0x00080008, 0x00080060, 0x00080064
PHOTOMETRIC, BURNED_IN = 0x00280004, 0x00280301
ALLOCATED, ROWS, COLUMNS, SAMPLES, FRAMES = (
    0x00280100,
    0x00280010,
    0x00280011,
    0x00280002,
    0x00280008,
)
_MODALITIES = ("MR", "PT", "CT")
_DRAWN = ("SCREEN", "REPORT", "CAPTURE", "PASTED", "OVERLAY", "PRESENTATION", "GRAPH", "TEXT")
_COLOURED = "RGB", "PALETTE COLOR", "YBR"
_HIDDEN = 0x0102  # in an overlay's group: the bit of the pixels that it is in
_ADVICE = "de-identify it by hand, or leave it out"

Get = Callable[[int], bytes | None]


class RefusedError(DataError):
    """The file's series is not exported; the message says why and quotes nothing."""


def check(get: Get, overlays: list[int]) -> None:
    """Refuse a file by its root elements.

    `get` gives the bytes of a value by its tag, `overlays` are the groups of overlays.
    """

    def text(tag: int) -> str:
        return (text_of(get(tag) or b"") or "").upper()

    sop_class = text(SOP_CLASS)
    if sop_class not in CLASSES:
        raise RefusedError(
            "no MR, PET or CT image (captures, reports, states and raw data can hold "
            f"identifiers where no rule looks); {_ADVICE}"
        )
    if text(BURNED_IN) not in ("", "NO"):
        raise RefusedError(f"it says itself that annotation is burned into its pixels; {_ADVICE}")
    if text(CONVERSION):
        raise RefusedError(f"a secondary capture, whose pixels may show text; {_ADVICE}")
    if text(MODALITY) not in _MODALITIES:
        raise RefusedError(f"its modality is none of MR, PT and CT; {_ADVICE}")
    if any(word in part for part in text(IMAGE_TYPE).split("\\") for word in _DRAWN):
        raise RefusedError(f"its image type tells of a capture or a report; {_ADVICE}")
    if text(PHOTOMETRIC).startswith(_COLOURED) and text(BURNED_IN) != "NO":
        raise RefusedError(f"a colour image that may show text; {_ADVICE}")
    if any((get(group << 16 | _HIDDEN) or b"\0\0").strip(b"\0") for group in overlays):
        raise RefusedError(f"an overlay stands in its pixels' unused bits; {_ADVICE}")


def pixels_length(get: Get) -> int:
    """The bytes of native pixels that the header tells of."""

    def short(tag: int) -> int:
        return int.from_bytes((get(tag) or b"\0\0")[:2], "little")

    frames = int(text_of(get(FRAMES) or b"1") or "1")
    return short(ROWS) * short(COLUMNS) * short(SAMPLES) * frames * (short(ALLOCATED) // 8)
