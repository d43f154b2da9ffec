"""Where a session's files arrive: each is written, measured and compared on the way in."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from coil.archive.contents import ArchiveFile, Key
from coil.archive.pull.series import ENOUGH, series_uid
from coil.errors import ArchiveError


class ChangedError(ArchiveError):
    """The archive holds something else than it listed: to ask again at once is no use."""


class Receiver:
    """The files that a pull waits for, and those that came whole.

    `places` says where each file is to be written. A file counts only once all of its
    bytes are there and agree with the listing; until then it is among the `lacking`.
    `tell` is called with the number of bytes that came, negative for bytes dropped again.
    """

    def __init__(self, places: Mapping[ArchiveFile, Path], tell: Callable[[int], object]):
        self._places = places
        self._tell = tell
        self.lacking: dict[Key, ArchiveFile] = {file.key: file for file in places}
        self.series: dict[ArchiveFile, str | None] = {}
        for folder in {path.parent for path in places.values()}:
            folder.mkdir(parents=True, exist_ok=True)

    @property
    def lacking_bytes(self) -> int:
        """The bytes of the files that are still to come."""
        return sum(file.bytes for file in self.lacking.values())

    def take(self, file: ArchiveFile, chunks: Iterable[bytes]) -> None:
        """Write one file from `chunks`; raises `ChangedError` if it is not what was listed."""
        path = self._places[file]
        summary = hashlib.md5(usedforsecurity=False)
        head = bytearray()
        size = 0
        try:
            with path.open("wb") as stream:
                for chunk in chunks:
                    size += len(chunk)
                    self._tell(len(chunk))
                    if size > file.bytes:
                        break
                    summary.update(chunk)
                    stream.write(chunk)
                    if len(head) < ENOUGH:
                        head += chunk[: ENOUGH - len(head)]
            if size != file.bytes or (file.digest and summary.hexdigest() != file.digest):
                raise ChangedError(
                    "a file arrived with other bytes than the archive lists; try again, and "
                    "refresh the session's catalog in the archive if this comes again"
                )
        except BaseException:
            self._tell(-size)
            raise
        if file.is_image:
            self.series[file] = series_uid(bytes(head), path)
        del self.lacking[file.key]
