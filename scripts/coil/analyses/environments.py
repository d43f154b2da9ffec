"""The conda environments of analyses, made one by one ahead of the jobs.

Snakemake makes all environments before the first job and ends where one cannot be made. Here
that is found out before it plans: the analyses with that environment fail, the rest is done.
"""

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from coil import files, programs
from coil.errors import PassingError
from coil.workspace import Workspace

State = dict[str, str | None]
"""What is known of an environment: the file's digest, the prefix, the problem if there is one."""

_SNAKEFILE = Path(__file__).with_name("environment.smk")
_KEPT = Path(".snakemake", "coil_environments.json")
_LOGS = Path("logs", "environments")
# Where conda says what is wrong, the most telling first.
_TELLING = ("nothing provides", "No candidates", "NotFound", "conflict", "Error")


def broken() -> dict[str, str]:
    """Why environments cannot be made, by file, as was found last; none for those that can."""
    return _problems(_known())


def make(wanted: Iterable[Path], prefix: Path | None) -> dict[str, str]:
    """Make environments that are not there yet, and return what `broken` does.

    wanted      the environments' files
    prefix      the folder for environments, None for Snakemake's own
    """
    known = _known()
    if Workspace().in_use:  # another invocation works here
        return _problems(known)
    found = {str(path): _made(path, known.get(str(path)), prefix) for path in set(wanted)}
    if found != known:
        files.write_json(_KEPT, dict(sorted(found.items())))
    return _problems(found)


def _known() -> dict[str, State]:
    return files.read_json(_KEPT) if _KEPT.is_file() else {}


def _problems(found: dict[str, State]) -> dict[str, str]:
    return {path: problem for path, state in found.items() if (problem := state["problem"])}


def _made(path: Path, known: State | None, prefix: Path | None) -> State:
    """What is known of an environment after it was made, unless it was before."""
    state: State = {"digest": files.sha256(path), "prefix": prefix and str(prefix)}
    made: State = state | {"problem": None}
    if known == made:
        return made
    print(f"making the environment {path.name}", file=sys.stderr)
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(_SNAKEFILE), "--nolock"]
    command += ["--sdm", "conda", "--conda-create-envs-only", "--cores", "1"]
    command += ["--conda-prefix", str(prefix)] if prefix else []
    around = {key: value for key, value in os.environ.items() if key != "SNAKEMAKE_PROFILE"}
    log = _LOGS / f"{path.stem}.log"
    try:
        done = programs.run(
            [*command, "--config", f"env={path}"],
            name="conda",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=around,
        )
        if done.returncode == 0:
            return made
        files.write_text(log, done.stdout)
        why = f"{reason(done.stdout)}; see {log}"
    except PassingError as error:
        why = str(error)
    problem = f"its environment {path.name} cannot be made: {why}"
    print(f"error: {problem}", file=sys.stderr)
    return state | {"problem": problem}


def reason(said: str) -> str:
    """The line of conda's output that says why an environment cannot be made."""
    lines = [" ".join(line.split()) for line in said.splitlines() if line.strip()]
    lines = [line for line in lines if "CreateCondaEnvironmentException" not in line]
    for sign in _TELLING:
        for place, line in enumerate(lines):
            if sign in line:
                more = lines[place + 1 : place + 2] if line.endswith(":") else []
                return " ".join([line, *more]).lstrip("- ").rstrip(".")[:200]
    return lines[-1][:200] if lines else "conda said nothing"
