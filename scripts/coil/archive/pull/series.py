"""From pulled files to one folder per series."""

import io
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from msgspec import structs
from pydicom.filereader import data_element_generator, read_partial
from pydicom.tag import BaseTag, Tag

from coil.archive.contents import ArchiveFile
from coil.bids.series.broken import unreadable_file
from coil.errors import DataError
from coil.records.listing import Scan
from coil.records.pulled import NO_DICOM, PulledScan
from coil.units import scan_name

ENOUGH = 1 << 16
"""So many bytes of a file nearly always hold what stands before its SeriesInstanceUID."""

_STRAY = re.compile(
    r"(?i)(^|/)(\.[^/]*|__macosx/.*|thumbs\.db|desktop\.ini|dicomdir|[^/]+\.(xml|txt|pdf|html?))$"
)
_SERIES_UID = Tag("SeriesInstanceUID")
_SYNTAX = Tag("TransferSyntaxUID")
_PLAIN = {b"1.2.840.10008.1.2\0": True, b"1.2.840.10008.1.2.1\0": False}
"""Transfer syntaxes, and whether their VRs are implicit."""


def series_uid(head: bytes, path: Path) -> str | None:
    """The SeriesInstanceUID of the file at `path`, which begins with `head`.

    None for a file that is not readable DICOM.
    """
    uid = _walk(head) or _read(io.BytesIO(head), len(head))
    if uid is None and (size := path.stat().st_size) > len(head):
        with path.open("rb") as stream:
            uid = _read(stream, size)
    return uid


def _walk(head: bytes) -> str | None:
    """The same as `_read`, five times as fast, for the two encodings that most files have."""
    if head[128:132] != b"DICM":
        return None
    stream = io.BytesIO(head)
    stream.seek(132)
    try:
        syntax = _find(stream, _SYNTAX, _is_data, is_implicit_vr=False)
        if syntax not in _PLAIN:
            return None
        uid = _find(stream, _SERIES_UID, _is_behind, is_implicit_vr=_PLAIN[syntax])
        whole = uid is not None and b"\\" not in uid and stream.tell() < len(head)
        return uid.decode("ascii").rstrip("\0 ") if uid and whole else None
    except Exception:  # whatever a damaged file makes of the parser
        return None


def _find(
    stream: BinaryIO, tag: BaseTag, stop: Callable[..., bool], is_implicit_vr: bool
) -> bytes | None:
    elements = data_element_generator(
        stream, is_implicit_vr, True, stop_when=stop, specific_tags=[tag]
    )
    value = next((element.value for element in elements if element.tag == tag), None)
    return value if isinstance(value, bytes) else None


def _read(stream: BinaryIO, size: int) -> str | None:
    try:
        data = read_partial(stream, _is_behind, specific_tags=[_SERIES_UID])
        # Where the parser ran into the end, the value may be cut off.
        return str(data[_SERIES_UID].value) if stream.tell() < size else None
    except Exception:  # whatever a damaged file makes of the parser
        return None


def _is_data(tag: BaseTag, vr: str | None, length: int) -> bool:
    return tag.group > 2


def _is_behind(tag: BaseTag, vr: str | None, length: int) -> bool:
    return tag > _SERIES_UID


def is_stray(path: str) -> bool:
    """Whether a file of this name comes with a folder that somebody uploads by hand: a desktop's
    note of it, a copy of a catalog. It is no image unless it is DICOM."""
    return bool(_STRAY.search(path))


def sort_series(
    places: Mapping[ArchiveFile, Path],
    uids: Mapping[ArchiveFile, str | None],
    scans: Sequence[Scan],
    target: Path,
) -> tuple[PulledScan, ...]:
    """Move the image files at `places` into `target/series/NNN`, a folder for each series.

    Returns a row for each series, and one for each scan that has none. Of the files without a
    series in `uids`, which are not DICOM, the strays are counted (`strays`, of the scan's first
    row); another one may have been an image, so that its scan is `broken`.

    Raises
    ------
    DataError
        If there is no scan but broken ones.
    """
    rows: list[PulledScan] = []
    for scan in scans:
        files = sorted(file for file in places if file.scan == scan.scan)
        paths: dict[str, list[Path]] = {}
        for file in files:
            if uid := uids[file]:
                paths.setdefault(uid, []).append(places[file])
        others = {n: file for n, file in enumerate(files, start=1) if not uids[file]}
        broken = [n for n, file in others.items() if not is_stray(file.path)]
        row = structs.replace(
            without_files(scan),
            broken=broken[0] if broken else None,
            strays=len(others) - len(broken),
        )
        rows += _rows(row, _move(paths, target, sum(one.folder is not None for one in rows)))
    if not any(row.folder and not row.broken for row in rows):
        for row in rows:
            if row.broken:
                raise DataError(f"{scan_name(row.scan)}: {unreadable_file(row.broken)}")
    return tuple(rows)


def _move(paths: Mapping[str, list[Path]], target: Path, done: int) -> dict[str, int]:
    """Move the files of each series to a folder, numbered on; how many there are by folder."""
    moved = {}
    for number, uid in enumerate(sorted(paths), start=done + 1):
        folder = target / "series" / f"{number:03d}"
        folder.mkdir(parents=True)
        for position, path in enumerate(paths[uid], start=1):
            path.rename(folder / f"{position:06d}.dcm")
        moved[f"series/{number:03d}"] = len(paths[uid])
    return moved


def _rows(row: PulledScan, moved: Mapping[str, int]) -> list[PulledScan]:
    """The rows of a scan, of which `row` says what they share."""
    if not moved:
        return [structs.replace(row, files=0, problem=NO_DICOM)]
    return [
        structs.replace(row, folder=folder, files=count, strays=0 if number else row.strays)
        for number, (folder, count) in enumerate(moved.items())
    ]


def without_files(scan: Scan) -> PulledScan:
    """The row of a scan of which only the archive's listing is known."""
    return PulledScan(
        scan=scan.scan,
        type=scan.type,
        series_description=scan.series_description,
        quality=scan.quality,
        note=scan.note,
        files=scan.files,
    )
