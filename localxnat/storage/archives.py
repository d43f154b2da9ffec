"""Archives: the members of one that is uploaded, and a stream of one that is downloaded."""

import os
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from localxnat.errors import Refused
from localxnat.storage.incoming import Arrived, Incoming
from localxnat.storage.names import check_file_path
from localxnat.storage.zips import LEVEL, deflate, stream_zip

CHUNK = 1 << 20
BOMB = "The archive unpacks to far more than its size."

_TYPES = {"zip": "application/zip", "tar": "application/x-tar", "tar.gz": "application/gzip"}
MEDIA_TYPES = {**_TYPES, "tgz": "application/gzip"}


@dataclass(frozen=True)
class Unpacking:
    """The limits of what an upload may unpack to: `size` bytes, or more if it is less than `ratio`
    times what was uploaded, in so many `members`.

    Text packs up to about 1:30 and constant images beyond 1:100; a bomb is far above.
    """

    size: int = 1 << 30
    ratio: float = 1000
    members: int = 1_000_000


ORDINARY = Unpacking()


def kind_of(path: Path) -> str | None:
    """`upload.zip` or `upload.tar`, by what is in a file; None if it is neither."""
    if zipfile.is_zipfile(path):
        return "upload.zip"
    return "upload.tar" if tarfile.is_tarfile(path) else None


def extract(
    archive: Path,
    name: str,
    incoming: Callable[[], Incoming],
    allowed: Unpacking = Unpacking(),
) -> list[Arrived]:
    """The files in an uploaded zip or tar, all arrived or none.

    Links, devices, absolute names, `..` and bombs are refused with 400.
    """
    limit = max(allowed.size, int(archive.stat().st_size * allowed.ratio))
    arrived: list[Arrived] = []
    total = 0
    try:
        for path, stream in _members(archive, name, limit):
            new = incoming()
            try:
                while data := stream.read(CHUNK):
                    total += len(data)
                    if total > limit:
                        raise Refused(400, BOMB)
                    new.write(data)
            except BaseException:
                new.drop()
                raise
            arrived.append(new.finish(path))
            if len(arrived) > allowed.members:
                raise Refused(400, "The archive has too many members.")
    except BaseException as error:
        for item in arrived:
            item.temporary.unlink(missing_ok=True)
        if isinstance(error, (zipfile.BadZipFile, tarfile.TarError, EOFError, OSError)):
            raise Refused(400, "The upload is no readable zip or tar archive.") from error
        raise
    return arrived


def _members(archive: Path, name: str, limit: int) -> Iterator[tuple[str, IO[bytes]]]:
    if name.lower().endswith((".tar", ".tar.gz", ".tgz")):
        with tarfile.open(archive) as tar:
            for member in tar:
                if member.isdir():
                    continue
                if not member.isreg():
                    raise Refused(400, "The archive has a link or a device.")
                stream = tar.extractfile(member)
                if stream is not None:
                    yield check_file_path(member.name.removeprefix("./")), stream
        return
    with zipfile.ZipFile(archive) as packed:
        if sum(info.file_size for info in packed.infolist()) > limit:
            raise Refused(400, BOMB)
        for info in packed.infolist():
            if info.is_dir():
                continue
            kind = stat.S_IFMT(info.external_attr >> 16)
            if kind not in (0, stat.S_IFREG):
                raise Refused(400, "The archive has a link or a device.")
            with packed.open(info) as stream:
                yield check_file_path(info.filename), stream


def stream(members: Iterable[tuple[str, Path]], kind: str) -> Generator[bytes]:
    """An archive (`zip`, `tar`, `tar.gz`) of (name, file) pairs, in pieces of about 1 MiB."""
    return stream_zip(members) if kind == "zip" else _stream_tar(members, kind)


def _stream_tar(members: Iterable[tuple[str, Path]], kind: str) -> Generator[bytes]:
    packer = deflate.compressobj(LEVEL, zlib.DEFLATED, 31) if kind in ("tar.gz", "tgz") else None
    for piece in _tar_pieces(members):
        packed = packer.compress(piece) if packer else piece
        if packed:
            yield packed
    if packer:
        yield packer.flush()


def _tar_pieces(members: Iterable[tuple[str, Path]]) -> Iterator[bytes]:
    for name, path in members:
        # A catalog may be stale: what it lists and the disk has not is left out.
        if not path.is_file():
            continue
        info = tarfile.TarInfo(name)
        info.mode = 0o644
        with path.open("rb") as source:
            left = info.size = os.fstat(source.fileno()).st_size
            yield info.tobuf()
            while left:
                data = source.read(min(CHUNK, left))
                if not data:
                    raise OSError("a file shrank while it was sent")
                left -= len(data)
                yield data
        yield b"\0" * (-info.size % tarfile.BLOCKSIZE)
    yield b"\0" * (2 * tarfile.BLOCKSIZE)
