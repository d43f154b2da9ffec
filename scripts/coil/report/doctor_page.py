"""What the doctor found as a page."""

from collections.abc import Sequence

from coil.doctor.findings import (
    AREAS,
    LIMIT,
    OK,
    PROBLEM,
    STATES,
    UNKNOWN,
    Finding,
    counts,
    verdict,
)
from coil.report import page

_TONES = {PROBLEM: "failed", LIMIT: "look", UNKNOWN: "waits", OK: "done"}
_SHOWN = 50
"""So many of the archive's own names are shown behind a count."""


def render(findings: Sequence[Finding]) -> str:
    """The page as self-contained HTML; it shows the archive's own names behind the counts."""
    found = counts(findings)
    return page.render(
        "doctor.html",
        verdict=verdict(findings),
        counts=found,
        tone="bad" if PROBLEM in found else "look" if {LIMIT, UNKNOWN} & set(found) else "",
        open=[one for state in STATES if state != OK for one in findings if one.state == state],
        areas={area: [one for one in findings if one.area == area] for area in AREAS},
        several=len({one.project for one in findings if one.project}) > 1,
        tones=_TONES,
        shown=_SHOWN,
    )
