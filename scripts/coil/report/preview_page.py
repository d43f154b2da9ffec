"""The preview of a mapping as a page to look at, filter and sort."""

import base64
import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from coil.bids.preview import (
    Alike,
    Line,
    Previewed,
    Use,
    group,
    is_open,
    questions,
    short_name,
    shown_state,
    uses,
    why,
)
from coil.bids.rules import Rule
from coil.bids.settle import Settled
from coil.report import page, words

_SCRIPT = Path(__file__).parent / "templates" / "preview.js"


def render(
    project: str,
    name: str,
    sessions: Sequence[Previewed],
    rules: Sequence[Rule],
    takes: Mapping[str, str],
    headers: bool = False,
) -> str:
    """The page as self-contained HTML; it holds what the archive says of each series.

    `takes` tells in words what each rule takes, by its place; `headers` whether the series'
    headers were read, and not only the listing.
    """
    script = _SCRIPT.read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    groups = group(sessions)
    rows = [row for one in sessions for row in one.rows]
    counts = page.count_states({"state": shown_state(row)} for row in rows)
    return page.render(
        "preview.html",
        project=project,
        name=name,
        headers=headers,
        script=Markup(script),
        script_digest=digest,
        sessions=len(sessions),
        series=sum(row.series is not None for row in rows),
        asking=sum(len(one.units) for one in groups if one.problem or one.open),
        counts=counts,
        questions=[_question(one.row) | {"units": one.units} for one in questions(sessions)],
        groups=[_group(one, number, len(sessions), rules) for number, one in enumerate(groups)],
        uses=[_use(one, takes) for one in uses(sessions, rules)],
    )


def _question(row: Settled) -> dict[str, Any]:
    return {"description": _description(row), "state": row.state, "reason": row.reason}


def _group(one: Alike, number: int, total: int, rules: Sequence[Rule]) -> dict[str, Any]:
    here = [line.row for line in one.lines if line.differs != "less"]
    counts = Counter(map(shown_state, here))
    return {
        "id": f"group-{number}",
        "title": one.units[0] if len(one.units) == 1 else f"{len(one.units)} sessions alike",
        "units": one.units,
        "usual": one.usual and total > 1,
        "unlike": sum(bool(line.differs) for line in one.lines),
        "unfolded": bool(one.problem or one.open) or one.usual or number == 0,
        "problem": one.problem,
        "counts": {state: counts[state] for state in words.STATES if counts[state]},
        "lines": [_line(line, rules, len(one.units) > 1) for line in one.lines],
    }


def _line(line: Line, rules: Sequence[Rule], several: bool) -> dict[str, Any]:
    row = line.row
    scan = (row.series.scan if row.series else None) or ""
    return {
        "differs": line.differs,
        "scan": "" if line.differs == "less" else scan,
        "description": _description(row),
        "state": "not here" if line.differs == "less" else shown_state(row),
        "open": is_open(row) and line.differs != "less",
        "name": short_name(row) if several or line.differs == "less" else row.name or "",
        "rule": None if row.rule is None else _rule(rules[row.rule]),
        "reason": "most sessions have it" if line.differs == "less" else why(row, rules),
    }


def _use(one: Use, takes: Mapping[str, str]) -> dict[str, Any]:
    return _rule(one.rule) | {
        "takes": takes.get(one.rule.place, ""),
        "ignore": one.rule.ignore,
        "required": one.rule.required,
        "series": one.series,
        "units": one.units,
        "idle": one.idle,
    }


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": f"rule-{rule.index}",
        "place": rule.place.removeprefix("bids."),
        "target": rule.target,
    }


def _description(row: Settled) -> str:
    return row.series.series_description if row.series else ""
