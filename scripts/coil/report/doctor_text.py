"""What the doctor found as text, for the terminal."""

from collections.abc import Sequence

from coil.doctor.findings import AREAS, LIMIT, OK, PROBLEM, STATES, UNKNOWN, Finding, verdict
from coil.report.terminal import printable

_COLOURS = {PROBLEM: "31", LIMIT: "33", UNKNOWN: "36", OK: "2"}
_STATE = max(map(len, STATES))
_WHAT = 13


def render(findings: Sequence[Finding], colour: bool = False) -> str:
    """A line for each finding by area, and the verdict."""
    parts = []
    for area in AREAS:
        if found := [one for one in findings if one.area == area]:
            parts.append("\n".join([area, *(_line(one, findings, colour) for one in found)]))
    return "\n".join([*parts, verdict(findings)])


def _line(one: Finding, findings: Sequence[Finding], colour: bool) -> str:
    several = len({other.project for other in findings if other.project}) > 1
    told = f"{one.project}: {one.line}" if one.project and several else one.line
    text = f"{one.state:<{_STATE}}  {one.what:<{_WHAT}}  {printable(told)}"
    return f"  \x1b[{_COLOURS[one.state]}m{text}\x1b[0m" if colour else f"  {text}"
