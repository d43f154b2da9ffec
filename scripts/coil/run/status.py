"""What became of every session, from the records that the stages left.

Reads files only, so that it answers at any time: while jobs run, after a crash, offline.
"""

import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

from tabulate import tabulate

from coil import files
from coil.records.analysis import AnalysisRecord
from coil.records.dataset import DatasetRecord
from coil.records.session import SessionRecord
from coil.run import pushed
from coil.units import Unit, read_units, unit_name
from coil.words import plural
from coil.workspace import PROJECT, Results


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


COLUMNS = tuple(field.name for field in fields(Row))
_STAGES = ("push", "export", "push_dicom")
_EXCLUDED = ("ambiguous", "incomplete", "duplicate", "missing", "failed", "refused")


def project_rows(results: Results, analyses: Iterable[str]) -> list[Row]:
    """The rows of a project with some `analyses`, whose results are in the folder `results`."""
    names = list(analyses)
    units = read_units(results.sessions)
    return [_row(results, unit, names) for unit in units]


def as_tsv(rows: Iterable[Row]) -> str:
    """The table as TSV with a header; nothing known is `n/a`."""
    lines = ["\t".join(COLUMNS)]
    lines += ["\t".join(str(value) or "n/a" for value in astuple(row)) for row in rows]
    return "\n".join(lines) + "\n"


def as_text(rows: list[Row]) -> str:
    """The table for a terminal: one line a session, the reasons below."""
    table = tabulate([astuple(row)[:-2] for row in rows], headers=COLUMNS[:-2], tablefmt="simple")
    reasons = [f"{_place(row)}: {row.reason}{_log(row)}" for row in rows if row.reason]
    return "\n".join([table, *reasons])


def summary(name: str, results: Results, analyses: Iterable[str]) -> str:
    """The lines at the end of an invocation: what is done, what not and why, and where it is."""
    names = list(analyses)
    rows = project_rows(results, names)
    done = sum(row.state == "done" for row in rows)
    lines = [f"{name}: {done} of {plural(len(rows), 'session')} done"]
    lines += [f"  {_place(r)}: {r.state}: {r.reason}{_log(r)}" for r in rows if r.reason]
    lines.append(f"  dataset    {_shown(results.bids)} ({_verdict(results)})")
    lines += [f"  left out   {line}" for line in _left_out(name, results, "dataset")]
    if (page := results.index).is_file():
        pages = plural(len(list(results.reports.glob("sub-*.html"))), "page")
        lines.append(f"  reports    {_shown(page)}, and {pages} of sessions beside it")
    for analysis, found in _analyses(results, PROJECT, names).items():
        if found["state"] == "failed":
            lines.append(f"  analyses   {analysis}: failed: {found['reason']}; log: {found['log']}")
    lines += pushed.summary(results.root)
    lines += [f"  series     {line}" for line in _notable(results)]
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


def _row(results: Results, unit: Unit, names: Iterable[str]) -> Row:
    admit = _session(results, unit)
    push, export, copy = (_read(results.record(unit, name)) for name in _STAGES)
    of_subject = _analyses(results, f"sub-{unit.subject}", names)
    analyses = _analyses(results, unit, names) | of_subject
    outcomes = Counter(one["state"] for one in analyses.values())
    states = Counter(series["state"] for series in admit.get("series", []))
    stages = [admit, *analyses.values(), push, export, copy]
    problems = [record for record in stages if record.get("state") == "failed"]
    return Row(
        subject=unit.subject,
        session=unit.session,
        state=admit.get("state", "waiting"),
        mapped=states["mapped"],
        ignored=states["ignored"] + states["derived"],
        unmapped=states["unmapped"],
        excluded=sum(states[state] for state in _EXCLUDED),
        files=len(admit.get("files", {})),
        analyses=", ".join(f"{outcomes[state]} {state}" for state in sorted(outcomes)),
        pushed=push.get("state", ""),
        exported=export.get("state", ""),
        copied=copy.get("state", ""),
        reason="; ".join(f"{one['stage']}: {one['reason']}" for one in problems),
        log=(problems[0].get("log") or "") if problems else "",
    )


def _analyses(results: Results, unit: object, names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The records of the analyses of a session, a subject or the project, by name."""
    records = {name: AnalysisRecord.read_or_none(results.record(unit, name)) for name in names}
    return {name: record.fields() for name, record in records.items() if record}


def _place(row: Row) -> str:
    return unit_name(row.subject, row.session)


def _shown(path: Path) -> str:
    """The path as it leads there from where the person stands.

    That is known only where the shell's folder is this one: with --directory it is another, and
    who starts Snakemake by a program may leave there what was the shell's before.
    """
    here = os.environ.get("PWD", "")
    in_shell = bool(here) and Path(here).exists() and Path(here).samefile(Path())
    return os.path.relpath(path) if in_shell else str(path.absolute())


def _log(row: Row) -> str:
    return f"; log: {row.log}" if row.log else ""


def _notable(results: Results) -> list[str]:
    """Series that a person should look at, a line each."""
    lines = []
    for unit in read_units(results.sessions):
        record = _session(results, unit)
        for series in record.get("series", []):
            if series["state"] in ("unmapped", *_EXCLUDED):
                name = series["description"] or f"scan {series['scan']}"
                lines.append(f"{unit}: {name}: {series['state']}: {series['reason']}")
    return lines


def _left_out(name: str, results: Results, rule: str) -> list[str]:
    """Tables and columns that the dataset lacks because something in them is wrong."""
    dataset, log = DatasetRecord.read_or_none(results.dataset), f"logs/{name}/{rule}.log"
    problems = dataset.problems if dataset else ()
    return [f"{one.what}: {one.reason}; log: {log}" for one in problems]


def _verdict(results: Results) -> str:
    verdict = _read(results.validation)
    if not verdict:
        return "not validated yet"
    valid = "not valid BIDS" if verdict["errors"] else "valid BIDS"
    return (
        f"{valid}: {plural(verdict['errors'], 'error')}, {plural(verdict['warnings'], 'warning')}, "
        f"{plural(verdict['absent_keys'], 'recommended key')} absent"
    )


def _session(results: Results, unit: Unit) -> dict[str, Any]:
    """A session's record; nothing where there is none that can be read, as of another version."""
    record = SessionRecord.read_or_none(results.record(unit, "admit"))
    return record.fields() if record else {}


def _read(path: Path) -> dict[str, Any]:
    return files.read_json(path) if path.is_file() else {}
