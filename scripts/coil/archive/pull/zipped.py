"""An XNAT's zip stream, unpacked while it arrives."""

from collections.abc import Collection, Iterable, Iterator
from urllib.parse import unquote

import stream_unzip
from isal import isal_zlib

from coil.archive.contents import Key
from coil.archive.listing import IMAGES
from coil.archive.pull.receive import ChangedError, Receiver
from coil.errors import ArchiveError

CHUNK = 1 << 18

# Inflating takes most of a pull's time, and this does it twice as fast as the zlib it stands for.
stream_unzip.zlib = isal_zlib  # type: ignore[attr-defined]


def unpack(chunks: Iterable[bytes], receiver: Receiver, listed: Collection[Key]) -> None:
    """Hand every member that `receiver` lacks over to it; `listed` is all that the archive lists.

    Raises `ArchiveError` for a zip that is cut off or damaged, `ChangedError` for one with
    images that are not listed: then the session is growing.
    """
    scans = {scan for scan, _, _ in listed}
    beside = {resource for scan, resource, _ in listed if not scan}
    of_scans = {resource for scan, resource, _ in listed if scan}.union(IMAGES)
    try:
        for name, _, content in stream_unzip.stream_unzip(chunks, chunk_size=CHUNK):
            keys = list(member_keys(name.decode("utf-8", "replace"), scans))
            known = next((key for key in keys if key in listed), None)
            file = receiver.lacking.get(known) if known else None
            if file:
                receiver.take(file, content)
                continue
            if known is None and any(_counts(key, beside, of_scans) for key in keys):
                raise ChangedError(
                    "the archive sent files that it did not list before: the session is still "
                    "changing, try again"
                )
            for _ in content:
                pass
    except stream_unzip.UnzipError:
        raise ArchiveError("the archive's zip is cut off or damaged; try again") from None


def member_keys(name: str, scans: Iterable[str]) -> Iterator[Key]:
    """The files that a member `LABEL/scans/ID-TYPE/resources/R/files/PATH` may be, likeliest first.

    The scan's folder ends in its type, and both may hold dashes: the longest ID goes first.
    """
    before, files_mark, path = name.partition("/files/")
    head, resource_mark, resource = before.rpartition("/resources/")
    if not (files_mark and resource_mark) or name.endswith("/"):
        return
    _, scan_mark, folder = head.partition("/scans/")
    fitting = [scan for scan in scans if scan and f"{folder}-".startswith(f"{scan}-")]
    owners = (sorted(fitting, key=len, reverse=True) or [folder]) if scan_mark else [""]
    for owner in owners:
        yield owner, resource, path
        if "%" in path:
            yield owner, resource, unquote(path)


def _counts(key: Key, beside: Collection[str], of_scans: Collection[str]) -> bool:
    """Whether the file would have to be listed; XNAT's own catalogs need not be."""
    scan, resource, path = key
    return resource in (of_scans if scan else beside) and not path.endswith("_catalog.xml")
