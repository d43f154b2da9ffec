"""The lines in which an invocation says what is to be done, and why."""

from collections import Counter
from collections.abc import Iterator, Mapping

from coil.analyses.scopes import level_of
from coil.run.memory import Reason, Reasons
from coil.words import plural

SHOWN = 40
"""Lines on sessions of a project in a dry run; `snakemake why` has all."""


def lines(project: str, reasons: Reasons, dry: bool) -> Iterator[str]:
    """The lines on a project before its jobs, which are only shown in a `dry` run."""
    failed = sum(why is Reason.AGAIN for steps in reasons.values() for why in steps.values())
    if failed:
        tried = "to be tried again" if dry else "tried again"
        yield f"{project}: {failed} failed before, {tried}"
    sessions = [scope for scope in reasons if level_of(scope) == "session"]
    if sessions:
        counts = Counter(_first(reasons[scope]).value for scope in sessions)
        total = ", ".join(f"{count} {why}" for why, count in counts.items())
        yield f"{project}: {plural(len(sessions), 'session')} to do: {total}"
    if dry:
        shown = [*_scopes(reasons)]
        yield from shown[:SHOWN]
        if len(shown) > SHOWN:
            yield f"  and {len(shown) - SHOWN} more; `snakemake why` names all"


def all_lines(project: str, reasons: Reasons) -> Iterator[str]:
    """The lines on every session, participant and on the project, with each step."""
    if not reasons:
        yield f"{project}: nothing to be done"
    yield from lines(project, reasons, dry=False)
    for scope, steps in reasons.items():
        for step, why in steps.items():
            yield f"  {scope}: {step}: {why.value}"


def _scopes(reasons: Reasons) -> Iterator[str]:
    return (f"  {scope}: {_first(steps).value}" for scope, steps in reasons.items())


def _first(steps: Mapping[str, Reason]) -> Reason:
    """The reason of the first step that has one other than that Snakemake judges."""
    known = [why for why in steps.values() if why is not Reason.UNKNOWN]
    return known[0] if known else Reason.UNKNOWN
