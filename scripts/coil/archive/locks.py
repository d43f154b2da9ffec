"""Locks that hold across jobs, invocations and the nodes of a cluster.

They are files that the kernel locks: a process that dies gives back what it held. NFS,
Lustre and GPFS carry such locks to all nodes where they are mounted with them; on a file
system without any, the work goes on unlocked, and the log says so.
"""

import fcntl
import logging
import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

logger = logging.getLogger(__name__)

WAIT = 0.2
"""Seconds between two tries for a free lock, with jitter."""


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of `path` alone; waits for it."""
    with _opened(path) as handle:
        _take(handle, wait=True)
        yield


@contextmanager
def one_of(folder: Path, name: str, number: int) -> Iterator[None]:
    """Hold one of a number of locks called `name` in `folder`; waits until one is free."""
    numbers = list(range(number))
    waits = False
    while True:
        random.shuffle(numbers)
        for one in numbers:
            with _opened(folder / f"{name}.{one}") as handle:
                if _take(handle, wait=False):
                    yield
                    return
        if not waits:
            logger.info("waiting for one of the %d connections to the archive", number)
            waits = True
        time.sleep(WAIT * random.uniform(0.5, 1.5))


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield handle
    finally:
        os.close(handle)


def _take(handle: int, wait: bool) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    except OSError:
        logger.warning("the file system of private/ has no locks; going on without")
    return True
