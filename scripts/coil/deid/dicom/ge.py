"""GE's blobs, rewritten with what a converter needs.

The protocol block (0025,101B) is a gzip of lines `set KEY "value"`; the user data (0043,102A) a
C structure of which three numbers tell the polarity of the phase encoding and the order of the
slices. Sources: dcm2niix, nii_dicom_batch.cpp (geProtocolBlock), nii_dicom.cpp (UserDefineDataGE).
"""

import re
import struct
import zlib

from coil.deid.terms import is_sequence
from coil.files import packed

_LINE = re.compile(
    r'(?:set )?(SLICEORDER|VIEWORDER|MBACCEL|NOSLC|DELACQ|DELACQNOAV|PSEQ|IOPT|PHASEDELAYS1) "'
    r'([A-Za-z0-9 _.,;:/+-]{0,200})"'
)
_RUN = re.compile(r"\d{6}")
_MOST = 1 << 20
_FROM_25 = 25.002  # the version from which the structure begins later


def rewrite(element: int, raw: bytes) -> bytes | None:
    """The protocol block (`element` 0x1B) or the user data (0x2A); None if it is neither."""
    return protocol_block(raw) if element == 0x1B else user_data(raw)


def protocol_block(raw: bytes) -> bytes | None:
    """The lines of a protocol block that stay, as gzip without a name or a time."""
    start = raw.find(b"\x1f\x8b\x08", 0, 16)
    if start < 0:
        return None
    try:
        text = zlib.decompressobj(31).decompress(raw[start:], _MOST).decode("latin-1")
    except zlib.error:
        return None
    kept = [line for line in text.splitlines() if _stays(line)]
    data = packed(("\n" + "\n".join(kept) + "\n").encode("ascii"))
    head = struct.pack("<I", len(data)) if start == 4 else b""
    return head + data + bytes(len(data) % 2)


def _stays(line: str) -> bool:
    match = _LINE.fullmatch(line)
    if not match or _RUN.search(line):
        return False
    return not any(map(str.isalpha, match[2])) or is_sequence(match[2])


def user_data(raw: bytes) -> bytes | None:
    """The structure with zeros wherever no number is needed."""
    if len(raw) < 916:
        return None
    (offset,) = struct.unpack_from("<H", raw, 24)
    if len(raw) < offset + 916:
        return None
    (version,) = struct.unpack_from("<f", raw, offset)
    base, direction = offset, 0x0394
    if version >= _FROM_25:
        base, direction = offset + 0x4C, 0x0394 - 0x8C
    clean = bytearray(len(raw) + len(raw) % 2)
    for position, size in (
        (24, 2),
        (offset, 4),
        (base + 0x3A, 2),
        (base + 0x30, 2),
        (base + direction, 2),
    ):
        clean[position : position + size] = raw[position : position + size]
    return bytes(clean)
