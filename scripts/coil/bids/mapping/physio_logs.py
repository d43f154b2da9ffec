"""Logs of physiology among the series: each takes the name and the fate of the run it is of."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from coil.bids import names
from coil.bids.mapping.resolution import Resolution
from coil.bids.mapping.rules import Rule

RUNS = {"func": ("bold", "cbv"), "dwi": ("dwi",), "perf": ("asl",)}
"""The images of a data type that a log can be of."""

_ENDING = re.compile(r"(?i)[_ ]*physio(log)?$")


def name_logs(resolved: Sequence[Resolution], rules: Sequence[Rule]) -> list[Resolution]:
    """Name each series that a rule takes as a log after its run.

    The scanner sends a log behind its run, and describes it as `RUN_PhysioLog`: its run is the
    last one before it that is described so (the first one behind it where none is before), or,
    if no series at all is described so, the last one before it. A log of a run that is left out
    is left out for the same reason, one of no run is unmapped.

    Parameters
    ----------
    resolved
        All series, resolved but for the logs, in order of acquisition.
    rules
        The mapping's rules.
    """
    tied = list(resolved)
    seen: dict[str, list[int]] = defaultdict(list)
    for place, row in enumerate(tied):
        rule = None if row.rule is None else rules[row.rule]
        if rule is None or not rule.is_log or row.state != "mapped":
            continue
        run = _run_of(place, tied, rules)
        if run is None:
            problem = f"takes it, but no {rule.datatype} run goes with it"
            tied[place] = row.instead("unmapped", problem).by(rule.origin, " ")
        elif run.state != "mapped" or run.name is None:
            reason = f"the log of scan {_scan(run)}, which is {run.state}"
            tied[place] = row.instead(run.state, reason)
        elif name := name_of(run.name):
            tied[place] = replace(row.adding("; ", f"of scan {_scan(run)}"), name=name)
            seen[name].append(place)
    for places in seen.values():
        if len(places) > 1:
            scans = ", ".join(_scan(tied[place]) for place in places)
            reason = f"scans {scans} are logs of one run; ignore what is not its log"
            for place in places:
                tied[place] = replace(tied[place].instead("ambiguous", reason), name=None)
    return tied


def name_of(run: str) -> str | None:
    """The name of the log of a run; None for an image that is none, as a reference is."""
    datatype, suffix, values = names.split(run)
    if suffix not in RUNS.get(datatype, ()):
        return None
    allowed = names.companions()[datatype, "physio"].allowed
    kept = {key: value for key, value in values.items() if key in allowed and key != "recording"}
    return names.join(datatype, "physio", kept)


def _run_of(place: int, resolved: Sequence[Resolution], rules: Sequence[Rule]) -> Resolution | None:
    log = resolved[place]
    assert log.series and log.rule is not None
    datatype = rules[log.rule].datatype
    runs = {
        at: row
        for at, row in enumerate(resolved)
        if row.rule is not None
        and rules[row.rule].datatype == datatype
        and rules[row.rule].suffix in RUNS.get(datatype or "", ())
    }
    wanted = _ENDING.sub("", log.series.series_description)
    if wanted and any(_said(row) == wanted for row in resolved):
        runs = {at: row for at, row in runs.items() if _said(row) == wanted}
        behind = [row for at, row in runs.items() if at > place][:1]
    else:
        behind = []
    before = [row for at, row in runs.items() if at < place]
    return next(iter(before[-1:] or behind), None)


def _said(row: Resolution) -> str:
    return row.series.series_description if row.series else ""


def _scan(row: Resolution) -> str:
    return (row.series.scan if row.series else None) or "?"
