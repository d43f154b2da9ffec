"""Whether text may stand in the pixels of a DICOM file, told by its header.

The one judgement for all that leaves the quarantine, as images or as DICOM. Nothing here looks at
pixels: a scanner's own images of the classes in `SCANNED` bear no text; what was captured from a
screen, drawn or coloured does, or may.
"""

import re
from collections.abc import Callable, Iterable

Get = Callable[[int], bytes | None]
"""The bytes of a root element's value, by its tag."""

_STORAGE = "1.2.840.10008.5.1.4.1.1."
# SOP class (PS3.4, B.5) -> what it is called here.
SCANNED = {
    _STORAGE + "4": "mr",
    _STORAGE + "4.1": "enhanced_mr",
    _STORAGE + "4.3": "color_mr",
    _STORAGE + "4.4": "legacy_mr",
    _STORAGE + "128": "pet",
    _STORAGE + "130": "enhanced_pet",
    _STORAGE + "128.1": "legacy_pet",
    _STORAGE + "2": "ct",
    _STORAGE + "2.1": "enhanced_ct",
    _STORAGE + "2.2": "legacy_ct",
}

SOP_CLASS, IMAGE_TYPE, MODALITY, CONVERSION = 0x00080016, 0x00080008, 0x00080060, 0x00080064
_SERIES_UID = 0x0020000E
PHOTOMETRIC, ROWS, BURNED_IN = 0x00280004, 0x00280010, 0x00280301
DECIDING = frozenset((SOP_CLASS, IMAGE_TYPE, MODALITY, CONVERSION, PHOTOMETRIC, ROWS, BURNED_IN))
_HIDDEN = 0x0102  # in an overlay's group: the bit of the pixels that it is in
_MODALITIES = ("MR", "PT", "CT")
# Words of ImageType, or their beginnings: an ANGIOGRAPHY is no GRAPH.
_DRAWN = re.compile(r"(?<![A-Z])(SCREEN|REPORT|PASTED|OVERLAY|PRESENTATION|GRAPH|TEXT)|CAPTURE")
_COLOURED = "RGB", "PALETTE COLOR", "YBR"
_ADVICE = "ignore it in the mapping; or, if it shows none, correct the header in the archive"


def decides(tag: int) -> bool:
    """Whether a root element's value decides over what is said here of a file."""
    return tag in DECIDING or tag & 0xFF00FFFF == 0x60000000 | _HIDDEN


def holds_image(get: Get) -> bool:
    """Whether a file says that it holds an image."""
    matrix = (get(ROWS) or b"").strip(b"\0")
    return bool(matrix) and (_text(get, SOP_CLASS) in SCANNED or bool(_text(get, PHOTOMETRIC)))


def is_aside(get: Get) -> bool:
    """Whether a file is none of the images of its series by what it is: a report, raw data, a
    state, a spectrum. One that lacks its end, or its pixels, is not."""
    known = _text(get, SOP_CLASS) not in SCANNED and bool(_text(get, _SERIES_UID))
    return known and not holds_image(get)


def set_aside(count: int) -> str:
    """The note on so many files of a series that hold no image."""
    files = "1 file that holds" if count == 1 else f"{count} files that hold"
    return f"{files} no image (reports or raw data) set aside" if count else ""


def text_in(get: Get, tags: Iterable[int]) -> str | None:
    """The reason why text may stand in the pixels of a file, and what to do; None if there is none.

    `get` gives the bytes of a root element's value, `tags` are those that there are.
    """
    if why := _cause(get, tags):
        return f"its pixels may show text, such as a name: {why}; {_ADVICE}"
    return None


def _cause(get: Get, tags: Iterable[int]) -> str | None:
    if _text(get, SOP_CLASS) not in SCANNED:
        return "it is no MR, PET or CT image as a scanner stores it"
    if _text(get, BURNED_IN) not in ("", "NO"):
        return "the header says that annotation is burned in"
    if _text(get, CONVERSION):
        return "it is a secondary capture"
    if _text(get, MODALITY) not in _MODALITIES:
        return "its modality is none of MR, PT and CT"
    if any(_DRAWN.search(part) for part in _text(get, IMAGE_TYPE).split("\\")):
        return "its image type tells of a capture or a report"
    if _text(get, PHOTOMETRIC).startswith(_COLOURED) and not _text(get, BURNED_IN):
        return "it is in colour"
    hidden = (tag for tag in tags if tag & 0xFF00FFFF == 0x60000000 | _HIDDEN)
    if any((get(tag) or b"").strip(b"\0") for tag in hidden):
        return "an overlay stands in unused bits"
    return None


def _text(get: Get, tag: int) -> str:
    return (get(tag) or b"").decode("latin-1").strip(" \0").upper()
