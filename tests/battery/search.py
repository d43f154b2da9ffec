"""The search for planted values: every file, its name, and what is packed inside of it."""

import base64
import binascii
import gzip
import html
import io
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote_to_bytes

from tests.battery.plants import Plants

_BASE64 = re.compile(rb"[A-Za-z0-9+/]{16,}={0,2}")
_BASE64_URL = re.compile(rb"[A-Za-z0-9_-]{16,}={0,2}")
_HEX = re.compile(rb"(?:[0-9a-fA-F]{2}){8,}")
_ESCAPE = re.compile(rb"\\u([0-9a-fA-F]{4})")
_ZLIB = re.compile(rb"x[\x01\x5e\x9c\xda]")
_DEEP = 4
_SMALL = 4096  # of a long run of base 64 the beginning is where it begins


def search(plants: Plants, files: Iterable[Path], root: Path) -> dict[str, set[bytes]]:
    """The tokens that survive, by the place in which they were found, relative to `root`."""
    hits: dict[str, set[bytes]] = {}
    for path in files:
        name = path.relative_to(root).as_posix()
        found = in_bytes(plants, path.read_bytes()) | in_name(plants, name)
        if found:
            hits[name] = found
    return hits


def in_name(plants: Plants, name: str) -> set[bytes]:
    """Tokens in a path, each part of which may be packed like any text."""
    return {token for part in name.split("/") for token in in_bytes(plants, part.encode())}


def in_bytes(plants: Plants, data: bytes) -> set[bytes]:
    """Tokens in bytes, however they are packed."""
    return {token for form in forms(data) for token in plants.found(form)}


def forms(data: bytes, deep: int = _DEEP) -> Iterator[bytes]:
    """The bytes, and all that they say once they are unpacked and decoded."""
    yield data
    if b"\0" in data:
        yield data.replace(b"\0", b"")  # UTF-16 of ASCII
    if not deep:
        return
    for inner in _unpacked(data):
        yield from forms(inner, deep - 1)
    if b"%" in data:
        yield unquote_to_bytes(data)
    if b"\\u" in data:
        yield _ESCAPE.sub(lambda match: chr(int(match[1], 16)).encode(errors="replace"), data)
    if b"&" in data and len(data) < 1 << 24:
        yield html.unescape(data.decode("latin-1")).encode("latin-1", "replace")


def _unpacked(data: bytes) -> Iterator[bytes]:
    """Archives, compressed parts, and runs of base 64 or hexadecimal digits."""
    if data[:2] == b"\x1f\x8b":
        with suppress(OSError, EOFError, zlib.error):
            yield gzip.decompress(data)
    if data[:4] == b"PK\x03\x04":
        with suppress(zipfile.BadZipFile), zipfile.ZipFile(io.BytesIO(data)) as archive:
            for entry in archive.infolist():
                yield entry.filename.encode() + b"\n" + entry.comment + archive.read(entry)
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        yield from _png(data)
        return  # what else reads like base 64 in there are pixels
    for pattern, decode in ((_BASE64, base64.b64decode), (_BASE64_URL, base64.urlsafe_b64decode)):
        for run in pattern.findall(data):
            for start in range(4 if len(run) < _SMALL else 1):
                part = run[start:].rstrip(b"=")
                with suppress(binascii.Error, ValueError):
                    yield decode(part[: len(part) // 4 * 4])
    for run in _HEX.findall(data):
        yield bytes.fromhex(run.decode())
        if len(run) > 16:
            yield bytes.fromhex(run[1:-1].decode())


def _png(data: bytes) -> Iterator[bytes]:
    """The texts of a PNG, and its pixels."""
    place, pixels = 8, b""
    while place + 8 <= len(data):
        length = int.from_bytes(data[place : place + 4])
        kind, body = data[place + 4 : place + 8], data[place + 8 : place + 8 + length]
        if kind == b"IDAT":
            pixels += body
        else:
            yield body
            for start in _ZLIB.finditer(body):
                with suppress(zlib.error):
                    yield zlib.decompressobj().decompress(body[start.start() :])
        place += 12 + length
    with suppress(zlib.error):
        yield zlib.decompress(pixels)


def told(plants: Plants, hits: dict[str, set[bytes]]) -> list[str]:
    """Survivors as a person reads them: where found, and what was planted where."""
    return sorted(
        f"{place}: {token.decode()} of {plants.places[token]}"
        for place, tokens in hits.items()
        for token in tokens
    )
