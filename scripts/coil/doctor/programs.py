"""The programs that the workflow calls, and those that widen what it can: versions, or what
does not work without them."""

import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from coil import programs
from coil.doctor.findings import OK, PROBLEM, Finding
from coil.environment import installed
from coil.errors import DataError, PassingError

SECONDS = 8
"""After which a program that does not answer counts as one that does not start."""
_VERSION = re.compile(r"\d+(\.\d+)+")


class Program(NamedTuple):
    """A program, and what does not work without it; `in_wheel` is its file in a wheel.

    One that is `needed` comes with the rules' environments.
    """

    name: str
    without: str
    needed: bool = False
    in_wheel: str = ""


PROGRAMS = (
    Program("dcm2niix", "no series is converted", True, "dcm2niix"),
    Program("niimath", "no face is removed", True, "bin/niimath"),
    Program("bids-validator-deno", "nothing is validated, and so nothing pushed", True),
    Program("conda", "for --sdm conda"),
    Program("sbatch", "for jobs on Slurm"),
    Program("apptainer", "for analyses that call it"),
    Program("podman", "for analyses that call it"),
)


def look(conda: bool, asked: Sequence[Program] = PROGRAMS) -> Iterator[Finding]:
    """Those that are here in one line, each needed one that is not, and the rest in one line.

    With `conda` the rules run in environments that bring what they need.
    """
    with ThreadPoolExecutor(len(asked)) as pool:
        versions = dict(zip(asked, pool.map(version, asked), strict=True))
    here = [
        f"{one.name} {number}".strip() for one, number in versions.items() if number is not None
    ]
    if here:
        yield Finding("Machine", "programs", OK, ", ".join(here))
    absent = [one for one, number in versions.items() if number is None]
    for one in absent:
        if one.needed and not conda:
            text = f"not installed, or does not start: {one.without}"
            yield Finding("Machine", one.name, PROBLEM, text, "run make venv, or use --sdm conda")
    if rest := [one for one in absent if not one.needed]:
        text = ", ".join(f"{one.name} ({one.without})" for one in rest)
        yield Finding("Machine", "not here", OK, f"{text}; all else works without")


def version(program: Program) -> str | None:
    """The version of a program, empty where it tells none; None if there is none that starts."""
    try:
        path = programs.find_program(program.name, program.in_wheel)
        done = programs.run(
            [path, "--version"],
            name=program.name,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=SECONDS,
        )
    except (DataError, PassingError, OSError):
        return None
    if done.returncode < 0 or done.returncode in (126, 127):
        return None
    match = _VERSION.search(done.stdout + done.stderr)
    return installed(program.name).get(program.name) or (match[0] if match else "")
