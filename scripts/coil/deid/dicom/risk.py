"""What is refused: files in whose pixels text may stand, and files that are no images."""

from collections.abc import Collection

from coil.deid import pixels
from coil.deid.dicom.values import text_of
from coil.deid.pixels import Get
from coil.errors import DataError

ALLOCATED, COLUMNS, SAMPLES, FRAMES = 0x00280100, 0x00280011, 0x00280002, 0x00280008


class RefusedError(DataError):
    """The file's series is not exported; the message says why and quotes nothing."""


class NoImageError(RefusedError):
    """The file holds no image; the others of its series may be exported."""


def check(get: Get, tags: Collection[int]) -> None:
    """Refuse a file by its root elements: `get` gives the bytes of one that is among `tags`."""
    if pixels.is_aside(get):
        raise NoImageError("holds no image (a report or raw data)")
    if reason := pixels.text_in(get, tags):
        raise RefusedError(reason)


def pixels_length(get: Get) -> int:
    """The bytes of native pixels that the header tells of."""

    def short(tag: int) -> int:
        return int.from_bytes((get(tag) or b"\0\0")[:2], "little")

    frames = int(text_of(get(FRAMES) or b"1") or "1")
    size = short(pixels.ROWS) * short(COLUMNS) * short(SAMPLES)
    return size * frames * (short(ALLOCATED) // 8)
