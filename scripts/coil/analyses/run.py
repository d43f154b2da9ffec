"""Run one analysis on one place, and say in a record what came of it."""

import logging
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coil import files, passing, programs
from coil.analyses import enclosure, notebook, output, places, view
from coil.errors import DataError, PassingError
from coil.records.session import SessionRecord
from coil.units import Unit, read_units
from coil.workspace import Results

logger = logging.getLogger(__name__)

INTERPRETERS = {".py": "python", ".R": "Rscript", ".sh": "bash"}
"""What runs a script, by the ending of its name."""


@dataclass(frozen=True)
class Job:
    """An analysis of one place.

    analysis    its `definitions.Analysis.job`
    file        the script or notebook
    results     the project's results
    threads     how many it may use
    prefix      where its conda environment is, if it has one
    hidden      files and folders that it must not read
    """

    analysis: Mapping[str, Any]
    file: Path
    results: Path
    place: str
    threads: int
    prefix: str | None
    hidden: Sequence[Path]

    @property
    def name(self) -> str:
        return self.analysis["name"]

    @property
    def target(self) -> Path:
        """The derivative dataset."""
        return self.results / "derivatives" / self.name

    @property
    def scratch(self) -> Path:
        """The folder of this run, beside the results so that files can be linked."""
        return self.results / ".scratch" / f"{self.name}_{self.place}"


def run(job: Job, log: Path) -> dict[str, Any]:
    """The record of the analysis: `state` (done, failed or skipped), `reason`, `files`, `summary`.

    `files` are those of the place in the derivative dataset. An older result is taken out first.
    Raises `DataError` where the analysis failed, `PassingError` where it was ended or lacked
    memory or room.
    """
    _clear(job)
    if reason := _lacking(job):
        return _record("skipped", reason)
    if problem := job.analysis.get("problem"):
        raise DataError(problem)
    try:
        if reason := _fill(job):
            return _record("skipped", reason)
        _execute(job, log)
        out = job.scratch / "out"
        summary = output.take_summary(out)
        if skipped := summary.get("skipped"):
            return _record("skipped", _plain(skipped, job))
        found = output.check(out, job.place, summary)
        if not found:
            raise DataError("it left no file; see its log, or write summary.json with `skipped`")
        umask = os.umask(0)
        os.umask(umask)
        output.keep(out, job.target, job.place, umask)
    finally:
        files.remove_tree(job.scratch)
    problem = summary.pop("problem", None)
    return {
        **_record("failed" if problem else "done", _plain(problem, job) if problem else None),
        "files": found,
        "summary": summary,
    }


def _record(state: str, reason: str | None) -> dict[str, Any]:
    return {"state": state, "reason": reason, "files": [], "summary": {}}


def _clear(job: Job) -> None:
    """Take out what an earlier run left, also one that was killed."""
    files.remove_tree(job.scratch)
    files.remove_tree(job.target / places.folder(job.place))


def _admitted(job: Job) -> dict[Unit, dict[str, Any]]:
    """The records of those sessions of the place that are in the dataset.

    A run from a lock leaves out sessions that the archive has and the lock does not.
    """
    found = {}
    for unit in places.units_of(job.place, read_units(job.results / "sessions.tsv")):
        record = SessionRecord.read_or_none(Results(job.results).record(unit, "admit"))
        inside = job.results / "bids" / places.folder(str(unit))
        if record and record.state == "done" and inside.is_dir():
            found[unit] = record.fields()
    return found


def _record_of(job: Job, place: str, name: str) -> dict[str, Any]:
    path = job.results / "records" / place / f"{name}.json"
    return files.read_json(path) if path.is_file() else {}


def _lacking(job: Job) -> str | None:
    """Why there is nothing to run the analysis on, if so."""
    if not _admitted(job):
        alone = job.analysis["level"] == "session"
        return "the session is not in the dataset" if alone else "no session is in the dataset"
    for name in job.analysis["others"]:
        if not _sources(job, name):
            return f"the analysis {name}, its input, has nothing here"
    return None


def _sources(job: Job, other: str) -> list[str]:
    """The places of another analysis that have files for this one."""
    return [
        place
        for place in places.places(job.analysis["others"][other], _admitted(job))
        if _record_of(job, place, other).get("files")
    ]


def _fill(job: Job) -> str | None:
    """Make the scratch folder with what the analysis sees; why there is nothing to see, if so."""
    for name in ("out", "work", "inputs"):
        (job.scratch / name).mkdir(parents=True)
    suffixes = job.analysis["dataset"]
    admitted = _admitted(job)
    if not view.dataset(job.results, job.place, admitted, suffixes, job.scratch / "bids"):
        if suffixes:
            return f"there is no {' or '.join(suffixes)} here"
        if suffixes is None:
            return "there are no files here"
    for name in job.analysis["others"]:
        source = job.results / "derivatives" / name
        target = job.scratch / "inputs" / name
        for place in _sources(job, name):
            folder = places.folder(place)
            view.tree(source / folder, target / folder)
        about = {"Name": name, "BIDSVersion": "1.10.0", "DatasetType": "derivative"}
        about["GeneratedBy"] = [{"Name": name}]
        files.write_json(target / "dataset_description.json", about)
    files.write_json(job.scratch / "params.json", job.analysis["params"])
    return None


def _values(job: Job) -> dict[str, str]:
    """What the program is told, by name."""
    found = {"bids": str(job.scratch / "bids"), "out": str(job.scratch / "out")}
    found["params"] = str(job.scratch / "params.json")
    if job.place != places.PROJECT:
        labels = [part.partition("-")[2] for part in job.place.split("_")]
        found |= dict(zip(("subject", "session"), labels, strict=False))
    if job.analysis["others"]:
        found["inputs"] = str(job.scratch / "inputs")
    return found


def _execute(job: Job, log: Path) -> None:
    """Run the script, or the notebook and what makes a page of it."""
    values = _values(job)
    if job.file.suffix != ".ipynb":
        arguments = [word for name, value in values.items() for word in (f"--{name}", value)]
        _call(job, [INTERPRETERS[job.file.suffix], str(job.file), *arguments], values, log)
        return
    executed = job.scratch / "out" / places.folder(job.place) / f"{job.name}.ipynb"
    executed.parent.mkdir(parents=True, exist_ok=True)
    given = job.scratch / "parameters.json"
    parameters = values | {"params": job.analysis["params"]}
    files.write_json(given, parameters)
    execute, convert = notebook.commands(job.file, executed, given)
    try:
        _call(job, execute, values, log)
    except DataError:
        if reason := notebook.error(executed):
            raise DataError(_plain(reason, job)) from None
        raise
    notebook.normalise(executed, job.scratch, parameters)
    _call(job, convert, values, log)


def _call(job: Job, command: Sequence[str], values: Mapping[str, str], log: Path) -> None:
    """Run a command in its surroundings; `DataError` with its last words if it fails."""
    scratch, work = job.scratch, job.scratch / "work"
    around = enclosure.environment(os.environ, work, job.threads, job.prefix)
    around |= {f"COIL_{name.upper()}": value for name, value in values.items()}
    around["COIL_THREADS"] = str(job.threads)
    seen = [scratch / "bids", scratch / "inputs"]
    enclosed = enclosure.enclosed(command, Path.cwd(), scratch, seen, job.hidden)
    logger.info("%s: %s", job.name, " ".join(Path(word).name for word in command[:2]))
    if not enclosed:
        logger.info("no namespaces here: the dataset is compared before and after instead")
    before = view.stamps(scratch / "bids")
    try:
        status, last = programs.run_logged(enclosed or command, log, cwd=work, env=around)
    except FileNotFoundError:
        raise DataError(_missing(command[0])) from None
    if view.stamps(scratch / "bids") != before:
        raise DataError("it wrote to the dataset, which is only to be read; correct the script")
    if status:
        words = _last_words(last, status, command[0], job)
        raise (PassingError if programs.passes(status, "".join(last)) else DataError)(words)


def _missing(program: str) -> str:
    return f"there is no {program}; name an environment with it in the analysis' key env"


def _last_words(lines: Sequence[str], status: int, program: str, job: Job) -> str:
    """Why a program ended, from the last lines of its stderr."""
    said = [plain for line in lines if (plain := _plain(line, job))]
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


def _plain(line: str, job: Job) -> str:
    """A line of somebody else's, fit for a table: no paths, no control characters, not long."""
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", line)
    for folder in (job.scratch, job.file.parent, Path.cwd()):
        text = text.replace(f"{folder}/", "")
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= 200 else f"{text[:197]}..."
