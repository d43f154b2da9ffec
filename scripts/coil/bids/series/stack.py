"""How many volumes and slices a folder of DICOM files holds, told from headers alone."""

import math
import struct
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from coil import passing
from coil.bids.series.acquisition import SIEMENS_FRAMES, b_values, private, siemens_frame
from coil.bids.series.broken import BrokenSeriesError
from coil.dicom import header as headers
from coil.dicom.header import Header

# EffectiveEchoTime with its VR and length, little endian; frames are told before the pixels.
_EFFECTIVE_ECHO_TIME = struct.pack("<HH2sH", 0x0018, 0x9082, b"FD", 8)
_FRAMES = 1 << 20


class Counted(NamedTuple):
    """What a series holds: volumes of one echo, slices of a volume, echoes; None: unknown."""

    volumes: int | None
    slices: int | None
    echoes: int | None = None
    times: tuple[float, ...] = ()
    """The echo times in ms, ascending."""


def read_header(path: Path) -> Header:
    """One file's header without its pixels.

    Raises
    ------
    BrokenSeriesError
        If the file is not DICOM or its header is broken; the text names the folder only.
    """
    try:
        return headers.read(path)
    except Exception as error:
        raise _unreadable(path, error) from None


def is_mosaic(header: Header) -> bool:
    """Whether one file holds a whole volume as a Siemens mosaic."""
    return "MOSAIC" in (header.get("ImageType") or ())


def image_type(header: Header) -> tuple[str, ...]:
    """ImageType; Siemens XA tells NORM, MOCO and the like in a private copy in each frame."""
    found = [str(token) for token in header.get("ImageType") or ()]
    for frame in list(header.get("PerFrameFunctionalGroupsSequence") or ())[:1]:
        inner = siemens_frame(frame)
        text = None if inner is None else private(inner, 0x0021, SIEMENS_FRAMES, 0x75)
        if text is None:
            continue
        tokens = [text] if isinstance(text, str) else list(text)
        found += [str(token) for token in tokens if token not in found]
    return tuple(found)


def matrix(header: Header) -> tuple[int | None, int | None]:
    """(rows, columns) of a slice; a mosaic is taken apart."""
    rows, columns = header.get("Rows"), header.get("Columns")
    slices = private(header, 0x0019, "SIEMENS MR HEADER", 0x0A) if is_mosaic(header) else None
    if not slices or rows is None or columns is None:
        return rows, columns
    tiles = math.ceil(math.sqrt(int(slices)))
    return rows // tiles, columns // tiles


def positions(header: Header) -> int:
    """The number of distinct slice positions in an enhanced multi-frame file, at least 1."""
    found = set()
    for frame in header.get("PerFrameFunctionalGroupsSequence") or ():
        plane = frame.get("PlanePositionSequence")
        found.add(tuple(plane[0].get("ImagePositionPatient") or ()) if plane else ())
    return max(len(found), 1)


def components(header: Header) -> int:
    """How many of magnitude, phase, real and imaginary images an enhanced file holds, 1 to 4."""
    if header.get("ComplexImageComponent") != "MIXED":
        return 1
    kinds = (
        kind[0].get("ComplexImageComponent")
        for frame in header.get("PerFrameFunctionalGroupsSequence") or ()
        if (kind := frame.get("MRImageFrameTypeSequence"))
    )
    return max(len({str(kind) for kind in kinds if kind}), 1)


def echo_times(header: Header) -> tuple[float, ...]:
    """The echo times in ms that one header names, ascending; enhanced frames included."""
    if header.get("EchoTime") is not None:
        return (float(header.EchoTime),)
    groups: list[Any] = list(header.get("SharedFunctionalGroupsSequence") or ())
    groups += list(header.get("PerFrameFunctionalGroupsSequence") or ())
    found = {
        float(group.MREchoSequence[0].EffectiveEchoTime)
        for group in groups
        if group.get("MREchoSequence")
        and group.MREchoSequence[0].get("EffectiveEchoTime") is not None
    }
    return tuple(sorted(found))


def count(files: list[Path], first: Header) -> Counted:
    """The complete volumes, the slices and the echoes of one series; an echo is not a volume.

    Headers of the other files are read as far as they are needed, so ask only when a rule
    wants to know.
    """
    if not first.get("Rows") or not files:
        return Counted(None, None)
    if first.get("NumberOfFrames") is not None:
        return _count_enhanced(files, first)
    if is_mosaic(first):
        echoes = Counter(_texts(path, "EchoTime")[0] for path in files)
        slices = first.get((0x0019, 0x100A))
        found = int(slices.value) if slices else None
        return Counted(min(echoes.values()), found, len(echoes), _times(echoes))
    return _count_classic(files)


def all_b_values(files: list[Path]) -> frozenset[float]:
    """The b-values of a whole series, in s/mm²; reads as many headers as it has files."""
    return frozenset().union(*(b_values(read_header(path)) for path in files))


def _count_classic(files: list[Path]) -> Counted:
    """One slice a file: the volumes are the repetitions that every position has."""
    seen: dict[tuple[str, ...], Counter[str]] = {}
    for path in files:
        *image, position = _texts(path, "ImageType", "EchoTime", "ImagePositionPatient")
        seen.setdefault(tuple(image), Counter())[position] += 1
    slices = max(len(positions) for positions in seen.values())
    complete = [min(c.values()) if len(c) == slices else 0 for c in seen.values()]
    echoes = {echo for _, echo in seen}
    return Counted(min(complete), slices, len(echoes), _times(echoes))


def _times(texts: Iterable[str]) -> tuple[float, ...]:
    return tuple(sorted(float(text) for text in texts if text))


def _count_enhanced(files: list[Path], first: Header) -> Counted:
    """Multi-frame files: all volumes in one, or one volume (of one echo) a file."""
    slices = positions(first)
    frames = [int(_texts(path, "NumberOfFrames")[0] or 0) for path in files]
    volumes = sum(n // slices for n in frames)
    echoes = {*echo_times(first)}.union(*(_effective_echo_times(path) for path in files[1:]))
    number = max(len(echoes), 1)
    return Counted(volumes // (number * components(first)), slices, number, tuple(sorted(echoes)))


def _effective_echo_times(path: Path) -> set[float]:
    """The echo times of an enhanced file's frames.

    A series may have hundreds of such files, and a whole header costs milliseconds, so the
    attribute is looked for by its bytes first.
    """
    with path.open("rb") as stream:
        pieces = stream.read(_FRAMES).split(_EFFECTIVE_ECHO_TIME)[1:]
    found = {struct.unpack_from("<d", piece)[0] for piece in pieces if len(piece) >= 8}
    return found or {*echo_times(read_header(path))}


def _texts(path: Path, *keywords: str) -> tuple[str, ...]:
    try:
        return headers.read_texts(path, *keywords)
    except Exception as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: Exception) -> BrokenSeriesError:
    passing.let_through(error)
    return BrokenSeriesError(
        "/".join(path.parts[-3:-1]),
        f"a file is not readable as DICOM ({type(error).__name__}); repair or remove it in the "
        "archive",
    )
