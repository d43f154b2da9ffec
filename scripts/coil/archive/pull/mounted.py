"""Files from the archive's own folder, where it is mounted."""

import logging
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath

from coil.archive.contents import ArchiveFile
from coil.archive.pull.receive import ChangedError, Receiver
from coil.errors import ArchiveError

logger = logging.getLogger(__name__)

CHUNK = 1 << 20


def find_session(mount: str | None, project: str, label: str) -> Path | None:
    """The session's folder below `mount`, else below the environment's XNAT_DATA.

    A JupyterHub has projects/P/experiments/LABEL; elsewhere it is P/arc001/LABEL. None
    where there is no such folder.
    """
    root = mount or os.environ.get("XNAT_DATA")
    if not root:
        return None
    hub = inside(Path(root), "projects", project, "experiments", label)
    with suppress(OSError):  # a mount that this user may not read, or that went away
        arcs = sorted(inside(Path(root), project).glob("arc*"))
        for folder in (hub, *(inside(arc, label) for arc in arcs)):
            if folder.is_dir():
                return folder
    logger.warning("the mounted archive does not hold the session; it comes over the network")
    return None


def take(receiver: Receiver, session: Path) -> None:
    """Hand the files that lie below `session`, as the archive lists them, over to `receiver`.

    What is missing there, differs or has no digest to compare with stays lacking.
    """
    lacking = list(receiver.lacking.values())
    for file in lacking:
        path = _path(session, file)
        try:
            if file.digest and path.stat().st_size == file.bytes:
                receiver.take(file, _pieces(path))
        except (OSError, ChangedError):
            continue
    taken = len(lacking) - len(receiver.lacking)
    rest = ", the others come over the network" if receiver.lacking else ""
    logger.info("%d of %d files from the mounted archive%s", taken, len(lacking), rest)


def inside(folder: Path, *names: str) -> Path:
    """`folder` with the names below it, refused where they lead out of it."""
    for name in names:
        parts = PurePosixPath(name).parts
        if not parts or parts[0] == "/" or ".." in parts or "\x00" in name or "\\" in name:
            raise ArchiveError(
                "the archive lists a file name that leads out of its folder; look at the "
                "session's files in the archive"
            )
    return folder.joinpath(*names)


def _path(session: Path, file: ArchiveFile) -> Path:
    if file.scan:
        return inside(session, "SCANS", file.scan, file.resource, file.path)
    return inside(session, "RESOURCES", file.resource, file.path)


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as source:
        while piece := source.read(CHUNK):
            yield piece
