"""What the doctor found as text, for the terminal."""

from collections.abc import Sequence
from dataclasses import replace

from coil.doctor.findings import AREAS, LIMIT, OK, PROBLEM, STATES, UNKNOWN, Finding, verdict
from coil.report.terminal import printable

_COLOURS = {PROBLEM: "31", LIMIT: "33", UNKNOWN: "36", OK: "2"}
_STATE = max(map(len, STATES))
_WHAT = 13


def render(findings: Sequence[Finding], colour: bool = False) -> str:
    """A line for each finding by area, and the verdict.

    Of several projects what is well with the data of each is one line.
    """
    several = len({one.project for one in findings if one.project}) > 1
    parts = []
    for area in AREAS:
        if found := [one for one in findings if one.area == area]:
            shown = _joined(found) if several and area == "Data" else found
            parts.append("\n".join([area, *(_line(one, several, colour) for one in shown)]))
    return "\n".join([*parts, verdict(findings)])


def _joined(findings: Sequence[Finding]) -> list[Finding]:
    """The findings, those of one project that are well as one, where the first of them is."""
    found: list[Finding] = []
    for one in findings:
        if one.state != OK or not one.project:
            found.append(one)
        elif one.project not in {other.project for other in found if other.state == OK}:
            well = [o.what for o in findings if (o.project, o.state) == (one.project, OK)]
            found.append(replace(one, what="well", text=", ".join(well)))
    return found


def _line(one: Finding, several: bool, colour: bool) -> str:
    told = f"{one.project}: {one.line}" if one.project and several else one.line
    text = f"{one.state:<{_STATE}}  {one.what:<{_WHAT}}  {printable(told)}"
    return f"  \x1b[{_COLOURS[one.state]}m{text}\x1b[0m" if colour else f"  {text}"
