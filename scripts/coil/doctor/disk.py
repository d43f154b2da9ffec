"""The abilities of the working folder's file systems, tried in a folder that is removed again."""

import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from coil.doctor.findings import LIMIT, OK, PROBLEM, Finding
from coil.workspace import ZONES

ABLE = "locks, rename, hard links, modes, cases, time stamps"
_TIME = 1_700_000_000_123_456_789


class Trial(NamedTuple):
    """Something that is tried in an empty folder, and what does not work without it."""

    works: Callable[[Path], bool]
    state: str
    text: str
    remedy: str = ""


def look(root: Path) -> Iterator[Finding]:
    """The findings on each file system that holds a zone of the working folder `root`."""
    for folder, zones in file_systems(root).items():
        where = ", ".join(f"{zone}/" for zone in zones)
        failed = tried(folder)
        yield from failed
        if not failed:
            yield Finding("Machine", "file system", OK, f"{ABLE} in {where}")


def file_systems(root: Path) -> dict[Path, list[str]]:
    """A folder on each file system that holds zones, and which; those that are not there yet
    will be made in `root`."""
    folders: dict[int, Path] = {}
    zones: dict[Path, list[str]] = {}
    for zone in ZONES:
        path = root / zone if (root / zone).is_dir() else root
        device = path.stat().st_dev
        zones.setdefault(folders.setdefault(device, path), []).append(zone)
    return zones


def tried(folder: Path, trials: Mapping[str, Trial] | None = None) -> list[Finding]:
    """The trials that fail in `folder`; nothing stays there."""
    findings = []
    with tempfile.TemporaryDirectory(dir=folder, prefix=".doctor-") as made:
        for number, (what, trial) in enumerate((trials or TRIALS).items()):
            scratch = Path(made, str(number))
            scratch.mkdir()
            if not _works(trial, scratch):
                findings.append(Finding("Machine", what, trial.state, trial.text, trial.remedy))
    return findings


def _works(trial: Trial, scratch: Path) -> bool:
    try:
        return trial.works(scratch)
    except OSError:
        return False


def _locks(scratch: Path) -> bool:
    """Whether a file that is locked is so for whoever opens it, too."""
    with (scratch / "lock").open("w") as one, (scratch / "lock").open() as other:
        fcntl.flock(one, fcntl.LOCK_EX)
        try:
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _rename(scratch: Path) -> bool:
    (scratch / "new").write_text("new")
    (scratch / "old").write_text("old")
    (scratch / "new").replace(scratch / "old")
    return (scratch / "old").read_text() == "new"


def _hard_links(scratch: Path) -> bool:
    (scratch / "one").touch()
    (scratch / "two").hardlink_to(scratch / "one")
    return (scratch / "two").stat().st_ino == (scratch / "one").stat().st_ino


def _modes(scratch: Path) -> bool:
    (scratch / "secret").touch(0o600)
    (scratch / "secret").chmod(0o600)
    return (scratch / "secret").stat().st_mode & 0o077 == 0


def _cases(scratch: Path) -> bool:
    (scratch / "sub-a").touch()
    return not (scratch / "SUB-A").exists()


def _times(scratch: Path) -> bool:
    """Whether a time stays as it was set, to the millisecond: Snakemake compares them."""
    path = scratch / "file"
    path.touch()
    os.utime(path, ns=(_TIME, _TIME))
    return abs(path.stat().st_mtime_ns - _TIME) < 1_000_000


TRIALS = {
    "locks": Trial(
        _locks,
        LIMIT,
        "the file system has no locks: archive.connections does not hold",
        "run one invocation at a time, or work on another file system",
    ),
    "rename": Trial(
        _rename,
        PROBLEM,
        "a file cannot be renamed over another: no result would appear whole",
        "work on another file system",
    ),
    "hard links": Trial(
        _hard_links,
        LIMIT,
        "there are no hard links: a merged dataset and what an analysis sees are copies, with the "
        "room that these take",
        "work on another file system",
    ),
    "modes": Trial(
        _modes,
        PROBLEM,
        "files cannot be kept from others (mode 0600): identified data would lie open",
        "work on another file system, or mount this one with permissions",
    ),
    "cases": Trial(
        _cases,
        LIMIT,
        "file names differ by more than case only: labels like aB and Ab would meet",
        "leave identity at hmac, or work on another file system",
    ),
    "time stamps": Trial(
        _times,
        LIMIT,
        "time stamps are coarse: a change within the same second may be missed",
        "work on another file system",
    ),
}
