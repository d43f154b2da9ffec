"""Memory, space and namespaces of this machine, against what the largest session asks for."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from coil.analyses.enclosure import enclosed
from coil.doctor.findings import LIMIT, OK, PROBLEM, Finding
from coil.units import SESSION_MEMORY
from coil.workspace import Workspace

GB = 1e9
COPIES = 3
"""So often a session lies in the quarantine: as it was pulled, converted and anonymized."""
_CGROUP = Path("/sys/fs/cgroup/memory.max")


class Load(NamedTuple):
    """The bytes of the largest session that is listed and of all; 0 where unknown."""

    largest: int = 0
    total: int = 0


def memory(load: Load, total: int | None = None) -> Iterator[Finding]:
    """Whether the memory does for the largest session."""
    least, per_gb = SESSION_MEMORY
    there = (total or memory_bytes()) / GB
    needed = (least + per_gb * load.largest / GB) / 1e3
    text = f"{there:.1f} GB"
    if there < needed:
        yield Finding(
            "Machine", "memory", PROBLEM,
            f"{text}, and the largest session asks for {needed:.1f}: its jobs may be killed",
            "use a machine with more, or a cluster",
        )  # fmt: skip
        return
    yield Finding("Machine", "memory", OK, text)


def memory_bytes() -> int:
    """The memory that processes here may have, by the machine and by its control group."""
    here = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    try:
        return min(here, int(_CGROUP.read_text()))
    except (OSError, ValueError):  # none, or `max`
        return here


def space(root: Path, load: Load, free: int | None = None) -> Iterator[Finding]:
    """Whether there is room for the largest session where sessions are worked on."""
    zone = Workspace(root).quarantine_zone
    zone = zone if zone.is_dir() else root
    room = shutil.disk_usage(zone).free if free is None else free
    text = f"{size(room)} free"
    if room < COPIES * load.largest or room < GB:
        yield Finding(
            "Machine", "space", PROBLEM,
            f"{text} in the working folder, and the largest session takes "
            f"{size(max(COPIES * load.largest, int(GB)))} while it is worked on",
            "make room, or work on another disk",
        )  # fmt: skip
    elif room < load.total:
        yield Finding(
            "Machine", "space", LIMIT,
            f"{text}, and all sessions have {size(load.total)} in the archive: the dataset may not "
            "fit beside them",
            "make room before all sessions are taken",
        )  # fmt: skip
    else:
        listed = f", the largest session has {size(load.largest)}" if load.largest else ""
        yield Finding("Machine", "space", OK, text + listed)


def namespaces(root: Path) -> Iterator[Finding]:
    """Whether analyses can be kept from what is private."""
    with tempfile.TemporaryDirectory(dir=root, prefix=".doctor-") as made:
        scratch = Path(made)
        (scratch / "work").mkdir()
        if enclosed(["true"], root.resolve(), scratch.resolve(), [], []) is not None:
            yield Finding("Machine", "namespaces", OK, "analyses run apart")
            return
    yield Finding(
        "Machine", "namespaces", LIMIT,
        "the system lets this user make none: an analysis could read private/ and quarantine/",
        "run only analyses that you trust, or ask for unprivileged user namespaces",
    )  # fmt: skip


def size(number: int) -> str:
    """Bytes as people write them."""
    for unit in ("B", "kB", "MB", "GB"):
        if number < 1000:
            return f"{number:.3g} {unit}"
        number /= 1000  # type: ignore[assignment]
    return f"{number:.3g} TB"
