"""The header of one file of each series, without its pixels, before anything is pulled.

What comes of it looks like a pulled session, so that whoever reads those reads this: a
`pulled.json`, and one folder a scan with one file, cut off where the pixels begin. Headers
are identified data: the folder is for its owner alone.
"""

import hashlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pydicom
from msgspec import structs

from coil import files
from coil.archive import contents
from coil.archive.client import Archive, part
from coil.archive.contents import ArchiveFile
from coil.archive.pull.series import is_stray, without_files
from coil.archive.resources import Resource
from coil.bids.series.pictures import is_aside
from coil.errors import CoilError
from coil.records.listing import Scan
from coil.records.pulled import NO_DICOM, PulledScan, PulledSession

HEADER = "000001.dcm"

PIECE = 1 << 16
"""Bytes of a file that are asked for at once: a classic header is shorter."""

LONGEST = 1 << 26
"""Bytes after which a header is not waited for any longer: the largest known ones of enhanced
files with thousands of frames have a quarter of that."""


def fetch_headers(archive: Archive, session_id: str, scans: Sequence[Scan], out: Path) -> int:
    """Leave the headers of a session's scans in `out`; returns how many were fetched.

    A header that is there already, of a scan that is listed as it was, is not asked for
    again; if none lacks, the archive is not asked at all. Raises `ArchiveError`.
    """
    folders = {scan: _folder(scan) for scan in scans if scan.files != 0}
    lacking = [scan for scan, name in folders.items() if not (out / name / HEADER).is_file()]
    (out / "series").mkdir(mode=0o700, parents=True, exist_ok=True)
    out.chmod(0o700)
    chosen = likely_files(archive, session_id) if lacking else {}
    for scan in lacking:
        path = out / folders[scan] / HEADER
        for file in chosen.get(scan.scan, ()):
            path.parent.mkdir(mode=0o700, exist_ok=True)
            files.write_bytes(path, header(archive, session_id, file), 0o600)
            if not is_aside(path):
                break
    for folder in (out / "series").iterdir():
        if f"series/{folder.name}" not in folders.values():
            files.remove_tree(folder)  # of a scan that changed, or is gone
    rows = tuple(_row(scan, folders.get(scan), out) for scan in scans)
    PulledSession(scans=rows).write(out / "pulled.json", 0o600)
    return len(lacking)


def likely_files(archive: Archive, session_id: str) -> Mapping[str, Sequence[ArchiveFile]]:
    """Of each scan the first file; if that holds no image, the last may."""
    by_scan: dict[str, list[ArchiveFile]] = {}
    for file in contents.list_files(archive, session_id, ()):
        if not is_stray(file.path):
            by_scan[file.scan] = [*by_scan.get(file.scan, ())[:1], file]
    return by_scan


def header(archive: Archive, session_id: str, file: ArchiveFile) -> bytes:
    """The beginning of a DICOM file, up to its pixels; hardly more of it is transferred."""
    base = f"/data/experiments/{part(session_id)}"
    address = Resource(file.resource, file.scan).file_address(base, file.path)
    with archive.stream(address, chunk=PIECE) as chunks:
        return cut(chunks)


def cut(chunks: Iterator[bytes]) -> bytes:
    """A DICOM file up to its pixels; takes no more of `chunks` than needed.

    Of a file that is not DICOM it is what had to be read to see that.
    """
    arriving = _Arriving(chunks)
    try:
        pydicom.dcmread(arriving, stop_before_pixels=True)
    except CoilError:
        raise
    except Exception:  # whatever a file that is not DICOM makes of the parser
        return arriving.so_far()
    return arriving.so_far()[: arriving.tell()]


class _Arriving(io.RawIOBase):
    """A stream that can be read again and skipped in; it takes from `chunks` what it needs."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._held = bytearray()
        self._place = 0

    def so_far(self) -> bytes:
        """Everything that arrived."""
        return bytes(self._held)

    def read(self, size: int = -1) -> bytes:
        end = self._place + size if size >= 0 else LONGEST
        while len(self._held) < end and (piece := self._next()):
            self._held += piece
        data = bytes(self._held[self._place : end])
        self._place += len(data)
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_END:
            raise io.UnsupportedOperation("the end has not arrived")
        self._place = max(0, offset + (self._place if whence == io.SEEK_CUR else 0))
        return self._place

    def tell(self) -> int:
        return self._place

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def _next(self) -> bytes:
        return next(self._chunks, b"") if len(self._held) < LONGEST else b""


def _folder(scan: Scan) -> str:
    """The scan's folder: another one when its files become others."""
    known = json.dumps([scan.scan, scan.type, scan.series_description, scan.files, scan.bytes])
    return f"series/{int.from_bytes(hashlib.sha256(known.encode()).digest()[:6]):015d}"


def _row(scan: Scan, folder: str | None, out: Path) -> PulledScan:
    row = without_files(scan)
    if folder is None or not (out / folder / HEADER).is_file():
        return structs.replace(row, files=0, problem=NO_DICOM)
    return structs.replace(row, folder=folder)
