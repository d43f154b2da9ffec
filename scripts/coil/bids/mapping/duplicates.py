"""Series to which the rules give one name: repetitions, and what cannot be told apart."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from coil.bids import names
from coil.bids.mapping.resolution import Resolution
from coil.bids.mapping.rules import AUTO, Rule


def tell_apart(resolved: "list[Resolution]", rules: Sequence[Rule]) -> None:
    """Let no two rows have one name, by the rules' `duplicates`; changes the list.

    Parameters
    ----------
    resolved
        A session's rows in order of acquisition.
    rules
        All rules, by the index that the rows name.
    """
    for rows in _by_name(resolved):
        taken = [rules[row.rule] for _, row in rows if row.rule is not None]
        for (place, _), row in zip(rows, _share([row for _, row in rows], taken), strict=True):
            resolved[place] = row
    for rows in _by_name(resolved):  # a run index may meet one that a rule wrote out
        if len(rows) > 1:
            for (place, _), row in zip(rows, _clash([row for _, row in rows]), strict=True):
                resolved[place] = row


def _by_name(resolved: "list[Resolution]") -> "list[list[tuple[int, Resolution]]]":
    """The rows that have a name, with their places, grouped by it."""
    named: dict[str, list[tuple[int, Resolution]]] = defaultdict(list)
    for place, row in enumerate(resolved):
        if row.name:
            named[row.name].append((place, row))
    return list(named.values())


def _share(rows: "list[Resolution]", rules: list[Rule]) -> "list[Resolution]":
    """Settle the series, in order of acquisition, whose rules give them one name."""
    policies = {rule.duplicates for rule in rules}
    counted = any(rule.entities.get("run") == AUTO for rule in rules)
    fixed = not counted and any("run" in rule.entities for rule in rules)
    dropped: list[Resolution] = []
    if policies == {"last-complete"} and len(rows) > 1:
        last = rows[-1]
        reason = f"a later complete repetition is taken (scan {_scan(last)})"
        dropped = [replace(row.instead("duplicate", reason), name=None) for row in rows[:-1]]
        rows = [last.adding("; ", f"the last of {len(rows)} repetitions")]
    if counted if len(rows) == 1 else policies == {"runs"} and not fixed:
        rows = [
            replace(row.adding("; ", f"run {run}"), name=_with_run(row.name, run))
            for run, row in enumerate(rows, start=1)
        ]
    elif len(rows) > 1:
        rows = _clash(rows)
    return [*dropped, *rows]


def _clash(rows: "list[Resolution]") -> "list[Resolution]":
    scans = ", ".join(_scan(row) for row in rows)
    reason = f"scans {scans} get one name; tell them apart by entities or set `duplicates`"
    return [replace(row.instead("ambiguous", reason), name=None) for row in rows]


def _with_run(name: str | None, run: int) -> str:
    assert name is not None
    datatype, suffix, values = names.split(name)
    return names.join(datatype, suffix, values | {"run": str(run)})


def _scan(row: Resolution) -> str:
    return (row.series.scan if row.series else None) or "?"
