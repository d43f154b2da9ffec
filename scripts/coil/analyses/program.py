"""An analysis' script or notebook as a program: its arguments, surroundings and last words."""

import logging
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from coil import files, passing, programs
from coil.analyses import enclosure, notebook, scopes, view
from coil.analyses.definitions import INTERPRETERS
from coil.analyses.job import Job
from coil.errors import DataError, PassingError

logger = logging.getLogger(__name__)

_LONGEST = 200
"""Characters of a line that a table has room for."""


def work(job: Job) -> Path:
    """The folder in which the program runs, its home."""
    return job.scratch / "work"


def params(job: Job) -> Path:
    """The file with the params that the config has for the analysis."""
    return job.scratch / "params.json"


def execute(job: Job, log: Path) -> None:
    """Run the script, or the notebook and what makes a page of it.

    Raises `DataError` with its last words where it fails, `PassingError` where that may pass.
    """
    if job.file.suffix == ".ipynb":
        _execute_notebook(job, log)
        return
    values = _values(job)
    arguments = [word for name, value in values.items() for word in (f"--{name}", value)]
    _call(job, [INTERPRETERS[job.file.suffix], str(job.file), *arguments], values, log)


def _execute_notebook(job: Job, log: Path) -> None:
    values = _values(job)
    executed = job.out / scopes.folder(job.scope) / f"{job.name}.ipynb"
    executed.parent.mkdir(parents=True, exist_ok=True)
    parameters = values | {"params": job.definition.params}
    injected = job.scratch / "parameters.json"
    files.write_json(injected, parameters)
    to_execute, to_convert = notebook.commands(job.file, executed, injected)
    try:
        _call(job, to_execute, values, log)
    except DataError:
        if reason := notebook.error(executed):
            raise DataError(plain(reason, job)) from None
        raise
    notebook.normalise(executed, job.scratch, parameters)
    _call(job, to_convert, values, log)


def _values(job: Job) -> dict[str, str]:
    """The arguments of the program by name; docs/analyses.md says what each is."""
    values = {"bids": str(job.dataset), "out": str(job.out), "params": str(params(job))}
    values |= scopes.labels(job.scope)
    return values | ({"inputs": str(job.inputs)} if job.definition.others else {})


def _call(job: Job, command: Sequence[str], values: Mapping[str, str], log: Path) -> None:
    """Run a command in its surroundings."""
    enclosed = enclosure.enclosed(
        command, Path.cwd(), job.scratch, [job.dataset, job.inputs], job.hidden
    )
    logger.info("%s: %s", job.name, " ".join(Path(word).name for word in command[:2]))
    if not enclosed:
        logger.info("no namespaces here: the dataset is compared before and after instead")
    before = view.stamps(job.dataset)
    variables = _variables(job, values)
    try:
        status, lines = programs.run_logged(enclosed or command, log, cwd=work(job), env=variables)
    except FileNotFoundError:
        raise DataError(_missing(command[0])) from None
    if view.stamps(job.dataset) != before:
        raise DataError("it wrote to the dataset, which is only to be read; correct the script")
    if status:
        passes = programs.passes(status, "".join(lines))
        raise (PassingError if passes else DataError)(_last_words(lines, status, command[0], job))


def _variables(job: Job, values: Mapping[str, str]) -> dict[str, str]:
    """The environment variables of the program."""
    variables = enclosure.environment(os.environ, work(job), job.threads, job.prefix)
    variables |= {f"COIL_{name.upper()}": value for name, value in values.items()}
    return variables | {"COIL_THREADS": str(job.threads)}


def _missing(program: str) -> str:
    return f"there is no {program}; name an environment with it in the analysis' key env"


def _last_words(lines: Sequence[str], status: int, program: str, job: Job) -> str:
    """The reason why a program ended, from the last lines of its stderr."""
    said = [line for line in (plain(line, job) for line in lines) if line]
    said = [line for line in said if not line.startswith(("Execution halted", "Calls: "))]
    if said and re.search(rf"(setpriv|unshare): .*{program}.*No such file", said[-1]):
        return _missing(program)
    if number := passing.signal_of(status):
        remedy = "; raise its resources.mem_mb if memory ran out" if number == 9 else ""
        return f"it was ended by signal {number}{remedy}"
    if not said:
        return f"it ended with status {status} and said nothing"
    before = said[-2] if len(said) > 1 else ""
    if before.startswith("Error in ") and before.endswith(":"):  # R's, in two lines
        return f"{before} {said[-1]}"
    return said[-1]


def plain(line: str, job: Job) -> str:
    """A line of somebody else's, fit for a table: no paths, no control characters, not long."""
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", line)
    for folder in (job.scratch, job.file.parent, Path.cwd()):
        text = text.replace(f"{folder}/", "")
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
