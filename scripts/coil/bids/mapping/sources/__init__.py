"""Other sources of a mapping: each turns a session's series into ordinary rules.

reproin   the names of the ReproIn convention, which the scanner's protocols bear
bidsmap   the maps that a lab keeps in the archive for XNAT's own BIDS containers
lab       a heudiconv heuristic of the lab's own
named     what they all say of a series

A source names series, and its rules take just those, at the source's priority; where two
sources say the same of a series, the first counts. What a source cannot name stays unmapped
with the reason, unless another rule takes it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coil.bids.mapping.conditions import AllOf, Tokens
from coil.bids.mapping.mapping import Mapping as Rules
from coil.bids.mapping.rules import Rule, Source
from coil.bids.mapping.sources.named import Named
from coil.errors import ConfigError

if TYPE_CHECKING:  # reading a config needs no DICOM library
    from coil.bids.series.series import Series


def with_sources(
    mapping: Rules, series: Sequence["Series"], files: Mapping[str, Path] | None = None
) -> Rules:
    """The mapping with the rules that its sources make for a session's series.

    Parameters
    ----------
    mapping
        The project's rules and sources.
    series
        AllOf series of the session, from their headers or from the archive's listing.
    files
        The file of each source that rests on one, by its name in the config.

    Raises
    ------
    ConfigError
        If a source cannot be used; the text names its place in the config.
    """
    ordered = sorted(series, key=lambda one: one.order)
    said: dict[tuple[Any, ...], Rule] = {}
    for source in mapping.sources:
        for named in _named(source, ordered, files or {}):
            key = (named.series.folder or named.series.scan, source.priority, *_name(named))
            said.setdefault(key, _rule(source, named))
    return mapping.with_rules(said.values()) if said else mapping


def _named(source: Source, series: Sequence["Series"], files: Mapping[str, Path]) -> list[Named]:
    if source.use == "reproin":
        from coil.bids.mapping.sources import reproin

        return reproin.name(series)
    try:
        file = files[source.use]
        if source.use == "bidsmap":
            from coil.bids.mapping.sources import bidsmap
            from coil.records import bidsmaps

            return bidsmap.name(series, bidsmap.parse(bidsmaps.read(file)))
        from coil.bids.mapping.sources import lab

        return lab.name(series, file, source.use)
    except ConfigError as error:
        raise ConfigError(f"{source.origin}: {error}") from None


def _name(named: Named) -> tuple[Any, ...]:
    """What two sources have to agree on."""
    if named.suffix is None:
        return ("ignored",) if named.ignore else ("problem",)
    return named.datatype, named.suffix, tuple(sorted(named.entities.items()))


def _rule(source: Source, named: Named) -> Rule:
    """The rule that takes the one series, below all others where there is only a problem."""
    words = named.image_type
    return Rule(
        0,
        Tokens("image_type", words) if words else AllOf(),
        origin=replace(source.origin, use=source.use),
        only=frozenset({named.series.folder or named.series.scan or ""}),
        derived=named.derived or named.ignore is not None,
        datatype=named.datatype,
        suffix=named.suffix,
        entities=dict(named.entities),
        ignore=named.ignore,
        problem=named.problem,
        duplicates=named.duplicates,
        priority=source.priority - (named.problem is not None),
    )
