"""What an invocation costs in a large project of which nearly all is settled.

Measured against localxnat on this machine: processor seconds and peak memory of Snakemake and all
that it starts. Beside it, in the same run, what it costs without a memory: then Snakemake looks at
every job. `--sessions 1000 3000 ...` are the sizes.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import yaml
from multiply import multiply

from coil.workspace import CHECKOUT, Workspace
from demo.load import load
from demo.study import generate
from localxnat.testing import Server, import_dicom, running, seed


class Cost(NamedTuple):
    """Processor seconds, peak memory in MB, and the seconds to the first job that was started."""

    seconds: float
    megabytes: float
    first: float
    output: str


def main() -> None:
    """Measure, and print a line for each size and what happens there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, nargs="+", default=[300, 1000])
    parser.add_argument("--plain", type=int, default=1000, help="the largest also without a memory")
    options = parser.parse_args()
    print(f"{'sessions':>8}  {'':34} {'processor':>9} {'memory':>8} {'first job':>9}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        template = _template(folder / "one")
        for sessions in options.sessions:
            _measure(folder / str(sessions), template, sessions, sessions <= options.plain)
            shutil.rmtree(folder / str(sessions))


def _template(folder: Path) -> Path:
    """A folder in which the workflow ran on one session."""
    generate(folder / "study", seed=2, subjects=1, sessions=1)
    load(folder / "study", folder / "archive")
    work = _work(folder / "work")
    with running(folder / "archive") as server:
        done = _snakemake(work, server)
        if "1 of 1 session done" not in done.output:
            sys.exit(done.output)
    return work


def _work(folder: Path) -> Path:
    settings = yaml.safe_load((CHECKOUT / "demo" / "study.yaml").read_text())
    settings["analyses"] = settings["push"]["derivatives"] = ["qc"]
    folder.mkdir(parents=True)
    (folder / "study.yaml").write_text(yaml.safe_dump(settings, sort_keys=False))
    (folder / "config.yaml").write_text("projects: [study.yaml]\n")
    return folder


def _measure(folder: Path, template: Path, sessions: int, plain: bool) -> None:
    seed(folder / "archive", "DEMO", sessions, 7)
    work = _work(folder / "work")
    with running(folder / "archive") as server:
        _snakemake(work, server, "discover")
        multiply(Workspace(template), Workspace(work), "study")
        _line(sessions, "nothing new", _snakemake(work, server, settled=True))
        session = next(path for path in (template.parent / "study").glob("**/*.dcm")).parent.parent
        import_dicom(folder / "archive", "DEMO", "NEW", "NEW_1", session)
        _line(sessions, "one new", _snakemake(work, server))
        _line(sessions, "nothing new, again", _snakemake(work, server, settled=True))
        if plain:
            (work / "private/study/memory.json").unlink()
            _line(sessions, "nothing new, without a memory", _snakemake(work, server, "-n"))


def _line(sessions: int, what: str, cost: Cost) -> None:
    first = f"{cost.first:7.1f} s" if cost.first else ""
    figures = f"{cost.seconds:7.1f} s {cost.megabytes:5.0f} MB {first:>9}"
    print(f"{sessions:8}  {what:34} {figures}", flush=True)


def _snakemake(work: Path, server: Server, *arguments: str, settled: bool = False) -> Cost:
    """One invocation; ends this program if something was done although all is settled."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(CHECKOUT / "Snakefile")]
    command += ["--configfile", str(work / "config.yaml"), "--cores", "2"]
    command += ["--workflow-profile", str(CHECKOUT / "config/profiles/local"), *arguments]
    login = {"XNAT_HOST": server.url, "XNAT_USER": server.user, "XNAT_PASS": server.password}
    begin, first, lines = time.perf_counter(), 0.0, list[str]()
    process = subprocess.Popen(
        command,
        cwd=work,
        env=os.environ | login,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout
    for line in process.stdout:
        lines.append(line)
        if not first and re.match(r"Job \d+: \w+: pull sub-", line):
            first = time.perf_counter() - begin
    process.stdout.close()
    _, status, used = os.wait4(process.pid, 0)  # its own use, and that of all that it waited for
    process.returncode, output = os.waitstatus_to_exitcode(status), "".join(lines)
    if process.returncode or (settled and "Nothing to be done" not in output):
        sys.exit("".join(line for line in lines if not line.startswith("  series")))
    return Cost(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, first, output)


if __name__ == "__main__":
    main()
