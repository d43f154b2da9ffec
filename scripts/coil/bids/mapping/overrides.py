"""What a person said of single series of one session, where a rule does not do.

An override is for a scan of a session. It becomes an ordinary rule before the session is
resolved: one that goes before all others and takes that series alone.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from coil.bids.mapping.conditions import AllOf
from coil.bids.mapping.mapping import Mapping as Rules
from coil.bids.mapping.reading import amend_rule, read_override
from coil.bids.mapping.rules import Origin, Rule
from coil.errors import ConfigError, DataError

if TYPE_CHECKING:  # reading a config needs no DICOM library
    from coil.bids.series.series import Series

_FIRST = sys.maxsize


def check(overrides: Mapping[str, Mapping[str, dict[str, Any]]], where: str) -> None:
    """Find what is wrong with overrides as far as that shows without the session.

    `overrides` is by session and scan; raises `ConfigError`, whose text starts with `where`.
    """
    for unit, entries in overrides.items():
        for scan, entry in entries.items():
            _read(entry, f"{where}: {unit}.{scan}")


def with_overrides(
    mapping: Rules, series: Sequence["Series"], entries: Mapping[str, dict[str, Any]]
) -> Rules:
    """The mapping with the overrides of a session.

    Parameters
    ----------
    mapping
        The project's rules, with those of other sources.
    series
        AllOf series of the session.
    entries
        What is said of them by scan number.

    Raises
    ------
    DataError
        If an entry names no scan of the session, or cannot be applied to its series.
    """
    rules = []
    for scan, entry in sorted(entries.items()):
        origin = Origin(scan=scan)
        place = str(origin)
        chosen = [one for one in series if one.scan == scan]
        if not chosen:
            raise DataError(f"{place}: the session has no such scan; correct its number")
        try:
            for one in chosen:
                rule = _read(entry, place) or _amend(entry, place, mapping, one)
                if rule is None:
                    continue
                only = frozenset({one.folder or one.scan or ""})
                rules.append(replace(rule, origin=origin, only=only, priority=_FIRST))
        except ConfigError as error:
            raise DataError(str(error)) from None
    return mapping.with_rules(rules) if rules else mapping


def _read(entry: dict[str, Any], place: str) -> Rule | None:
    """The rule that an entry is by itself, or None if it amends another."""
    return read_override(entry, place, AllOf()) if {"to", "ignore"} & set(entry) else None


def _amend(entry: dict[str, Any], place: str, mapping: Rules, series: "Series") -> Rule | None:
    """The rule that takes the series, with what the entry says; None where a header decides."""
    matches = mapping.matches(series)
    if not all(match.sure for match in matches):
        return None
    if len(matches) != 1 or matches[0].rule.datatype is None:
        raise ConfigError(f"{place}: no single rule names this series; write `to` or `ignore`")
    return amend_rule(entry, place, matches[0].rule)
