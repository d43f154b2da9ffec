"""What each entry of a mapping takes, over all sessions that were previewed."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from coil.bids.draft.preview import Previewed
from coil.bids.mapping.mapping import Mapping as Rules
from coil.bids.mapping.rules import Origin


@dataclass(frozen=True)
class Use:
    """How many series, of how many sessions, an entry of the mapping takes.

    `idle` if it may take none.
    """

    origin: Origin
    target: str
    takes: str
    series: int
    units: int
    idle: bool
    required: bool = False


def uses(
    sessions: Sequence[Previewed], mapping: Rules, raw: Sequence[Mapping[str, Any]]
) -> list[Use]:
    """What each entry of the config's mapping takes; one that takes nothing may be wrong.

    `raw` is the mapping as the config has it.
    """
    rows = [(one.unit, row) for one in sessions for row in one.rows]
    units: dict[int | None, list[str]] = defaultdict(list)
    for unit, row in rows:
        if row.rule and row.resolution.series:
            units[row.rule.origin.entry].append(unit)
    open_to = {origin.entry for _, row in rows for origin in row.resolution.may_take}
    rules = {rule.origin: rule for rule in mapping.rules}
    entries: list[Use] = []
    for i, entry in enumerate(raw):
        rule = rules.get(Origin(i))
        entries.append(
            Use(
                Origin(i),
                (rule.ignore or rule.target) if rule else "names of its own",
                _in_words(entry),
                len(units[i]),
                len(set(units[i])),
                idle=not units[i] and i not in open_to,
                required=bool(rule and rule.required),
            )
        )
    return entries


def _in_words(entry: Mapping[str, Any]) -> str:
    """What an entry of the mapping takes, in one line."""
    if "use" in entry:
        return f"use: {entry['use']}"
    return ", ".join(f"{key}: {_word(value)}" for key, value in entry["match"].items())


def _word(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
