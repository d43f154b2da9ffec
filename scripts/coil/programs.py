"""The programs that the stages call: where they are, and whether what ends them passes."""

import functools
import os
import resource
import shutil
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from coil import passing
from coil.errors import DataError, PassingError

_LAST = 20  # lines
_AT_WORK = 0.25  # of its time: with less it did not get the processor, or waited


@functools.cache
def find_program(name: str, in_wheel: str = "") -> str:
    """The program `name`: the file `in_wheel` of its wheel, else beside Python, else on the PATH.

    A wheel's own command starts Python first; conda's packages have no wheel, only the program.

    Raises
    ------
    DataError
        If there is none.
    """
    if in_wheel and (wheel := find_spec(name)) and wheel.origin:
        file = Path(wheel.origin).parent / in_wheel
        if file.is_file():
            return str(file)
    beside = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    if found := shutil.which(name, path=beside):
        return found
    raise DataError(f"{name} is not installed; set up the environment that the rule names")


def run(
    command: Sequence[str | Path], name: str = "", **options: Any
) -> subprocess.CompletedProcess[Any]:
    """Run a program to its end; a status that tells of the data is the caller's to judge.

    Parameters
    ----------
    command
        The program and its arguments.
    name
        What it is called in a message; the program's own name by default.
    options
        Those of `subprocess.run`; nothing to read by default. What it says is looked at as far as
        it is captured.

    Raises
    ------
    PassingError
        If it could not be started or ended for want of memory, room or time, or was ended.
    DataError
        If it was at work until its time was over, which it would be again.
    FileNotFoundError
        If there is no such program.
    """
    name = name or Path(command[0]).name
    settings = options if "input" in options else {"stdin": subprocess.DEVNULL, **options}
    before = _seconds_of_programs()
    try:
        done = subprocess.run(command, check=False, **settings)
    except subprocess.TimeoutExpired:
        limit = float(options["timeout"])
        if _seconds_of_programs() - before > _AT_WORK * limit:
            raise DataError(
                f"{name} was at work for {limit:g} s and came to no end; look whether what "
                "it works on is whole"
            ) from None
        raise PassingError(f"{name} was ended after {limit:g} s; run again") from None
    except (OSError, MemoryError) as error:
        passing.let_through(error)
        raise
    _check(name, done.returncode, _text(done.stdout), _text(done.stderr))
    return done


def run_logged(command: Sequence[str | Path], log: Path, **options: Any) -> tuple[int, list[str]]:
    """Run a program whose words go to the end of a log.

    Returns
    -------
    Its status, for the caller to judge (`passes`), and the last lines of what it said on stderr.

    Raises
    ------
    PassingError
        If it could not be started for want of memory or room.
    FileNotFoundError
        If there is no such program.
    """
    last: deque[str] = deque(maxlen=_LAST)
    try:
        with log.open("ab", buffering=0) as stream:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.PIPE,
                **options,
            )
            try:
                assert process.stderr
                for line in process.stderr:
                    stream.write(line)
                    last.append(line.decode(errors="replace"))
            except BaseException:
                process.kill()
                process.wait()
                raise
    except OSError as error:
        passing.let_through(error)
        raise
    return process.wait(), list(last)


def passes(status: int, *said: str) -> str | None:
    """The reason why a program's failure passes, by its status and its words; None if it lasts."""
    if not status:
        return None
    return next(filter(None, map(passing.of_words, said)), passing.of_status(status))


def _seconds_of_programs() -> float:
    """The time of a processor that programs took which this process started, and which ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _check(name: str, status: int, *said: str) -> None:
    if reason := passes(status, *said):
        raise PassingError(f"{name}: {reason}")


def _text(said: str | bytes | None) -> str:
    return said.decode(errors="replace") if isinstance(said, bytes) else said or ""
