"""Pull one session: one listing with digests, one zip stream, nothing trusted unverified.

The zip is unpacked while it arrives. Every file is compared with the listing (size, MD5;
the zip's CRC in passing) on its way to the disk, and counts only then. A transfer that
breaks is begun anew for the scans that still lack files. Where the archive's folder is
mounted, files are taken from there and compared alike. All scans of a usable quality are
pulled, also those that no rule of the mapping takes: what their headers tell of a person
must be known to the leak check, and every series is accounted for.
"""

import logging
import random
import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from coil import files
from coil.archive import contents
from coil.archive.client import Archive, part
from coil.archive.contents import ArchiveFile, Contents
from coil.archive.listing import natural
from coil.archive.pull import mounted, progress, zipped
from coil.archive.pull.receive import ChangedError, Receiver
from coil.archive.pull.series import sort_series
from coil.errors import ArchiveError, DataError, RefusedError
from coil.records.listing import Scan
from coil.records.pulled import ArchiveNames, PulledSession

logger = logging.getLogger(__name__)

PAUSES = (1.0, 4.0, 10.0)
"""Seconds, with jitter, between transfers that break without bringing much."""

MUCH = 0.1
"""The share of what lacks that makes a broken transfer worth its while."""

SPARE = 200_000_000
"""Bytes of free disk that a pull leaves to the others."""

LONGEST = 4000
"""Characters of scan IDs in a request; servers refuse addresses beyond some 8000."""


@dataclass(frozen=True)
class Request:
    """A session to pull, by its archive ID; its usable scans, some session resources.

    `folder` is the session's folder in the mounted archive, `title` its neutral name.
    """

    session_id: str
    scans: Sequence[Scan]
    resources: Sequence[str]
    identifiers: ArchiveNames = field(repr=False)
    folder: Path | None = field(default=None, repr=False)
    title: str = "session"


def pull_session(archive: Archive, request: Request, target: Path) -> str:
    """Pull into `target`; returns the digest of what the archive holds (`contents.digest`).

    Writes `series/NNN/NNNNNN.dcm`, `resources/`, `scan_resources/` and, last of all,
    `pulled.json`: without it
    `target` is to be trusted in nothing, and is emptied. Raises `ArchiveError` for a broken
    transfer, `DataError` for data that cannot be used.
    """
    # First what says that the rest is whole: the removal may be cut off, too.
    (target / "pulled.json").unlink(missing_ok=True)
    files.remove_tree(target)
    held = contents.read(archive, request.session_id, request.resources)
    wanted = {scan.scan for scan in request.scans}
    expected = [file for file in held.files if not file.scan or file.scan in wanted]
    images = [file for file in expected if file.is_image]
    if not images:
        raise DataError(
            "the archive holds no DICOM files for this session; upload them, or leave the session "
            "out with select"
        )
    total = sum(file.bytes for file in expected)
    _check_space(target, total)
    target.mkdir(parents=True, mode=0o700)
    places = _places(expected, target)
    with progress.shown(request.title, total) as tell:
        receiver = Receiver(places, tell)
        if request.folder:
            mounted.take(receiver, request.folder)
        _fetch(archive, request.session_id, held, receiver)
    rows = sort_series(
        {file: places[file] for file in images}, receiver.series, request.scans, target
    )
    files.remove_tree(target / "unpacked")
    record = PulledSession(scans=rows, identifiers=request.identifiers)
    record.write(target / "pulled.json")
    logger.info("pulled %d files of %d scans, all verified", len(expected), len(wanted))
    return contents.digest(held.files)


def _places(expected: Iterable[ArchiveFile], target: Path) -> dict[ArchiveFile, Path]:
    """Where each file goes: images by number (neutral), those of resources by their path."""
    places = {}
    for number, file in enumerate(sorted(expected)):
        if file.is_image:
            places[file] = target / "unpacked" / f"{number // 1000:03d}" / f"{number:06d}"
        elif file.scan:
            beside = target / "scan_resources"
            places[file] = mounted.inside(beside, file.scan, file.resource, file.path)
        else:
            places[file] = mounted.inside(target / "resources", file.resource, file.path)
    return places


def _fetch(archive: Archive, session_id: str, held: Contents, receiver: Receiver) -> None:
    """Bring what `receiver` lacks over the network, if need be in several transfers."""
    listed = {file.key for file in held.files}
    expected = len(receiver.lacking)
    in_vain = 0
    while receiver.lacking:
        before = receiver.lacking_bytes
        try:
            for path in _zips(session_id, held, receiver.lacking.values()):
                with archive.stream(path, format="zip") as chunks:
                    zipped.unpack(chunks, receiver, listed)
            if receiver.lacking:
                raise ArchiveError(
                    f"{len(receiver.lacking)} of {expected} files that the archive lists did not "
                    "arrive; try again, and refresh the session's catalog in the archive if this "
                    "comes again"
                )
        except (ChangedError, RefusedError):
            raise
        except ArchiveError as error:
            in_vain = 0 if receiver.lacking_bytes <= (1 - MUCH) * before else in_vain + 1
            if in_vain > len(PAUSES):
                raise
            cause = str(error).partition(";")[0]
            logger.warning("%s; once more for %d files", cause, len(receiver.lacking))
            time.sleep(PAUSES[max(in_vain - 1, 0)] * random.uniform(0.5, 1.5))


def _zips(session_id: str, held: Contents, lacking: Iterable[ArchiveFile]) -> Iterator[str]:
    """The paths of the zips that hold the `lacking` files, as few as do not hold much else."""
    base = f"/data/experiments/{part(session_id)}"
    images = [file for file in lacking if file.scan]  # and what lies beside them
    beside = sorted({file.resource for file in lacking if not file.scan})
    scans = {file.scan for file in images}
    others = sum(size for scan, size in held.others.items() if scan in scans)
    everything = {file.scan for file in held.files if file.scan} | set(held.others)
    if others <= MUCH * sum(file.bytes for file in images):
        for ids in _ids(scans, everything):
            yield f"{base}/scans/{ids}/files"
    else:  # NIfTI files, say, that somebody put beside the images
        # A scan each: in a zip of one resource of several, the names do not say which is whose.
        for resource, scan in sorted({(file.resource, file.scan) for file in images}):
            yield f"{base}/scans/{part(scan)}/resources/{part(resource)}/files"
    for resource in beside:
        yield f"{base}/resources/{part(resource)}/files"


def _ids(scans: set[str], everything: set[str]) -> Iterator[str]:
    """Scan IDs as an address names them, in lists that are not too long."""
    if not scans or scans == everything:
        yield from ["ALL"] if scans else []
        return
    some = ""
    for scan in map(part, sorted(scans, key=natural)):
        if some and len(some) + len(scan) >= LONGEST:
            yield some
            some = ""
        some += f",{scan}" if some else scan
    yield some


def _check_space(target: Path, size: int) -> None:
    there = next(folder for folder in [target, *target.parents] if folder.exists())
    free = shutil.disk_usage(there).free
    if free < size + SPARE:
        raise ArchiveError(
            f"too little disk for the quarantine: {free / 1e9:.1f} GB free, the session needs "
            f"{(size + SPARE) / 1e9:.1f} GB; free some, then try again"
        )
