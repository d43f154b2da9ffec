"""What became of every session, from the records that the stages left.

Reads files only, so that it answers at any time: while jobs run, after a crash, offline.
"""

import os
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Protocol

from tabulate import tabulate

from coil import files
from coil.records.analysis import AnalysisRecord
from coil.records.dataset import DatasetRecord
from coil.records.export import ExportRecord
from coil.records.push import PushRecord
from coil.records.session import SessionRecord
from coil.records.validation import Verdict
from coil.run import pushed
from coil.units import Unit, read_units, unit_name
from coil.words import plural
from coil.workspace import PROJECT, Results, Workspace


@dataclass(frozen=True)
class Row:
    """One session in the status table; counts are of series and of files in the dataset."""

    subject: str
    session: str
    state: str
    mapped: int
    ignored: int
    unmapped: int
    excluded: int
    files: int
    analyses: str
    pushed: str
    exported: str
    copied: str
    reason: str
    log: str


class _Failed(Protocol):
    """The record of a stage that failed."""

    @property
    def stage(self) -> str | None: ...

    @property
    def reason(self) -> str | None: ...

    @property
    def log(self) -> str | None: ...


COLUMNS = tuple(field.name for field in fields(Row))
_EXCLUDED = ("ambiguous", "incomplete", "duplicate", "missing", "failed", "refused")


def project_rows(results: Results, analyses: Iterable[str]) -> list[Row]:
    """The rows of a project with some `analyses`, whose results are in the folder `results`."""
    return [_row(session) for session in _sessions(results, list(analyses))]


def write_table(table: Path, analyses: Iterable[str]) -> None:
    """Write the table of a project with some `analyses`, among its results."""
    files.write_text(table, as_tsv(project_rows(Results(table.parent), analyses)))


def show(projects: Mapping[str, Iterable[str]], workspace: Workspace) -> None:
    """Print the summary and the table of each project; `projects` have the names of analyses."""
    for name, analyses in projects.items():
        results, names = workspace.results(name), list(analyses)
        print(f"\n{summary(name, results, names)}\n")
        print(as_text(project_rows(results, names)))


def as_tsv(rows: Iterable[Row]) -> str:
    """The table as TSV with a header; nothing known is `n/a`."""
    lines = ["\t".join(COLUMNS)]
    lines += ["\t".join(str(value) or "n/a" for value in astuple(row)) for row in rows]
    return "\n".join(lines) + "\n"


def as_text(rows: list[Row]) -> str:
    """The table for a terminal: one line a session, the reasons below."""
    table = tabulate([astuple(row)[:-2] for row in rows], headers=COLUMNS[:-2], tablefmt="simple")
    reasons = [f"{_unit(row)}: {row.reason}{_log(row.log)}" for row in rows if row.reason]
    return "\n".join([table, *reasons])


def summary(name: str, results: Results, analyses: Iterable[str]) -> str:
    """The lines at the end of an invocation: what is done, what not and why, and where it is."""
    names = list(analyses)
    rows: list[Row] = []
    series: list[str] = []
    for session in _sessions(results, names):
        rows.append(_row(session))
        series += _notable(session)
    done = sum(row.state == "done" for row in rows)
    lines = [f"{name}: {done} of {plural(len(rows), 'session')} done"]
    lines += [f"  {_unit(r)}: {r.state}: {r.reason}{_log(r.log)}" for r in rows if r.reason]
    lines.append(f"  dataset    {_shown(results.bids)} ({_verdict(results)})")
    lines += [f"  left out   {line}" for line in _left_out(name, results, "dataset")]
    if (page := results.index).is_file():
        pages = plural(len(list(results.reports.glob("sub-*.html"))), "page")
        lines.append(f"  reports    {_shown(page)}, and {pages} of sessions beside it")
    for analysis, record in _analyses(results, PROJECT, names).items():
        if record.state == "failed":
            lines.append(f"  analyses   {analysis}: failed: {record.reason}{_log(record.log)}")
    lines += pushed.summary(results.root)
    lines += [f"  series     {line}" for line in series]
    return "\n".join(lines)


def merged_summary(name: str, results: Results) -> str:
    """The same of a dataset that is merged from several projects."""
    dataset = DatasetRecord.read(results.dataset)
    lines = [
        f"{name}: {plural(dataset.sessions, 'session')} of "
        f"{plural(dataset.subjects, 'participant')} merged from "
        f"{', '.join(dataset.projects or ())}",
        f"  dataset    {_shown(results.bids)} ({_verdict(results)})",
    ]
    lines += [f"  left out   {line}" for line in _left_out(name, results, "merge")]
    return "\n".join(lines)


@dataclass(frozen=True)
class _Session:
    """The records of a session; None where a stage left nothing that can be read.

    `analyses` are those of the session and of its subject.
    """

    unit: Unit
    admit: SessionRecord | None
    analyses: Mapping[str, AnalysisRecord]
    push: PushRecord | None
    export: ExportRecord | None
    copy: PushRecord | None

    @property
    def failures(self) -> list[_Failed]:
        """Those of the stages that failed, in their order."""
        stages = (self.admit, *self.analyses.values(), self.push, self.export, self.copy)
        return [stage for stage in stages if stage and stage.state == "failed"]


def _sessions(results: Results, names: Collection[str]) -> Iterator[_Session]:
    """The sessions of a project, with the analyses of these names; one at a time in memory."""
    return (_session(results, unit, names) for unit in read_units(results.sessions))


def _session(results: Results, unit: Unit, names: Iterable[str]) -> _Session:
    of_subject = _analyses(results, f"sub-{unit.subject}", names)
    return _Session(
        unit,
        SessionRecord.read_or_none(results.record(unit, "admit")),
        _analyses(results, unit, names) | of_subject,
        PushRecord.read_or_none(results.record(unit, "push")),
        ExportRecord.read_or_none(results.record(unit, "export")),
        PushRecord.read_or_none(results.record(unit, "push_dicom")),
    )


def _row(session: _Session) -> Row:
    admit, failures = session.admit, session.failures
    series = admit.series if admit else ()
    states: Counter[str] = Counter(row.state for row in series)
    outcomes = Counter(one.state for one in session.analyses.values())
    return Row(
        subject=session.unit.subject,
        session=session.unit.session,
        state=admit.state if admit else "waiting",
        mapped=states["mapped"],
        ignored=states["ignored"] + states["derived"],
        unmapped=states["unmapped"],
        excluded=sum(states[state] for state in _EXCLUDED),
        files=len(admit.files) if admit else 0,
        analyses=", ".join(f"{outcomes[state]} {state}" for state in sorted(outcomes)),
        pushed=session.push.state if session.push else "",
        exported=session.export.state if session.export else "",
        copied=session.copy.state if session.copy else "",
        reason="; ".join(f"{one.stage}: {one.reason}" for one in failures),
        log=(failures[0].log or "") if failures else "",
    )


def _analyses(results: Results, scope: object, names: Iterable[str]) -> dict[str, AnalysisRecord]:
    """The records of the analyses of a session, a subject or the project, by name."""
    records = {name: AnalysisRecord.read_or_none(results.record(scope, name)) for name in names}
    return {name: record for name, record in records.items() if record}


def _unit(row: Row) -> str:
    return unit_name(row.subject, row.session)


def _shown(path: Path) -> str:
    """The path as it leads there from where the person stands.

    That is known only where the shell's folder is this one: with --directory it is another, and
    who starts Snakemake by a program may leave there what was the shell's before.
    """
    here = os.environ.get("PWD", "")
    in_shell = bool(here) and Path(here).exists() and Path(here).samefile(Path())
    return os.path.relpath(path) if in_shell else str(path.absolute())


def _log(log: str | None) -> str:
    return f"; log: {log}" if log else ""


def _notable(session: _Session) -> Iterator[str]:
    """Series of a session that a person should look at, a line each."""
    for series in session.admit.series if session.admit else ():
        if series.state in ("unmapped", *_EXCLUDED):
            name = series.description or f"scan {series.scan}"
            yield f"{session.unit}: {name}: {series.state}: {series.reason}"


def _left_out(name: str, results: Results, rule: str) -> list[str]:
    """Tables and columns that the dataset lacks because something in them is wrong."""
    dataset, log = DatasetRecord.read_or_none(results.dataset), f"logs/{name}/{rule}.log"
    problems = dataset.problems if dataset else ()
    return [f"{one.what}: {one.reason}; log: {log}" for one in problems]


def _verdict(results: Results) -> str:
    verdict = Verdict.read_or_none(results.validation)
    if not verdict:
        return "not validated yet"
    valid = "not valid BIDS" if verdict.errors else "valid BIDS"
    return (
        f"{valid}: {plural(verdict.errors, 'error')}, {plural(verdict.warnings, 'warning')}, "
        f"{plural(verdict.absent_keys, 'recommended key')} absent"
    )
