"""What else bytes could mean: text that is packed or written in other signs.

JSON, HTML and tables can hold base 64 (RFC 4648, both alphabets), hexadecimal digits, percent
signs (RFC 3986), references of HTML and escapes of JSON, each around text, gzip or zlib. They are
undone, so that a search sees what a reader would, however the parts are mixed.
"""

import base64
import html
import re
import zlib
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

DEEPEST = 3  # encodings within each other
MOST = 1 << 26  # bytes that something packed unfolds to

_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{10,}")
# Each of these signs has the bits 11 first: of the bytes that they stand for, every third is
# above 0x7F, but for the first one.
_NUMBERS = re.compile(rb"[A-Za-z]?[0-9+/_-]*")
_HEX = re.compile(rb"[0-9A-Fa-f]{14,}")
_SPACED_HEX = re.compile(rb"[0-9A-Fa-f]{2}(?:[ :,-][0-9A-Fa-f]{2}){6,}")
_PERCENT = re.compile(rb"%[0-9A-Fa-f]{2}")
_REFERENCE = re.compile(rb"&#?[0-9A-Za-z]{2,8};")
_ESCAPE = re.compile(rb"\\u([0-9A-Fa-f]{4})|\\x([0-9A-Fa-f]{2})")
# What any of these begins with: most short bytes hold none.
_ANY = re.compile(
    rb"[A-Za-z0-9+/_-]{10}|[0-9A-Fa-f]{2}(?:[ :,-][0-9A-Fa-f]{2}){6}|%[0-9A-Fa-f]{2}"
    rb"|&#?[0-9A-Za-z]{2,8};|\\[ux]"
)
Encoding = tuple[int, int, bytes]  # start, end, what it stands for
_URL_SAFE = bytes.maketrans(b"-_", b"+/")


def undone(data: bytes, ascii_only: bool = False, depth: int = 0) -> Iterator[Encoding]:
    """Each position in `data` that is encoded, and the bytes that it stands for.

    `ascii_only` leaves out what stands for no four bytes of ASCII in a row, as numbers do.
    """
    if depth >= DEEPEST:
        return
    for start, end, plain in _once(data, ascii_only):
        yield start, end, plain
        for _, _, inner in undone(plain, ascii_only, depth + 1):
            yield start, end, inner


def is_text(data: bytes) -> bool:
    """Whether bytes are text, and not numbers that spell a short word by chance."""
    return not data.translate(None, _TEXT)


_TEXT = bytes([*b"\t\n\r", *range(0x20, 0x7F), *range(0xA0, 0x100)])


def _once(data: bytes, ascii_only: bool) -> Iterator[Encoding]:
    yield from ((0, len(data), plain) for plain in _unpacked(data))
    if not _ANY.search(data):
        return
    for match in _BASE64.finditer(data):
        if ascii_only and _NUMBERS.fullmatch(match[0]):
            continue
        run = match[0].translate(_URL_SAFE)
        for skip in range(4):
            part = run[skip:]
            plain = base64.b64decode(part[: len(part) // 4 * 4] + _padded(part))
            yield match.start(), match.end(), plain
            yield from ((match.start(), match.end(), one) for one in _unpacked(plain))
    for match in _HEX.finditer(data):
        for skip in range(2):
            digits = match[0][skip:]
            plain = bytes.fromhex(digits[: len(digits) // 2 * 2].decode())
            yield match.start(), match.end(), plain
            yield from ((match.start(), match.end(), one) for one in _unpacked(plain))
    for match in _SPACED_HEX.finditer(data):
        plain = bytes.fromhex(re.sub(rb"[ :,-]", b"", match[0]).decode())
        yield match.start(), match.end(), plain
    if _PERCENT.search(data):
        yield 0, len(data), unquote_to_bytes(data.replace(b"+", b" "))
    if _REFERENCE.search(data):
        yield 0, len(data), html.unescape(data.decode(errors="replace")).encode()
    if _ESCAPE.search(data):
        yield 0, len(data), _ESCAPE.sub(_character, data)


def _padded(run: bytes) -> bytes:
    """The last digits of base 64 as a whole group."""
    left = run[len(run) // 4 * 4 :]
    return left.ljust(4, b"=") if len(left) > 1 else b""


def _character(match: re.Match[bytes]) -> bytes:
    return chr(int(match[1] or match[2], 16)).encode(errors="replace")


def _unpacked(data: bytes) -> Iterator[bytes]:
    """The content of gzip or zlib, as far as it is whole."""
    if data[:3] == b"\x1f\x8b\x08" or (data[:1] == b"\x78" and data[1:2] in b"\x01\x5e\x9c\xda"):
        try:
            plain = zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(data, MOST)
        except zlib.error:
            return
        if plain:
            yield plain
