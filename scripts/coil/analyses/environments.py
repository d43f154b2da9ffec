"""The conda environments of analyses, made one by one ahead of the jobs.

Snakemake makes all environments before the first job and ends where one cannot be made. Here
that is found out before it plans: the analyses with that environment fail, the rest is done.
"""

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from msgspec.structs import replace

from coil import files, programs
from coil.errors import PassingError
from coil.records.environments import Environment, Environments
from coil.workspace import Workspace

_SNAKEFILE = Path(__file__).with_name("environment.smk")
_KEPT = Path(".snakemake", "coil_environments.json")
_LOGS = Path("logs", "environments")
# Where conda says what is wrong, the most telling first.
_TELLING = ("nothing provides", "No candidates", "NotFound", "conflict", "Error")
_LONGEST = 200


def broken() -> dict[str, str]:
    """The reasons why environments cannot be made, by file, as was seen last."""
    return _known().problems


def make(wanted: Iterable[Path | None], prefix: Path | None) -> dict[str, str]:
    """Make environments that are not there yet, and return what `broken` does.

    wanted      the environments' files; None of analyses that have none
    prefix      the folder for environments, None for Snakemake's own
    """
    known = _known()
    if Workspace().in_use:  # another invocation works here
        return known.problems
    paths = sorted({path for path in wanted if path})
    before = known.environments
    now = Environments(
        environments={str(path): _made(path, before.get(str(path)), prefix) for path in paths}
    )
    if now != known:
        now.write(_KEPT)
    return now.problems


def _known() -> Environments:
    return Environments.read_or_none(_KEPT) or Environments()


def _made(path: Path, known: Environment | None, prefix: Path | None) -> Environment:
    """The state of an environment after it was made, unless it was before."""
    made = Environment(digest=files.sha256(path), prefix=str(prefix) if prefix else None)
    if known == made:
        return made
    print(f"making the environment {path.name}", file=sys.stderr)
    why = _call(path, prefix)
    if why is None:
        return made
    problem = f"its environment {path.name} cannot be made: {why}"
    print(f"error: {problem}", file=sys.stderr)
    return replace(made, problem=problem)


def _call(path: Path, prefix: Path | None) -> str | None:
    """Have Snakemake make an environment; the reason why it cannot be made, if so."""
    variables = {key: value for key, value in os.environ.items() if key != "SNAKEMAKE_PROFILE"}
    try:
        done = programs.run(
            _command(path, prefix),
            name="conda",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=variables,
        )
    except PassingError as error:
        return str(error)
    if done.returncode == 0:
        return None
    log = _LOGS / f"{path.stem}.log"
    files.write_text(log, done.stdout)
    return f"{reason(done.stdout)}; see {log}"


def _command(path: Path, prefix: Path | None) -> list[str]:
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(_SNAKEFILE), "--nolock"]
    command += ["--sdm", "conda", "--conda-create-envs-only", "--cores", "1"]
    command += ["--conda-prefix", str(prefix)] if prefix else []
    return [*command, "--config", f"env={path}"]


def reason(output: str) -> str:
    """The line of conda's output that says why an environment cannot be made."""
    lines = [" ".join(line.split()) for line in output.splitlines() if line.strip()]
    lines = [line for line in lines if "CreateCondaEnvironmentException" not in line]
    for sign in _TELLING:
        for number, line in enumerate(lines):
            if sign in line:
                more = lines[number + 1 : number + 2] if line.endswith(":") else []
                return " ".join([line, *more]).lstrip("- ").rstrip(".")[:_LONGEST]
    return lines[-1][:_LONGEST] if lines else "conda said nothing"
