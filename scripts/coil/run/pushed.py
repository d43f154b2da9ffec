"""What the end of an invocation says of pushes: what was done, what would be, what was left."""

from collections import Counter
from pathlib import Path
from typing import Any

from tabulate import tabulate

from coil import files
from coil.words import plural

_SHOWN = 20


def summary(results: Path) -> list[str]:
    """The lines about a project's pushes, also to another project; none if there were none."""
    lines = _lines("pushed", "the archive", _read(results, "push"))
    copies = _read(results, "push_dicom")
    lines += _lines("copied", "the other project", copies)
    return lines + _withdrawn(_read(results, "withdraw_dicom").get("project", {}))


def _read(results: Path, name: str) -> dict[str, dict[str, Any]]:
    paths = sorted((results / "records").glob(f"*/{name}.json"))
    return {path.parent.name: files.read_json(path) for path in paths}


def _withdrawn(record: dict[str, Any]) -> list[str]:
    """What was taken back of sessions that are gone."""
    if record.get("state") == "failed":
        return [f"  taken back nothing: {record['reason']}"]
    would = record.get("would", {})
    told = [f"{what} would be removed from the other project" for what in would]
    told += [f"{what} removed from the other project" for what in record.get("removed", [])]
    told += [f"{what}" for what in record.get("left", [])]
    return [f"  taken back {line}" for line in told]


def _lines(word: str, where: str, records: dict[str, dict[str, Any]]) -> list[str]:
    states = Counter(
        record["state"]
        for unit, record in records.items()
        if unit != "project" and record["state"] != "rehearsed"
    )
    told = ", ".join(f"{plural(count, 'session')} {state}" for state, count in states.items())
    lines = [f"  {word}     {told}"] if told else []
    for unit, record in records.items():
        lines += [f"  {unit}: left alone: {what}" for what in record.get("left", [])]
    return lines + _rehearsal(where, records)


def _rehearsal(where: str, records: dict[str, dict[str, Any]]) -> list[str]:
    """The table of a dry push: every file that would not stay as it is."""
    steps = [
        (unit, action, name)
        for unit, record in records.items()
        for name, action in record.get("would", {}).items()
    ]
    if not steps:
        return []
    counts = Counter(action for _, action, _ in steps)
    told = ", ".join(f"{action} {count}" for action, count in sorted(counts.items()))
    rows = [step for step in steps if step[1] != "unchanged"]
    lines = [f"  dry push   {told}; nothing was written to {where}"]
    if rows:
        table = tabulate(rows[:_SHOWN], headers=["", "", "file"], tablefmt="plain")
        lines += [f"    {line}" for line in table.splitlines()[1:]]
    if len(rows) > _SHOWN:
        lines.append(f"    and {len(rows) - _SHOWN} more, in records/*/push*.json")
    return lines
