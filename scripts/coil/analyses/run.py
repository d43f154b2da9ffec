"""One analysis run on one scope, and the record of it."""

import os
from pathlib import Path

import msgspec

from coil import files, jobs
from coil.analyses import output, program, scopes, view
from coil.analyses.job import Job
from coil.errors import DataError
from coil.records.analysis import AnalysisRecord, Summary
from coil.records.failure import Failure


def analyse(job: Job, log: str) -> AnalysisRecord:
    """The record of the analysis, also where it failed; `log` is the log to write."""
    result = jobs.attempt(job.name, log, lambda: run(job, log))
    if isinstance(result, Failure):
        return AnalysisRecord(
            state="failed", stage=job.name, reason=result.reason, log=log, retry=result.retry
        )
    return result


def run(job: Job, log: str) -> AnalysisRecord:
    """The record of the analysis; an older result is taken out first.

    Raises `DataError` where the analysis failed, `PassingError` where it was ended or lacked
    memory or room.
    """
    _clear(job)
    if reason := _lacking(job):
        return _skipped(job, log, reason)
    if job.definition.problem:
        raise DataError(job.definition.problem)
    try:
        if reason := _fill(job):
            return _skipped(job, log, reason)
        program.execute(job, Path(log).absolute())
        summary = output.take_summary(job.out)
        if summary.skipped:
            return _skipped(job, log, program.plain(summary.skipped, job))
        return _kept(job, log, summary)
    finally:
        files.remove_tree(job.scratch)


def _skipped(job: Job, log: str, reason: str) -> AnalysisRecord:
    return AnalysisRecord(state="skipped", stage=job.name, reason=reason, log=log)


def _kept(job: Job, log: str, summary: Summary) -> AnalysisRecord:
    """The record of an analysis whose files are moved into its derivative dataset."""
    names = output.check(job.out, job.scope, summary)
    if not names:
        raise DataError("it left no file; see its log, or write summary.json with `skipped`")
    umask = os.umask(0)
    os.umask(umask)
    output.keep(job.out, job.target, job.scope, umask)
    return AnalysisRecord(
        state="failed" if summary.problem else "done",
        stage=job.name,
        reason=program.plain(summary.problem, job) if summary.problem else None,
        log=log,
        files=tuple(names),
        summary=msgspec.structs.replace(summary, problem=None),
    )


def _clear(job: Job) -> None:
    """Take out what an earlier run left, also one that was killed."""
    files.remove_tree(job.scratch)
    files.remove_tree(job.target / scopes.folder(job.scope))


def _lacking(job: Job) -> str | None:
    """The reason why there is nothing to run the analysis on, if so."""
    if not job.admitted:
        alone = job.definition.level == "session"
        return "the session is not in the dataset" if alone else "no session is in the dataset"
    for name in job.definition.others:
        if not job.sources(name):
            return f"the analysis {name}, its input, has nothing here"
    return None


def _fill(job: Job) -> str | None:
    """Make the scratch folder with what the analysis sees; the reason if that is nothing."""
    for folder in (job.out, program.work(job), job.inputs):
        folder.mkdir(parents=True)
    suffixes = job.definition.dataset
    linked = view.dataset(job.results.bids, job.scope, job.admitted, suffixes, job.dataset)
    if not linked and suffixes != ():
        return (
            f"there is no {' or '.join(suffixes)} here" if suffixes else "there are no files here"
        )
    for name in job.definition.others:
        _link_results(job, name)
    files.write_json(program.params(job), job.definition.params)
    return None


def _link_results(job: Job, name: str) -> None:
    """Let the analysis see the results of another one, as a dataset."""
    target = job.inputs / name
    for scope in job.sources(name):
        folder = scopes.folder(scope)
        view.tree(job.results.derivatives / name / folder, target / folder)
    described = {"Name": name, "BIDSVersion": "1.10.0", "DatasetType": "derivative"}
    files.write_json(
        target / "dataset_description.json", described | {"GeneratedBy": [{"Name": name}]}
    )
