"""Pull one session: one listing with digests, one zip stream, nothing trusted unverified.

The zip is streamed to a `.part` file, then every member is checked against the listing
(count, size, MD5; the zip's own CRC in passing) while it is unpacked. What cannot be
matched ends the pull. Files get neutral names, sorted into one folder per series.
"""

import hashlib
import logging
import random
import shutil
import time
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

import pydicom.errors
from pydicom.filereader import read_partial
from pydicom.tag import BaseTag, Tag

from coil import files
from coil.archive import contents
from coil.archive.client import Archive, part
from coil.archive.contents import ArchiveFile
from coil.archive.listing import Scan
from coil.errors import ArchiveError, DataError
from coil.units import scan_name

logger = logging.getLogger(__name__)

SERIES_UID = Tag("SeriesInstanceUID")
PAUSES = (1.0, 4.0)
"""Seconds before a broken transfer is begun anew, with jitter; then it fails."""

HEADROOM = 2.2
"""Free disk asked for, as a multiple of the session's bytes: the zip and its content."""


@dataclass(frozen=True)
class Request:
    """What to pull: a session by its archive ID, its usable scans, some session resources."""

    session_id: str
    scans: Sequence[Scan]
    resources: Sequence[str]
    identifiers: dict[str, str]


def pull_session(archive: Archive, request: Request, target: Path) -> str:
    """Pull into `target`; returns the digest of what the archive holds (`contents.digest`).

    Writes `target/pulled.json`, `series/NNN/NNNNNN.dcm` and `resources/`. Raises
    `ArchiveError` for a broken transfer, `DataError` for data that cannot be used.
    """
    everything = contents.list_files(archive, request.session_id, request.resources)
    wanted = {scan.scan for scan in request.scans}
    images = [file for file in everything if file.scan in wanted]
    beside = [file for file in everything if not file.scan]
    if not images:
        raise DataError(
            "the archive holds no DICOM files for this session; upload them, or leave the session "
            "out with select"
        )
    _check_space(target, sum(file.bytes for file in images + beside))
    target.mkdir(parents=True, mode=0o700)
    base = f"/data/experiments/{part(request.session_id)}"
    unpacked = target / "unpacked"
    scans = (
        "ALL"
        if len(wanted) == len({f.scan for f in everything if f.scan})
        else ",".join(part(scan.scan) for scan in request.scans)
    )
    _fetch(archive, f"{base}/scans/{scans}/files", images, unpacked)
    for label in sorted({file.resource for file in beside}):
        expected = [file for file in beside if file.resource == label]
        folder = target / "resources" / label
        _fetch(archive, f"{base}/resources/{part(label)}/files", expected, folder, flat=True)
    rows = sort_series(unpacked, request.scans, target)
    files.remove_tree(unpacked)
    files.write_json(target / "pulled.json", {"scans": rows, "identifiers": request.identifiers})
    logger.info("pulled %d files of %d scans, all verified", len(images) + len(beside), len(wanted))
    return contents.digest(everything)


def _fetch(
    archive: Archive, path: str, expected: list[ArchiveFile], folder: Path, flat: bool = False
) -> None:
    """Stream the zip at `path` and unpack it into `folder`, each file verified.

    Image files are named `<scan's place>/<number>` (neutral); with `flat` they keep the
    path that they have in their resource. A transfer that breaks is begun anew.
    """
    for pause in (*PAUSES, None):
        try:
            files.remove_tree(folder)
            _fetch_once(archive, path, expected, folder, flat)
            return
        except ArchiveError as error:
            if pause is None:
                raise
            logger.warning("%s; trying again", error)
            time.sleep(pause * random.uniform(0.5, 1.5))


def _fetch_once(
    archive: Archive, path: str, expected: list[ArchiveFile], folder: Path, flat: bool
) -> None:
    folder.mkdir(parents=True)
    part_file = folder / ".part"
    with archive.stream(path, format="zip") as chunks, part_file.open("wb") as stream:
        for chunk in chunks:
            stream.write(chunk)
    try:
        with zipfile.ZipFile(part_file) as bundle:
            _unpack(bundle, expected, folder, flat)
    except (zipfile.BadZipFile, EOFError):
        raise ArchiveError("the archive's zip is cut off or damaged; try again") from None
    part_file.unlink()


def _unpack(bundle: zipfile.ZipFile, expected: list[ArchiveFile], folder: Path, flat: bool) -> None:
    wanted = {
        _key(file.scan, file.resource, file.path): (number, file)
        for number, file in enumerate(sorted(expected), start=1)
    }
    known = {file.scan for file in expected}
    for member in bundle.infolist():
        if member.is_dir():
            continue
        key = _member_key(member.filename, known)
        if key not in wanted:  # another resource of the scan (snapshots, NIfTI): not asked for
            continue
        number, file = wanted.pop(key)
        name = file.path if flat else f"{_folder_of(file.scan)}/{number:06d}"
        destination = _inside(folder, name)
        destination.parent.mkdir(parents=True, exist_ok=True)
        with bundle.open(member) as source, destination.open("wb") as stream:
            size, digest = _copy(source, stream)
        if size != file.bytes or (file.digest and digest != file.digest):
            raise ArchiveError(
                "a file arrived with other bytes than the archive lists; refresh the session's "
                "catalog in the archive if this comes again"
            )
    if wanted:
        raise ArchiveError(
            f"{len(wanted)} of {len(expected)} files that the archive lists did not arrive; "
            "try again, and refresh the session's catalog in the archive if this comes again"
        )


def _copy(source: IO[bytes], stream: IO[bytes]) -> tuple[int, str]:
    """Copy and return the number of bytes and their MD5."""
    summary = hashlib.md5(usedforsecurity=False)
    size = 0
    while chunk := source.read(1 << 20):
        stream.write(chunk)
        summary.update(chunk)
        size += len(chunk)
    return size, summary.hexdigest()


def _key(scan: str, resource: str, path: str) -> tuple[str, str, str]:
    return scan, resource, path


def _member_key(name: str, scans: Iterable[str]) -> tuple[str, str, str] | None:
    """Scan, resource and path of a zip member `.../scans/ID-TYPE/resources/R/files/PATH`.

    The scan's folder ends in its type, and both may hold dashes: the longest known ID wins.
    """
    before, files_mark, path = name.partition("/files/")
    if not files_mark:
        return None
    head, _, resource = before.rpartition("/resources/")
    _, scan_mark, folder = head.partition("/scans/")
    if not scan_mark:
        return _key("", resource, path)
    fitting = [s for s in scans if folder == s or folder.startswith(f"{s}-")]
    return _key(max(fitting, key=len), resource, path) if fitting else None


def _folder_of(scan: str) -> str:
    return hashlib.sha256(scan.encode()).hexdigest()[:16]


def _inside(folder: Path, name: str) -> Path:
    """`folder/name`, refused where the name leads out of the folder."""
    relative = PurePosixPath(name)
    if relative.is_absolute() or ".." in relative.parts or "\x00" in name or "\\" in name:
        raise ArchiveError(
            "the archive's zip holds a file name that leads out of its folder; look at the "
            "session's files in the archive"
        )
    return folder / relative


def sort_series(unpacked: Path, scans: Sequence[Scan], target: Path) -> list[dict[str, Any]]:
    """Move the files of each scan into `series/NNN`, one folder per SeriesInstanceUID.

    Returns a row per series folder, and one for each scan that has none. A file that is
    not DICOM raises `DataError` with the folder's number and the file's.
    """
    rows: list[dict[str, Any]] = []
    number = 0
    for scan in scans:
        row = {
            "scan": scan.scan,
            "type": scan.type,
            "series_description": scan.series_description,
            "quality": scan.quality,
            "note": scan.note,
        }
        source = unpacked / _folder_of(scan.scan)
        found: dict[str, list[Path]] = {}
        for path in sorted(source.iterdir()) if source.is_dir() else []:
            found.setdefault(_series_uid(path, scan_name(scan.scan)), []).append(path)
        if not found:
            problem = "the archive holds no DICOM for this scan"
            rows.append({**row, "folder": None, "files": 0, "problem": problem})
        for uid in sorted(found):
            number += 1
            folder = target / "series" / f"{number:03d}"
            folder.mkdir(parents=True)
            for position, path in enumerate(found[uid], start=1):
                path.rename(folder / f"{position:06d}.dcm")
            rows.append({**row, "folder": f"series/{number:03d}", "files": len(found[uid])})
    return rows


def _series_uid(path: Path, scan: str) -> str:
    """The file's SeriesInstanceUID; nothing behind it is read."""
    try:
        with path.open("rb") as stream:
            header = read_partial(stream, _behind_uid, specific_tags=[SERIES_UID])
        return str(header[SERIES_UID].value)
    except (pydicom.errors.InvalidDicomError, KeyError, OSError, ValueError, EOFError):
        raise DataError(
            f"{scan}: file {int(path.name)} in the order of names is not a readable DICOM file; "
            "replace or delete it in the archive"
        ) from None


def _behind_uid(tag: BaseTag, vr: str | None, length: int) -> bool:
    return tag > SERIES_UID


def _check_space(target: Path, size: int) -> None:
    place = next(folder for folder in [target, *target.parents] if folder.exists())
    free = shutil.disk_usage(place).free
    if free < size * HEADROOM:
        raise ArchiveError(
            f"too little disk for the quarantine: {free / 1e9:.1f} GB free, the session needs "
            f"{size * HEADROOM / 1e9:.1f} GB; free some, then try again"
        )
