"""The command that a job calls to run one analysis."""

import argparse
import os
import shlex
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from coil.analyses.definitions import Definition
from coil.analyses.job import Job, program_file
from coil.analyses.run import analyse
from coil.workspace import SCRIPTS, Results


def command_line(conda: bool, hidden: Iterable[str]) -> str:
    """The beginning of the command, for a shell: with Snakemake's own Python.

    conda   whether the analysis' environment is activated
    hidden  files and folders that no analysis may read
    """
    words = [sys.executable, str(SCRIPTS / "analyse.py"), *["--conda"] * conda]
    return shlex.join(words + [f"--hide={path}" for path in hidden])


def main(arguments: Sequence[str], about: str | None) -> None:
    """Read the arguments, run the analysis, write its record; `about` is the command's help."""
    options = _parser(about).parse_args(arguments)
    definition = Definition.from_json(options.definition)
    job = Job(
        definition=definition,
        file=program_file(definition, Path.cwd()),
        results=Results(Results.of_record(options.record).root.absolute()),
        scope=options.scope,
        threads=options.threads,
        prefix=os.environ.get("CONDA_PREFIX") if options.conda and definition.env else None,
        hidden=[path.expanduser().resolve() for path in options.hide],
    )
    analyse(job, options.log).write(options.record)


def _parser(about: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("definition", help="of the analysis, as JSON")
    parser.add_argument("record", type=Path)
    parser.add_argument("--scope", required=True, help="sub-<s>_ses-<e>, sub-<s> or project")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--log", required=True)
    parser.add_argument("--conda", action="store_true", help="its environment is activated")
    parser.add_argument("--hide", type=Path, action="append", default=[])
    return parser
