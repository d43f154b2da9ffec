"""From a pulled session to its BIDS files and the table that accounts for every series."""

import os
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from coil.bids import outputs
from coil.bids.convert import dcm2niix, sidecars
from coil.bids.convert.complete import complete
from coil.bids.convert.rows import Row
from coil.bids.mapping.associated import Companion
from coil.bids.mapping.mapping import Mapping
from coil.bids.mapping.overrides import with_overrides
from coil.bids.mapping.resolve import missing, resolve
from coil.bids.mapping.sources import with_sources
from coil.bids.outputs import Wanted
from coil.bids.series.reading import read_series, without_aside
from coil.errors import DataError
from coil.files import remove_tree, write_json


def convert_session(
    pulled: Path,
    converted: Path,
    *,
    subject: str,
    session: str,
    mapping: Mapping,
    policy: dict[str, str],
    scratch: Path,
    field_maps: str = "by_rule",
    sources: dict[str, Path] | None = None,
    overrides: dict[str, dict[str, Any]] | None = None,
    behaviour: Sequence[Companion] = (),
    converter: str = "dcm2niix",
) -> dict[str, Any]:
    """Convert the mapped series of a session and account for all of them.

    Parameters
    ----------
    pulled
        The pulled session: `pulled.json`, `series/`, `resources/`.
    converted
        Where `converted.json` and `bids/` go; replaced as a whole.
    subject, session
        BIDS labels without `sub-` and `ses-`.
    mapping
        The project's rules.
    policy
        `report` or `fail` by state: what a series in it does to the session.
    field_maps
        `by_rule` or `by_match`: whether images without a `b0` take a field map that fits.
    sources
        The files of the mapping's sources that rest on one, by what `use` says.
    overrides
        What is said of single series, by scan number.
    scratch
        A folder to work in; emptied first, removed when all went well. On the same file
        system as `converted`, and as well protected.
    behaviour
        The tables of tasks that have no run.
    converter
        `dcm2niix`, or `heudiconv`, which gives the same images and takes longer.

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
        scratch.mkdir(parents=True)
        series = [without_aside(one, scratch / "images") for one in read_series(pulled)]
        mapping = with_sources(mapping, series, sources)
        mapping = with_overrides(mapping, series, overrides or {})
        rows = [
            Row(one, None if one.rule is None else mapping.rules[one.rule], one.state, one.reason)
            for one in resolve(series, mapping, subject, session)
        ]
        bids = scratch / "out" / "bids"
        bids.mkdir(parents=True)
        _refuse(rows, policy)
        engine = _engine(converter)
        inner = bids / f"sub-{subject}" / f"ses-{session}"
        if any(row.state == "mapped" for row in rows):
            _convert(rows, engine, bids, scratch)
            kept = [row for row in rows if row.state == "mapped"]
            complete(kept, pulled, inner, field_maps)
            _part_derivatives(kept, bids)
            _remove_empty(bids)
            rows += _missing(rows, mapping)
        _refuse(rows, policy)  # its state may be another after conversion
        if behaviour:
            from coil.bids.associated import collect

            collect.behaviour(behaviour, pulled, inner, subject, session)
        table = {"series": [row.entry(bids) for row in rows], "versions": engine.versions()}
        write_json(bids.parent / "converted.json", table)
        converted.parent.mkdir(parents=True, exist_ok=True)
        remove_tree(converted)
        shutil.move(bids.parent, converted)
        remove_tree(scratch)
        return table
    finally:
        os.umask(before)


def _engine(converter: str) -> Any:
    """The module that converts."""
    if converter == "dcm2niix":
        return dcm2niix
    from coil.bids.convert import heudiconv

    return heudiconv


def _refuse(rows: list[Row], policy: dict[str, str]) -> None:
    """Fail the session over a state that the config does not bear."""
    for row in rows:
        if policy.get(row.state) == "fail":
            remedy = "; map it or ignore it in bids.mapping" if row.state == "unmapped" else ""
            raise DataError(f"{row.folder}: {row.reason}{remedy}")
    failed = [row for row in rows if row.state == "failed"]
    if failed and not any(row.state == "mapped" for row in rows):
        raise DataError(f"{failed[0].folder}: {failed[0].reason}")


def _missing(rows: list[Row], mapping: Mapping) -> list[Row]:
    """The required rules of which no series is left after conversion."""
    resolved = [replace(row.resolution, state=row.state) for row in rows]
    told = {row.resolution.rule for row in rows if row.state == "missing"}
    return [
        Row(one, mapping.rules[one.rule], one.state, one.reason)
        for one in missing(resolved, mapping)
        if one.rule is not None and one.rule not in told
    ]


def _convert(rows: list[Row], engine: Any, bids: Path, scratch: Path) -> None:
    """Convert the mapped rows into `bids` and give each its files, or the reason for none."""
    mapped = {row.name: row for row in rows if row.state == "mapped" and not row.is_log}
    work = scratch / "work"
    work.mkdir()
    wanted = [
        Wanted(name, row.resolution.series.path, row.has_chunks)
        for name, row in mapped.items()
        if row.resolution.series and row.resolution.series.path
    ]
    for made in engine.convert(wanted, bids, work):
        row = mapped[made.name]
        row.files = made.files
        if made.failed:
            row.drop("failed", made.failed)
            continue
        row.start = sidecars.start(row.files, row.start)
        row.reason = "; ".join([row.reason, *made.notes])
        if lack := _lack(row):
            row.drop(*lack)


def _lack(row: Row) -> tuple[str, str] | None:
    """The state of a series whose images lack what they need, and why; else None."""
    if row.resolution.series and (unread := row.resolution.series.judged.unread):
        return "failed", f"{unread} headers cannot be read, and so not be checked for text"
    short = min(outputs.volumes(image) for image in outputs.images(row.files))
    if row.rule and row.rule.volumes is not None and short < row.rule.volumes:
        return "incomplete", f"{short} of {row.rule.volumes} volumes were converted"
    # BIDS has no such files, for which the validator would refuse the whole session.
    kind = row.name.partition("/")[0], row.suffix
    if kind == ("func", "bold") and short == 1:
        return "incomplete", "1 volume, which is no run: aborted or not wholly archived"
    if kind == ("dwi", "dwi") and not any(path.suffix == ".bval" for path in row.files):
        return (
            "failed",
            "its headers tell no b-values, which dwi/dwi needs; ignore it in the mapping",
        )
    return None


def _part_derivatives(rows: list[Row], bids: Path) -> None:
    """Move what the scanner computed out of the raw data, into a folder beside them."""
    for row in rows:
        if row.rule and row.rule.is_derivative:
            from coil.bids.associated import scanner  # only here: most sessions have none

            row.files = scanner.part(row.files, bids)


def _remove_empty(root: Path) -> None:
    for folder in sorted((p for p in root.rglob("*") if p.is_dir()), reverse=True):
        if not any(folder.iterdir()):
            folder.rmdir()
