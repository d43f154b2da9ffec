"""From a pulled session to its BIDS files and the table that accounts for every series."""

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from coil.bids import beside, fieldmaps, heudiconv, outputs, sidecars
from coil.bids.companions import Companion
from coil.bids.heuristic import render
from coil.bids.mapping import Mapping
from coil.bids.rules import Rule
from coil.bids.series import read_series
from coil.bids.settle import Settled, settle
from coil.bids.sources import with_sources
from coil.errors import DataError
from coil.files import remove_tree, write_json


@dataclass
class _Row:
    """One row of the table while its files are looked at."""

    settled: Settled
    rule: Rule | None
    state: str
    reason: str
    files: list[Path] = field(default_factory=list)
    supplied: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        assert self.settled.name
        return self.settled.name

    @property
    def run(self) -> fieldmaps.Run:
        """The series as the ties of field maps see it."""
        assert self.rule and self.settled.series
        return fieldmaps.Run(self.name, self.files, self.rule.b0, self.settled.series.acq_time)

    @property
    def scan(self) -> str | None:
        """The archive's ID of its scan."""
        return self.settled.series.scan if self.settled.series else None

    @property
    def folder(self) -> str:
        return (self.settled.series.folder if self.settled.series else None) or "the session"

    def drop(self, state: str, reason: str) -> None:
        """Leave the series out after all."""
        self.state, self.reason = state, reason
        for path in self.files:
            path.unlink()
        self.files = []


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
    behaviour: Sequence[Companion] = (),
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
    scratch
        A folder to work in; emptied first, removed when all went well. On the same file
        system as `converted`, and as well protected.
    behaviour
        The tables of tasks that have no run.

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
        series = read_series(pulled)
        mapping = with_sources(mapping, series, sources)
        rows = [
            _Row(one, None if one.rule is None else mapping.rules[one.rule], one.state, one.reason)
            for one in settle(series, mapping, subject, session)
        ]
        versions = heudiconv.versions()
        bids = scratch / "out" / "bids"
        bids.mkdir(parents=True)
        _refuse(rows, policy)
        if any(row.state == "mapped" for row in rows):
            _convert(rows, pulled, bids, scratch, subject, session, field_maps)
        _refuse(rows, policy)  # dcm2niix may have made more of a series than was told
        inner = bids / f"sub-{subject}" / f"ses-{session}"
        beside.behaviour(behaviour, pulled, inner, subject, session)
        table = {"series": [_entry(row, bids) for row in rows], "versions": versions}
        write_json(bids.parent / "converted.json", table)
        converted.parent.mkdir(parents=True, exist_ok=True)
        remove_tree(converted)
        shutil.move(bids.parent, converted)
        remove_tree(scratch)
        return table
    finally:
        os.umask(before)


def _refuse(rows: list[_Row], policy: dict[str, str]) -> None:
    """Fail the session over a state that the config does not bear."""
    for row in rows:
        if policy.get(row.state) == "fail":
            remedy = "; map it or ignore it in bids.mapping" if row.state == "unmapped" else ""
            raise DataError(f"{row.folder}: {row.reason}{remedy}")


def _convert(
    rows: list[_Row],
    pulled: Path,
    bids: Path,
    scratch: Path,
    subject: str,
    session: str,
    field_maps: str,
) -> None:
    """Convert the mapped rows into `bids` and give each its files."""
    mapped = [row for row in rows if row.state == "mapped"]
    folders = [row.settled.series.path for row in mapped if row.settled.series]
    text = render(row.settled for row in mapped)
    work = scratch / "heudiconv"
    work.mkdir()
    made = heudiconv.run(text, [f for f in folders if f], work, subject, session)
    bids.rmdir()
    shutil.move(made, bids)
    found, left = outputs.by_name(bids, [row.name for row in mapped])
    for row in mapped:
        row.files = found.get(row.name, [])
        if row.name in left:
            row.reason += f"; {left[row.name]} that dcm2niix made beside it is left out"
        if not outputs.images(row.files):
            raise DataError(
                f"{row.folder}: no image was made of it; look at its files in the archive"
            )
        assert row.rule
        if problem := outputs.problem(row.name, row.files, row.rule.volumes):
            row.drop(*problem)
    kept = [row for row in mapped if row.state == "mapped"]
    _complete(kept, pulled, bids / f"sub-{subject}" / f"ses-{session}", field_maps)
    _remove_empty(bids)


def _complete(rows: list[_Row], pulled: Path, session: Path, field_maps: str) -> None:
    """Add what the rules say beside the images."""
    for row in rows:
        assert row.rule
        row.supplied = sidecars.supplement(row.files, row.rule.supplement)
        try:
            row.files += sidecars.aslcontext(row.files, row.rule.aslcontext)
        except DataError as error:
            raise DataError(f"{row.folder}: {error}") from None
    notes = fieldmaps.tie([row.run for row in rows], session, by_match=field_maps == "by_match")
    for row in rows:
        row.reason = "; ".join([row.reason, *notes.get(row.name, ())])
    for rule in {row.rule.index: row.rule for row in rows if row.rule}.values():
        own = [row for row in rows if row.rule and row.rule.index == rule.index]
        _place_beside(rule, own, pulled)


def _place_beside(rule: Rule, rows: list[_Row], pulled: Path) -> None:
    """Put the events and recordings that a rule names beside its runs."""
    for companion in rule.beside:
        runs = [beside.Run(row.name, outputs.images(row.files), row.scan) for row in rows]
        for row, placed in zip(rows, beside.place(companion, runs, pulled), strict=True):
            row.files += placed.files
            row.reason += "".join(f"; {note}" for note in placed.notes)
            if not placed.files:
                row.reason += f"; the archive holds no {companion.kind} file for it"


def _entry(row: _Row, bids: Path) -> dict[str, Any]:
    """The row of `converted.json`."""
    series = row.settled.series
    made = outputs.images(path for path in row.files if path.is_file())
    counted = max((outputs.volumes(image) for image in made), default=None)
    if counted is None and row.state == "incomplete" and series:
        counted = series.volumes
    return {
        "scan": series.scan if series else None,
        "folder": series.folder if series else None,
        "description": series.series_description if series else None,
        "state": row.state,
        "rule": row.settled.rule,
        "name": row.name if row.state == "mapped" else None,
        "reason": row.reason,
        "volumes": counted,
        "expected": row.rule.volumes if row.rule else None,
        "files": sorted(p.relative_to(bids).as_posix() for p in row.files if p.is_file()),
        "acq_time": series.acq_time if series else None,
        "supplied": row.supplied,
    }


def _remove_empty(root: Path) -> None:
    for folder in sorted((p for p in root.rglob("*") if p.is_dir()), reverse=True):
        if not any(folder.iterdir()):
            folder.rmdir()
