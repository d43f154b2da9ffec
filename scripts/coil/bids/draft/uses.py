"""What each entry of a mapping takes, over all sessions that were previewed."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from coil.bids.draft.preview import Previewed
from coil.bids.mapping.mapping import Mapping as Rules


@dataclass(frozen=True)
class Use:
    """How many series, of how many sessions, an entry of the mapping takes.

    `idle` if it may take none.
    """

    place: str
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
    units: dict[str, list[str]] = defaultdict(list)
    for unit, row in rows:
        if row.rule and row.resolution.series:
            units[_entry(row.rule.place)].append(unit)
    open_to = {_entry(place) for _, row in rows for place in row.resolution.may_take}
    rules = {rule.place: rule for rule in mapping.rules}
    found = []
    for i, entry in enumerate(raw):
        place = f"bids.mapping[{i}]"
        rule = rules.get(place)
        found.append(
            Use(
                place,
                (rule.ignore or rule.target) if rule else "names of its own",
                _in_words(entry),
                len(units[place]),
                len(set(units[place])),
                idle=not units[place] and place not in open_to,
                required=bool(rule and rule.required),
            )
        )
    return found


def _entry(place: str) -> str:
    """The entry of the mapping that a place lies in: a source's rules say which source."""
    return place.partition(" ")[0]


def _in_words(entry: Mapping[str, Any]) -> str:
    """What an entry of the mapping takes, in one line."""
    if "use" in entry:
        return f"use: {entry['use']}"
    return ", ".join(f"{key}: {_word(value)}" for key, value in entry["match"].items())


def _word(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
