"""What every script shares: its log, and how its failure is told.

A session that fails must not hold up the others, so a failure is an outcome: it is
written where the stage's result would be, and the stages after it pass it on. The log
gets the traceback's places; the message of an exception that is not a `CoilError` is
withheld, because libraries quote header values and file names in theirs.
"""

import logging
import os
import resource
import sys
import traceback
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NoReturn, TypeVar

from coil import passing
from coil.errors import CoilError, LeakError
from coil.records.failure import Failure

DONE = {"state": "done", "stage": None, "reason": None, "log": None, "retry": False, "leaks": {}}
"""The fields of a record where `Failure.record` has its own."""

T = TypeVar("T")

logger = logging.getLogger(__name__)


def start_log(log: str) -> None:
    """Send Coil's own messages to `log`, and nobody else's: they may hold identifiers."""
    path = Path(log).absolute()
    ours = logging.getLogger("coil")
    if any(getattr(h, "baseFilename", "") == str(path) for h in ours.handlers):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
    handler = logging.FileHandler(path, mode="a", encoding="utf-8")  # programs may write there, too
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    logging.getLogger().handlers = [logging.NullHandler()]
    ours.handlers = [handler]
    ours.setLevel(logging.INFO)
    ours.propagate = False
    warnings.simplefilter("ignore")


def attempt(stage: str, log: str, work: Callable[[], T]) -> T | Failure:
    """The result of `work`, or the `Failure` that says why there is none."""
    _start(log)
    try:
        return work()
    except CoilError as error:
        logger.error("%s", error)
        leaks = error.kinds if isinstance(error, LeakError) else {}
        return Failure(stage, str(error), log, error.retry, leaks)
    except Exception as error:
        place = withheld(error)
        return Failure(
            stage, passing.of_error(error) or place, log, isinstance(error, OSError | MemoryError)
        )


def attempt_folder(stage: str, log: str, folder: Path, work: Callable[[], object]) -> None:
    """Do `work`, which fills the identified `folder`; where it fails, leave the failure there."""
    os.umask(0o077)
    result = attempt(stage, log, work)
    if isinstance(result, Failure):
        result.write_in(folder)


def must(log: str, work: Callable[[], T]) -> T:
    """The result of `work`; a failure ends the job with one line on the terminal."""
    _start(log)
    try:
        return work()
    except CoilError as error:
        logger.error("%s", error)
        _end(str(error))
    except Exception as error:
        place = withheld(error)
        _end(f"{passing.of_error(error) or place}: {log}")


def paths(names: Iterable[str]) -> list[Path]:
    """The files of a job's input, such as the records of all sessions."""
    return [Path(name) for name in names]


def _start(log: str) -> None:
    # A program that crashes would leave its memory, headers and all, in a core file.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    start_log(log)


def withheld(error: Exception) -> str:
    """Log where `error` came from without its message; return a line that says so."""
    frames = traceback.extract_tb(error.__traceback__)
    for frame in frames:
        logger.error("  %s:%s in %s", _short(frame.filename), frame.lineno, frame.name)
    logger.error("%s (its message is withheld, it may quote the data)", type(error).__name__)
    ours = [f for f in frames if Path(f.filename).is_relative_to(Path(__file__).parent)]
    place = (ours or frames)[-1]
    return (
        f"unexpected {type(error).__name__} at {_short(place.filename)}:{place.lineno}; "
        "the log shows the way there"
    )


def _short(filename: str) -> str:
    return "/".join(Path(filename).parts[-3:])


def _end(line: str) -> NoReturn:
    print(f"error: {line}", file=sys.stderr)
    sys.exit(1)
