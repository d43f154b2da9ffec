"""Which failures pass by themselves, so that the next invocation tries again.

No room, no memory, no answer of a disk, a signal from outside: these say nothing of the data.
Whatever else goes wrong lasts until the data, the config or the code have changed.
"""

import errno
import re
import signal

from coil.errors import PassingError

ROOM = "the disk is full; make room and run again"
MEMORY = "memory ran out; run fewer jobs at a time, or where there is more of it"

_REASONS = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), ROOM),
    errno.ENOMEM: MEMORY,
    **dict.fromkeys(
        (errno.EAGAIN, errno.EMFILE, errno.ENFILE),
        "the system allows no more processes or open files; run fewer jobs at a time",
    ),
    **dict.fromkeys(
        (errno.EIO, errno.ESTALE, errno.ENXIO, errno.ENODEV, errno.EREMOTEIO, errno.ETIMEDOUT),
        "the disk did not answer as it should; look at it, and run again",
    ),
}
# As programs of several languages put it: C and R, C++, Python, Go, JavaScript, dcm2niix.
_WORDS = (
    (r"(?i)no space left on device|\(disk full\?\)|disk quota exceeded", ROOM),
    (
        r"(?i)cannot allocate (memory|vector)|out of memory|bad_alloc|DeadKernelError"
        r"|^(\w+\.)*_?(Array)?MemoryError",
        MEMORY,
    ),
)
# What a kernel, a scheduler or a person sends. All others a program brings upon itself.
_FROM_OUTSIDE = frozenset(
    (
        signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT,
        signal.SIGXCPU, signal.SIGXFSZ, signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM,
        signal.SIGPIPE, signal.SIGBUS,  # of a mapped file whose disk is full or gone
    )
)  # fmt: skip
_OF_A_SHELL = 128  # to which it adds a signal, for a status


def of_error(error: BaseException) -> str | None:
    """Why an exception passes: what is lacking, and the remedy; None if it lasts."""
    if isinstance(error, MemoryError):
        return MEMORY
    return _REASONS.get(error.errno or 0) if isinstance(error, OSError) else None


def of_words(said: str) -> str | None:
    """Why a program's failure passes, by what it said; one of ours says it in these reasons."""
    if known := next((told for told in _REASONS.values() if told in said), None):
        return known
    return next((told for words, told in _WORDS if re.search(words, said, re.MULTILINE)), None)


def of_status(status: int) -> str | None:
    """Why a program's failure passes, by its exit status; a signal's is negative, as in Python."""
    number = signal_of(status)
    if number not in _FROM_OUTSIDE:
        return None
    cause = " (memory ran out, or it was ended by hand)" if number == signal.SIGKILL else ""
    return f"ended by signal {number}{cause}; run again"


def signal_of(status: int) -> int:
    """The signal that an exit status tells of, or 0."""
    return -status if status < 0 else max(status - _OF_A_SHELL, 0)


def let_through(error: BaseException) -> None:
    """Raise `PassingError` if an exception passes, where others are taken for the data's fault."""
    if reason := of_error(error):
        raise PassingError(reason) from None
