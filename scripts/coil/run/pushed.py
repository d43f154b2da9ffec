"""The end of an invocation on its pushes: what was done, what would be, what was left alone."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import assert_never

from tabulate import tabulate

from coil.records.push import (
    EmptyFile,
    ForeignFiles,
    ForeignSession,
    HiddenScans,
    InvalidDataset,
    Left,
    PushRecord,
)
from coil.units import scan_name
from coil.words import plural
from coil.workspace import PROJECT, Results

_SHOWN = 20


def summary(results: Path) -> list[str]:
    """The lines about a project's pushes, also to another project; none if there were none."""
    lines = _lines("pushed", "the archive", _read(results, "push"))
    lines += _lines("copied", "the other project", _read(results, "push_dicom"))
    withdrawn = PushRecord.read_or_none(Results(results).record(PROJECT, "withdraw_dicom"))
    return lines + (_withdrawn(withdrawn) if withdrawn else [])


def reason(left: Left) -> str:
    """The sentence on something that was left alone."""
    match left:
        case ForeignFiles():
            return f"{left.resource} of {scan_name(left.scan)}: somebody else's files are there"
        case ForeignSession():
            label = f"{left.session}: " if left.session else ""
            return f"{label}the session: somebody else's data are there; ask for their removal"
        case HiddenScans():
            return f"{left.scans} of the scans: an identifier is in the ID; rename it there"
        case InvalidDataset():
            return f"{left.analysis}: no valid BIDS, see the project's page"
        case EmptyFile():
            return f"{left.file}: it is empty, and the archive takes no empty file"
        case _:
            assert_never(left)


def _read(results: Path, name: str) -> dict[str, PushRecord]:
    """The records of that name by unit; one of an earlier version counts for none."""
    paths = sorted(Results(results).records.glob(f"*/{name}.json"))
    records = {path.parent.name: PushRecord.read_or_none(path) for path in paths}
    return {unit: record for unit, record in records.items() if record}


def _withdrawn(record: PushRecord) -> list[str]:
    """The lines about the copies of sessions that are gone."""
    if record.state == "failed":
        return [f"  taken back nothing: {record.reason}"]
    lines = [f"{label} would be removed from the other project" for label in record.would]
    lines += [f"{label} removed from the other project" for label in record.removed]
    lines += [reason(left) for left in record.left]
    return [f"  taken back {line}" for line in lines]


def _lines(word: str, where: str, records: Mapping[str, PushRecord]) -> list[str]:
    states = Counter(
        record.state
        for unit, record in records.items()
        if unit != PROJECT and record.state != "rehearsed"
    )
    counts = ", ".join(f"{plural(count, 'session')} {state}" for state, count in states.items())
    lines = [f"  {word}     {counts}"] if counts else []
    for unit, record in records.items():
        lines += [f"  {unit}: left alone: {reason(left)}" for left in record.left]
    return lines + _rehearsal(where, records)


def _rehearsal(where: str, records: Mapping[str, PushRecord]) -> list[str]:
    """The table of a dry push: every file that would not stay as it is."""
    steps = [
        (unit, action, name)
        for unit, record in records.items()
        for name, action in record.would.items()
    ]
    if not steps:
        return []
    actions = Counter(action for _, action, _ in steps)
    counts = ", ".join(f"{action} {count}" for action, count in sorted(actions.items()))
    rows = [step for step in steps if step[1] != "unchanged"]
    lines = [f"  dry push   {counts}; nothing was written to {where}"]
    if rows:
        table = tabulate(rows[:_SHOWN], headers=["", "", "file"], tablefmt="plain")
        lines += [f"    {line}" for line in table.splitlines()[1:]]
    if len(rows) > _SHOWN:
        lines.append(f"    and {len(rows) - _SHOWN} more, in records/*/push*.json")
    return lines
