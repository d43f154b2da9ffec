"""The preview of a mapping as a page to look at, filter and sort."""

import base64
import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from markupsafe import Markup

from coil.bids.draft.preview import Alike, Line, Previewed, Row, group, questions
from coil.bids.draft.uses import Use
from coil.bids.mapping.rules import Origin
from coil.report import page, words

_SCRIPT = Path(__file__).parent / "templates" / "preview.js"


def render(
    project: str,
    name: str,
    sessions: Sequence[Previewed],
    used: Sequence[Use],
    headers: bool = False,
) -> str:
    """The page as self-contained HTML; it holds what the archive says of each series.

    `used` tells what the entries of the mapping take, in all sessions; `headers` whether the
    series' headers were read, and not only the listing.
    """
    script = _SCRIPT.read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    groups = group(sessions)
    rows = [row for one in sessions for row in one.rows]
    return page.render(
        "preview.html",
        project=project,
        name=name,
        headers=headers,
        script=Markup(script),
        script_digest=digest,
        sessions=len(sessions),
        series=sum(row.resolution.series is not None for row in rows),
        asking=sum(len(one.units) for one in groups if one.problem or one.open),
        failing=sum(len(one.units) for one in groups if one.fails),
        counts=page.count_states(row.state for row in rows),
        questions=questions(sessions),
        groups=[_group(one, number) for number, one in enumerate(groups)],
        uses=[asdict(one) | _entry(one.origin) for one in used],
    )


def _group(one: Alike, number: int) -> dict[str, Any]:
    counts = Counter(line.row.state for line in one.lines if line.differs != "less")
    several = len(one.units) > 1
    return {
        "id": f"group-{number}",
        "title": f"{len(one.units)} sessions alike" if several else one.units[0],
        "units": one.units,
        "usual": one.usual,
        "unlike": sum(bool(line.differs) for line in one.lines),
        "unfolded": bool(one.problem or one.open) or one.usual is not False or number == 0,
        "problem": one.problem,
        "fails": one.fails,
        "counts": {state: counts[state] for state in words.STATES if counts[state]},
        "lines": [_line(line, several) for line in one.lines],
    }


def _line(line: Line, several: bool) -> dict[str, Any]:
    row, absent = line.row, line.differs == "less"
    return {
        "differs": line.differs,
        "scan": "" if absent else row.scan,
        "description": row.description,
        "state": "not here" if absent else row.state,
        "open": row.open and not absent,
        "name": row.short_name if several or absent else row.name,
        "rule": _rule(row),
        "why": "most sessions have it" if absent else row.why,
    }


def _rule(row: Row) -> dict[str, str] | None:
    if row.rule is None:
        return None
    return _entry(row.rule.origin) | {"target": row.rule.target}


def _entry(origin: Origin) -> dict[str, str]:
    """What a rule's origin is called, and where the page tells of it ("" for an override)."""
    anchor = "" if origin.entry is None else f"rule-{origin.entry}"
    return {"id": anchor, "place": origin.within("mapping")}
