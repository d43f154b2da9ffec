"""A zip file as a stream: deflated, sizes after the data, as XNAT sends it.

Small members are packed ahead in a few threads, large ones piece by piece, so that packing
uses the machine and memory stays flat. Python's own writer packs in one thread, with zlib.
"""

import os
import struct
import time
import zlib
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

try:  # some three times as fast as zlib, and it packs as well
    from isal import isal_zlib as deflate
except ImportError:
    deflate = zlib

PIECE = 1 << 20
SMALL = 4 << 20
AHEAD_BYTES = 32 << 20
AHEAD_MEMBERS = 64
WORKERS = min(4, os.cpu_count() or 1)
# Level 1: a download is bound by packing, and scanner data gains little from more.
LEVEL = 1
_BIG = 0xFFFFFFFF
# A data descriptor follows, and the name is UTF-8.
_FLAGS = 0x0808
_LOCAL = struct.Struct("<4sHHHHHLLLHH")
_CENTRAL = struct.Struct("<4sHHHHHHLLLHHHHHLL")
_END = struct.Struct("<4sHHHHLLH")


@dataclass
class _Entry:
    """The entry of a member in the directory at the end."""

    name: bytes
    offset: int
    zip64: bool
    crc: int = 0
    packed: int = 0
    size: int = 0


@dataclass
class _Packed:
    crc: int
    size: int
    data: bytes


def stream_zip(members: Iterable[tuple[str, Path]]) -> Generator[bytes]:
    """The zip of (name, file) pairs, in pieces of about 1 MiB; what is not there is left out."""
    writer = _Writer()
    held: list[bytes] = []
    waiting = 0
    for piece in writer.pieces(members):
        held.append(piece)
        waiting += len(piece)
        if waiting >= PIECE:
            yield b"".join(held)
            held, waiting = [], 0
    yield b"".join(held)


class _Writer:
    def __init__(self) -> None:
        self._offset = 0
        self._entries: list[_Entry] = []
        now = time.localtime()
        self._date = (max(now.tm_year, 1980) - 1980) << 9 | now.tm_mon << 5 | now.tm_mday
        self._time = now.tm_hour << 11 | now.tm_min << 5 | now.tm_sec // 2

    def pieces(self, members: Iterable[tuple[str, Path]]) -> Generator[bytes]:
        for name, content in _ahead(members):
            for piece in self._member(name, content):
                self._offset += len(piece)
                yield piece
        yield from self._directory()

    def _member(self, name: str, content: "_Packed | Path") -> Generator[bytes]:
        size = content.stat().st_size if isinstance(content, Path) else content.size
        entry = _Entry(name.encode(), self._offset, size >= 1 << 31)
        extra = struct.pack("<HHQQ", 1, 16, 0, 0) if entry.zip64 else b""
        sizes = _BIG if entry.zip64 else 0
        yield _LOCAL.pack(
            b"PK\3\4", 45 if entry.zip64 else 20, _FLAGS, 8, self._time, self._date, 0, sizes,
            sizes, len(entry.name), len(extra),
        ) + entry.name + extra  # fmt: skip
        if isinstance(content, _Packed):
            entry.crc, entry.size, entry.packed = content.crc, content.size, len(content.data)
            yield content.data
        else:
            yield from _pack_large(content, entry)
        form = "<4sLQQ" if entry.zip64 else "<4sLLL"
        yield struct.pack(form, b"PK\7\10", entry.crc, entry.packed, entry.size)
        self._entries.append(entry)

    def _directory(self) -> Generator[bytes]:
        start = self._offset
        size = 0
        for entry in self._entries:
            big = [n for n in (entry.size, entry.packed, entry.offset) if n >= _BIG]
            extra = struct.pack(f"<HH{len(big)}Q", 1, 8 * len(big), *big) if big else b""
            record = _CENTRAL.pack(
                b"PK\1\2", 0x0300 | 45, 45 if entry.zip64 or big else 20, _FLAGS, 8, self._time,
                self._date, entry.crc, min(entry.packed, _BIG), min(entry.size, _BIG),
                len(entry.name), len(extra), 0, 0, 0, 0o100644 << 16, min(entry.offset, _BIG),
            ) + entry.name + extra  # fmt: skip
            size += len(record)
            yield record
        count = len(self._entries)
        if count >= 0xFFFF or start >= _BIG or size >= _BIG:
            yield struct.pack(
                "<4sQHHLLQQQQ", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, start
            )
            yield struct.pack("<4sLQL", b"PK\6\7", 0, start + size, 1)
        few = min(count, 0xFFFF)
        yield _END.pack(b"PK\5\6", 0, 0, few, few, min(size, _BIG), min(start, _BIG), 0)


def _ahead(members: Iterable[tuple[str, Path]]) -> Generator[tuple[str, _Packed | Path]]:
    """The members in order: small ones packed already, large ones as they are."""
    waiting: deque[tuple[str, int, Future[_Packed | None] | Path]] = deque()
    size = 0

    def next_one() -> Generator[tuple[str, _Packed | Path]]:
        nonlocal size
        name, its_size, content = waiting.popleft()
        size -= its_size
        done = content.result() if isinstance(content, Future) else content
        if done is not None:
            yield name, done

    with ThreadPoolExecutor(WORKERS, "zip") as pool:
        try:
            for name, path in members:
                try:
                    its_size = path.stat().st_size
                except OSError:
                    # A catalog may be stale: what it lists and the disk has not is left out,
                    # as XNAT does.
                    continue
                if its_size <= SMALL:
                    waiting.append((name, its_size, pool.submit(_pack_small, path)))
                    size += its_size
                else:
                    waiting.append((name, 0, path))
                while size > AHEAD_BYTES or len(waiting) > AHEAD_MEMBERS:
                    yield from next_one()
            while waiting:
                yield from next_one()
        finally:
            pool.shutdown(cancel_futures=True)


def _packer() -> "zlib._Compress":
    make: Callable[..., zlib._Compress] = deflate.compressobj  # type: ignore[assignment]
    return make(LEVEL, zlib.DEFLATED, -15)


def _pack_small(path: Path) -> _Packed | None:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    packer = _packer()
    return _Packed(deflate.crc32(data), len(data), packer.compress(data) + packer.flush())


def _pack_large(path: Path, entry: _Entry) -> Generator[bytes]:
    packer = _packer()

    def counted(data: bytes) -> bytes:
        entry.packed += len(data)
        return data

    with path.open("rb") as source:
        while data := source.read(PIECE):
            entry.crc = deflate.crc32(data, entry.crc)
            entry.size += len(data)
            yield counted(packer.compress(data))
    yield counted(packer.flush())
