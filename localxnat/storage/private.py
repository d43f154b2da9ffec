"""Folders and files that belong to their owner alone, whoever made them and how."""

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import IO


def own_folder(folder: Path) -> None:
    """Make a folder if absent, and let only its owner into it.

    Raises PermissionError for one that is somebody else's.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _restrict(folder, 0o700)


def own_file(path: Path) -> None:
    """Make a file if absent, and let only its owner read it.

    One that is there is not opened: to close it would end this process's locks on it, and SQLite
    holds such ones for as long as a connection is open.
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    _restrict(path, 0o600)


def open_log(path: Path) -> IO[str]:
    """A log to append to, which only its owner reads."""
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        _restrict(path, 0o600)
    return os.fdopen(descriptor, "a")


def _restrict(path: Path, mode: int) -> None:
    if path.stat().st_mode & 0o077:
        path.chmod(mode)
