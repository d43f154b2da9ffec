"""From a pulled session to its BIDS files and the table that accounts for every series."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from coil.bids.convert import engines
from coil.bids.convert.complete import complete
from coil.bids.convert.rows import Row
from coil.bids.mapping.associated import Companion
from coil.bids.mapping.mapping import Mapping as Rules
from coil.bids.mapping.overrides import with_overrides
from coil.bids.mapping.resolve import missing, resolve
from coil.bids.mapping.sources import with_sources
from coil.bids.series.reading import read_series, without_aside
from coil.errors import DataError
from coil.files import remove_tree, replace_folder
from coil.records.conversion import Conversion
from coil.units import Unit
from coil.workspace import session_folder


@dataclass(frozen=True)
class Terms:
    """The terms of a session's conversion, as the config has them.

    mapping      the project's rules
    policy       `report` or `fail` by state: what a series in it does to the session
    field_maps   `by_rule` or `by_match`: whether images without a `b0` take a field map that fits
    sources      the files of the mapping's sources that rest on one, by what `use` says
    overrides    what is said of single series, by scan number
    behaviour    the tables of tasks that have no run
    converter    `dcm2niix`, or `heudiconv`, which gives the same images and takes longer
    """

    mapping: Rules
    policy: Mapping[str, str] = field(default_factory=dict[str, str])
    field_maps: str = "by_rule"
    sources: Mapping[str, Path] = field(default_factory=dict[str, Path])
    overrides: Mapping[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    behaviour: Sequence[Companion] = ()
    converter: str = "dcm2niix"


def convert_session(
    pulled: Path, converted: Path, unit: Unit, terms: Terms, scratch: Path
) -> Conversion:
    """Convert the mapped series of a session and account for all of them.

    Parameters
    ----------
    pulled
        The pulled session: `pulled.json`, `series/`, `resources/`.
    converted
        Where `converted.json` and `bids/` go; replaced as a whole.
    unit
        The session's BIDS labels.
    terms
        What the config says.
    scratch
        A folder to work in; emptied first, removed when all went well. It is to be as well
        protected as `converted`.

    Returns
    -------
    What `converted.json` holds.

    Raises
    ------
    DataError
        If the session cannot be used; the text names series by their folders.
    """
    before = os.umask(0o077)
    try:
        remove_tree(scratch)
        made = scratch / "out"
        made.mkdir(parents=True)
        conversion = _make(pulled, made, unit, terms, scratch)
        conversion.write_in(made)
        converted.parent.mkdir(parents=True, exist_ok=True)
        replace_folder(made, converted)
        remove_tree(scratch)
        return conversion
    finally:
        os.umask(before)


def _make(pulled: Path, made: Path, unit: Unit, terms: Terms, scratch: Path) -> Conversion:
    """Fill `made` with what the session becomes; returns its table."""
    rows, mapping = _resolved(pulled, unit, terms, scratch)
    bids = made / "bids"
    bids.mkdir()
    _refuse(rows, terms.policy)
    converter = engines.named(terms.converter)
    inner = session_folder(bids, *unit)
    if any(row.state == "mapped" for row in rows):
        engines.convert(rows, converter, bids, scratch)
        kept = [row for row in rows if row.state == "mapped"]
        complete(kept, pulled, inner, terms.field_maps)
        _part_derivatives(kept, bids)
        _remove_empty(bids)
        rows += _missing(rows, mapping)
    _refuse(rows, terms.policy)  # its state may be another after conversion
    if terms.behaviour:
        from coil.bids.associated import collect  # only here: most projects have none

        collect.behaviour(terms.behaviour, pulled, inner, *unit)
    series = tuple(row.entry(bids) for row in rows)
    return Conversion(series=series, versions=converter.versions())


def _resolved(pulled: Path, unit: Unit, terms: Terms, scratch: Path) -> tuple[list[Row], Rules]:
    """The row of each series by the mapping, and the mapping with what sources add to it."""
    series = [without_aside(one, scratch / "images") for one in read_series(pulled)]
    mapping = with_sources(terms.mapping, series, terms.sources)
    mapping = with_overrides(mapping, series, terms.overrides)
    rows = [
        Row(one, None if one.rule is None else mapping.rules[one.rule], one.state, one.reason)
        for one in resolve(series, mapping, *unit)
    ]
    return rows, mapping


def _refuse(rows: Sequence[Row], policy: Mapping[str, str]) -> None:
    """Fail the session over a state that the config does not bear."""
    for row in rows:
        if policy.get(row.state) == "fail":
            remedy = "; map it or ignore it in bids.mapping" if row.state == "unmapped" else ""
            raise DataError(f"{row.folder}: {row.reason}{remedy}")
    failed = [row for row in rows if row.state == "failed"]
    if failed and not any(row.state == "mapped" for row in rows):
        raise DataError(f"{failed[0].folder}: {failed[0].reason}")


def _missing(rows: Sequence[Row], mapping: Rules) -> list[Row]:
    """The required rules of which no series is left after conversion."""
    resolved = [replace(row.resolution, state=row.state) for row in rows]
    known = {row.resolution.rule for row in rows if row.state == "missing"}
    return [
        Row(one, mapping.rules[one.rule], one.state, one.reason)
        for one in missing(resolved, mapping)
        if one.rule is not None and one.rule not in known
    ]


def _part_derivatives(rows: Sequence[Row], bids: Path) -> None:
    """Move what the scanner computed out of the raw data, into a folder beside them."""
    for row in rows:
        if row.rule and row.rule.is_derivative:
            from coil.bids.associated import scanner  # only here: most sessions have none

            row.files = scanner.part(row.files, bids)


def _remove_empty(root: Path) -> None:
    for folder in sorted((p for p in root.rglob("*") if p.is_dir()), reverse=True):
        if not any(folder.iterdir()):
            folder.rmdir()
