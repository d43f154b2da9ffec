"""Run one analysis on a session, a subject or a project, apart from everything else.

It runs with Snakemake's own Python and starts the analysis as a program in the environment
that the rule set up; docs/analyses.md says what that program is told.
"""

import argparse
import json
import os
from pathlib import Path

from coil import files, jobs
from coil.analyses.run import Job, run
from coil.workspace import SCRIPTS, Results


def main() -> None:
    """Read the arguments, run, write the record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("job", type=json.loads, help="the analysis, as JSON")
    parser.add_argument("record", type=Path)
    parser.add_argument("--place", required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--log", required=True)
    parser.add_argument("--conda", action="store_true", help="its environment is activated")
    parser.add_argument("--hide", type=Path, action="append", default=[])
    given = parser.parse_args()
    analysis = given.job
    job = Job(
        analysis=analysis,
        file=(
            (SCRIPTS.parent if analysis["checkout"] else Path.cwd()) / analysis["file"]
        ).resolve(),
        results=Results.of_record(given.record).root.absolute(),
        place=given.place,
        threads=given.threads,
        prefix=os.environ.get("CONDA_PREFIX") if given.conda and analysis["env"] else None,
        hidden=[path.expanduser().resolve() for path in given.hide],
    )
    told = {"stage": job.name, "log": given.log, "retry": False, "files": [], "summary": {}}
    result = jobs.attempt_record(job.name, given.log, lambda: run(job, Path(given.log).absolute()))
    files.write_json(given.record, told | result)


if __name__ == "__main__":
    main()
