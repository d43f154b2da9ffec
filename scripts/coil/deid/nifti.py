"""NIfTI files of which only the voxels and their geometry leave.

The formats: nifti1.h and nifti2.h (https://nifti.nimh.nih.gov). A header is copied byte for
byte but for its text fields, so that affine, data type, scaling and voxels are the same.
"""

import math
import struct
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from isal import igzip

from coil import passing
from coil.errors import DataError


class Reader(Protocol):
    """A stream of bytes."""

    def read(self, size: int, /) -> bytes:
        """At most so many of the bytes that follow."""
        ...


CHUNK = 1 << 20
# Of ISA-L: ten times the speed of zlib's 4 for 5 % more bytes. At this level, unlike at 3, it
# compresses alike on all processors of a kind.
LEVEL = 1


@dataclass(frozen=True)
class Layout:
    """The fields of a version of the header: their offset with a length or a struct format."""

    size: int
    magic: tuple[int, bytes]
    dim: tuple[int, str]
    bitpix: tuple[int, str]
    offset: tuple[int, str]
    text: dict[str, tuple[int, int]]


# `data_type`, `extents`, `session_error`, `glmax` and `glmin` come from Analyze 7.5, unused.
NIFTI1 = Layout(
    size=348,
    magic=(344, b"n+1\0"),
    dim=(40, "8h"),
    bitpix=(72, "h"),
    offset=(108, "f"),
    text={
        "data_type": (4, 10),
        "db_name": (14, 18),
        "extents": (32, 4),
        "session_error": (36, 2),
        "glmax": (140, 8),
        "descrip": (148, 80),
        "aux_file": (228, 24),
        "intent_name": (328, 16),
    },
)
NIFTI2 = Layout(
    size=540,
    magic=(4, b"n+2\0\r\n\x1a\n"),
    dim=(16, "8q"),
    bitpix=(14, "h"),
    offset=(168, "q"),
    text={
        "descrip": (240, 80),
        "aux_file": (320, 24),
        "intent_name": (508, 16),
        "unused_str": (525, 15),
    },
)


@dataclass(frozen=True)
class Header:
    """A header as read: its bytes, its version, and where the voxels are."""

    raw: bytes
    layout: Layout
    order: str
    data_start: int
    data_size: int
    itemsize: int

    def fields(self) -> list[str]:
        """The text fields that hold something."""
        return [
            name
            for name, (start, length) in self.layout.text.items()
            if self.raw[start : start + length].strip(b"\0 ")
        ]

    def cleaned(self) -> bytes:
        """The header without text and extensions, up to the first voxel."""
        raw = bytearray(self.raw)
        for start, length in self.layout.text.values():
            raw[start : start + length] = bytes(length)
        start, kind = self.layout.offset
        struct.pack_into(self.order + kind, raw, start, self.layout.size + 4)
        return bytes(raw) + bytes(4)  # no extension follows


Change = Callable[[Header, Iterator[bytes]], Iterator[bytes]]


def clean_nifti(source: Path, target: Path, change: Change | None = None) -> list[str]:
    """Write the voxels and the geometry of `source` to `target`, both .nii.gz; bytes depend on
    nothing else. `change` makes other voxels of them on the way, as many.

    Returns the names of what was removed: header fields, "extensions", "trailing bytes".
    Raises DataError if `source` is not one whole NIfTI file.
    """
    try:
        with read_gzip(source) as stream, write_gzip(target) as out:
            header = read_header(stream, source.name)
            removed = header.fields()
            if skip_extensions(stream, header):
                removed.append("extensions")
            out.write(header.cleaned())
            chunks = voxels(stream, header, source.name)
            for chunk in change(header, chunks) if change else chunks:
                out.write(chunk)
            if stream.read(1):
                removed.append("trailing bytes")
    except (OSError, EOFError) as error:
        passing.let_through(error)
        raise DataError(
            f"{source.name}: not a whole gzip file ({type(error).__name__}); convert again"
        ) from None
    return removed


def read_header(stream: Reader, name: str) -> Header:
    """The header at the start of a stream; `name` is for the error."""
    raw = stream.read(NIFTI1.size)
    for layout in (NIFTI1, NIFTI2):
        for order in "<>":
            if len(raw) < 4 or struct.unpack_from(order + "i", raw)[0] != layout.size:
                continue
            raw += stream.read(layout.size - len(raw))
            start, magic = layout.magic
            if len(raw) == layout.size and raw[start : start + len(magic)] == magic:
                return _parse(raw, layout, order, name)
    raise DataError(f"{name}: not a NIfTI file in one piece; convert again")


def skip_extensions(stream: Reader, header: Header) -> bool:
    """Pass over what stands between header and voxels; whether it was an extension."""
    skipped = stream.read(header.data_start - header.layout.size)
    return len(skipped) > 4 and any(skipped)


def voxels(stream: Reader, header: Header, name: str) -> Iterator[bytes]:
    """The bytes of the voxels, from a stream that stands at the first one."""
    left = header.data_size
    while left:
        chunk = stream.read(min(CHUNK, left))
        if not chunk:
            raise DataError(f"{name}: the voxels end before their time; convert again")
        left -= len(chunk)
        yield chunk


def read_gzip(source: Path) -> igzip.IGzipFile:
    """The content of a gzip file; reading it raises OSError or EOFError if it is not whole."""
    return igzip.IGzipFile(source, "rb")


@contextmanager
def write_gzip(target: Path) -> Generator[igzip.IGzipFile, None, None]:
    """A gzip file without a name and a time in it."""
    with (
        target.open("wb") as raw,
        igzip.IGzipFile("", "wb", compresslevel=LEVEL, fileobj=raw, mtime=0) as stream,
    ):
        yield stream


def _parse(raw: bytes, layout: Layout, order: str, name: str) -> Header:
    dim = struct.unpack_from(order + layout.dim[1], raw, layout.dim[0])
    bitpix = struct.unpack_from(order + layout.bitpix[1], raw, layout.bitpix[0])[0]
    start = int(struct.unpack_from(order + layout.offset[1], raw, layout.offset[0])[0])
    shape = dim[1 : dim[0] + 1]
    if not 1 <= dim[0] <= 7 or min(shape) < 1 or bitpix % 8 or start < layout.size + 4:
        raise DataError(f"{name}: its NIfTI header makes no sense; convert again")
    size = math.prod(shape) * bitpix // 8
    return Header(raw, layout, order, start, size, bitpix // 8)
