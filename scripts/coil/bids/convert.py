"""From a pulled session to its BIDS files and the table that accounts for every series."""

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coil.bids import asl, dcm2niix, fieldmaps, outputs, sidecars, tying
from coil.bids.companions import Companion
from coil.bids.mapping import Mapping
from coil.bids.outputs import Wanted
from coil.bids.overrides import with_overrides
from coil.bids.rules import AUTO, Rule
from coil.bids.series import read_series
from coil.bids.settle import Settled, settle
from coil.bids.sources import with_sources
from coil.errors import DataError
from coil.files import remove_tree, write_json

# Imported where it is needed: most sessions have nothing beside their images.
if TYPE_CHECKING:
    from coil.bids import beside


@dataclass
class _Row:
    """One row of the table while its files are looked at."""

    settled: Settled
    rule: Rule | None
    state: str
    reason: str
    files: list[Path] = field(default_factory=list)
    supplied: list[str] = field(default_factory=list)
    start: str | None = None

    def __post_init__(self) -> None:
        self.start = self.settled.series.acq_time if self.settled.series else None

    @property
    def name(self) -> str:
        assert self.settled.name
        return self.settled.name

    @property
    def suffix(self) -> str:
        """The suffix that its rule gives it."""
        return (self.rule.suffix if self.rule else None) or ""

    @property
    def run(self) -> fieldmaps.Run:
        """The series as the ties of field maps see it."""
        assert self.rule
        return fieldmaps.Run(self.name, self.files, self.rule.b0, self.start)

    @property
    def beside(self) -> "beside.Run":
        """The series as what stands beside it sees it."""
        from coil.bids import beside

        series = self.settled.series
        assert series
        images = outputs.images(self.files)
        return beside.Run(self.name, images, series.scan, self.start, self.folder)

    @property
    def is_log(self) -> bool:
        """Whether it is a log of physiology, which is no image."""
        return bool(self.rule) and self.rule.is_log

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
        series = read_series(pulled)
        mapping = with_sources(mapping, series, sources)
        mapping = with_overrides(mapping, series, overrides or {})
        rows = [
            _Row(one, None if one.rule is None else mapping.rules[one.rule], one.state, one.reason)
            for one in settle(series, mapping, subject, session)
        ]
        bids = scratch / "out" / "bids"
        bids.mkdir(parents=True)
        _refuse(rows, policy)
        engine = _engine(converter)
        inner = bids / f"sub-{subject}" / f"ses-{session}"
        if any(row.state == "mapped" for row in rows):
            _convert(rows, engine, bids, scratch)
            kept = [row for row in rows if row.state == "mapped"]
            _complete(kept, pulled, inner, field_maps)
            _part_derivatives(kept, bids)
            _remove_empty(bids)
        _refuse(rows, policy)  # its state may be another after conversion
        if behaviour:
            from coil.bids import beside

            beside.behaviour(behaviour, pulled, inner, subject, session)
        table = {"series": [_entry(row, bids) for row in rows], "versions": engine.versions()}
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
    from coil.bids import heudiconv

    return heudiconv


def _refuse(rows: list[_Row], policy: dict[str, str]) -> None:
    """Fail the session over a state that the config does not bear."""
    for row in rows:
        if policy.get(row.state) == "fail":
            remedy = "; map it or ignore it in bids.mapping" if row.state == "unmapped" else ""
            raise DataError(f"{row.folder}: {row.reason}{remedy}")
    failed = [row for row in rows if row.state == "failed"]
    if failed and not any(row.state == "mapped" for row in rows):
        raise DataError(f"{failed[0].folder}: {failed[0].reason}")


def _convert(rows: list[_Row], engine: Any, bids: Path, scratch: Path) -> None:
    """Convert the mapped rows into `bids` and give each its files, or the reason for none."""
    mapped = {row.name: row for row in rows if row.state == "mapped" and not row.is_log}
    work = scratch / "work"
    work.mkdir()
    wanted = [
        Wanted(name, row.settled.series.path, _has_chunks(row.rule))
        for name, row in mapped.items()
        if row.settled.series and row.settled.series.path
    ]
    for made in engine.convert(wanted, bids, work):
        row = mapped[made.name]
        row.files = made.files
        if made.failed:
            row.drop("failed", made.failed)
            continue
        row.start = sidecars.start(row.files, row.start)
        if made.left:
            row.reason += f"; {made.left} that dcm2niix made beside it is left out"
        short = min(outputs.volumes(image) for image in outputs.images(row.files))
        if row.rule and row.rule.volumes is not None and short < row.rule.volumes:
            row.drop("incomplete", f"{short} of {row.rule.volumes} volumes were converted")


def _has_chunks(rule: Rule | None) -> bool:
    return bool(rule) and rule.entities.get("chunk") == AUTO


def _complete(rows: list[_Row], pulled: Path, session: Path, field_maps: str) -> None:
    """Add what the rules say beside the images."""
    sidecars.tell_echo_times(path for row in rows for path in row.files)
    logged = [row for row in rows if row.is_log]
    rows = [row for row in rows if not row.is_log]
    for row in rows:
        assert row.rule
        row.supplied = sidecars.supplement(row.files, row.rule.supplement)
        try:
            if row.rule.suffix == "asl":
                _tell_labels(row)
            sidecars.check_units(row.files)
        except DataError as error:
            row.drop("failed", str(error))
    rows = [row for row in rows if row.state == "mapped"]
    asl.tie([asl.Run(row.suffix, row.files, row.start) for row in rows], session)
    raw = [row for row in rows if row.rule and not row.rule.is_derivative]
    notes = fieldmaps.tie([row.run for row in raw], session, by_match=field_maps == "by_match")
    for row in raw:
        row.reason = "; ".join([row.reason, *notes.get(row.name, ())])
    for rule in {row.rule.index: row.rule for row in rows if row.rule}.values():
        own = [row for row in rows if row.rule and row.rule.index == rule.index]
        _place_beside(rule, own, pulled)
    for row in logged:
        _place_log(row, [one for one in rows if tying.name_of(one.name) == row.name])


def _part_derivatives(rows: list[_Row], bids: Path) -> None:
    """Move what the scanner computed out of the raw data, into a folder beside them."""
    for row in rows:
        if row.rule and row.rule.is_derivative:
            from coil.bids import scanner  # only here: most sessions have none

            row.files = scanner.part(row.files, bids)


def _tell_labels(row: _Row) -> None:
    """Write the aslcontext of a run: the rule's, else that of its headers."""
    assert row.rule and row.settled.series and row.settled.series.path
    image = outputs.images(row.files)[0]
    told = asl.volume_types(row.settled.series.path, image)
    if not row.rule.aslcontext and not told:
        raise DataError("its headers do not tell controls from labels; list them in `aslcontext`")
    types = sidecars.fit(row.rule.aslcontext or told, outputs.volumes(image))
    if told and types != told:
        row.reason += "; its headers tell another order of controls and labels than `aslcontext`"
    row.files += sidecars.aslcontext(image, types)
    asl.describe(row.files, types)


def _place_log(log: _Row, runs: list[_Row]) -> None:
    """Put what a series logged beside its run; `runs` are that, and parts of it."""
    series = log.settled.series
    if not runs or not series or not series.path:
        log.drop("failed", "its run was not converted")
        return
    from coil.bids import beside

    try:
        placed = beside.place_log(runs[0].beside, series.path)
    except DataError as error:
        log.drop("failed", str(error))
        return
    log.files = placed.files
    log.reason += "".join(f"; {note}" for note in placed.notes)


def _place_beside(rule: Rule, rows: list[_Row], pulled: Path) -> None:
    """Put the events and recordings that a rule names beside its runs."""
    for companion in rule.beside:
        from coil.bids import beside

        runs = [row.beside for row in rows]
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
        "rule": row.rule.place if row.rule else None,
        "name": row.name if row.state == "mapped" else None,
        "reason": row.reason,
        "volumes": counted,
        "expected": row.rule.volumes if row.rule else None,
        "files": sorted(_listed(path, bids) for path in row.files if path.is_file()),
        "acq_time": row.start,
        "supplied": row.supplied,
    }


def _listed(path: Path, bids: Path) -> str:
    """A file's path below the dataset, or below derivatives/ beside it."""
    below = bids if path.is_relative_to(bids) else bids.parent
    return path.relative_to(below).as_posix()


def _remove_empty(root: Path) -> None:
    for folder in sorted((p for p in root.rglob("*") if p.is_dir()), reverse=True):
        if not any(folder.iterdir()):
            folder.rmdir()
