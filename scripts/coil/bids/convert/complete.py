"""What is added to a session's images: supplied values, labels, ties, and files beside them."""

from collections.abc import Iterable
from pathlib import Path

from coil.bids import outputs
from coil.bids.convert import asl, fieldmaps, sidecars
from coil.bids.convert.rows import Row
from coil.bids.mapping import physio_logs
from coil.bids.mapping.rules import Rule
from coil.errors import DataError


def complete(rows: Iterable[Row], pulled: Path, session: Path, field_maps: str) -> None:
    """Add what the rules say beside the images; a series that lacks what it needs is failed.

    Parameters
    ----------
    rows
        The mapped series, with their files.
    pulled
        The pulled session.
    session
        The folder `sub-X/ses-Y` that the files lie in.
    field_maps
        `by_rule` or `by_match`.
    """
    rows = list(rows)
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
    asl.link([asl.Run(row.suffix, row.files, row.start) for row in rows], session)
    raw = [row for row in rows if row.rule and not row.rule.is_derivative]
    notes = fieldmaps.link([row.run for row in raw], session, by_match=field_maps == "by_match")
    for row in raw:
        row.reason = "; ".join([row.reason, *notes.get(row.name, ())])
    for rule in {row.rule.index: row.rule for row in rows if row.rule}.values():
        own = [row for row in rows if row.rule and row.rule.index == rule.index]
        _add_associated(rule, own, pulled)
    for row in logged:
        _add_log(row, [one for one in rows if physio_logs.name_of(one.name) == row.name])


def _tell_labels(row: Row) -> None:
    """Write the aslcontext of a run: the rule's, else that of its headers."""
    assert row.rule and row.resolution.series and row.resolution.series.path
    image = outputs.images(row.files)[0]
    listed = asl.volume_types(row.resolution.series.path, image)
    if not row.rule.aslcontext and not listed:
        raise DataError("its headers do not tell controls from labels; list them in `aslcontext`")
    types = sidecars.fit(row.rule.aslcontext or listed, outputs.volumes(image))
    if listed and types != listed:
        row.reason += "; its headers tell another order of controls and labels than `aslcontext`"
    row.files += sidecars.aslcontext(image, types)
    asl.describe(row.files, types)


def _add_log(log: Row, runs: list[Row]) -> None:
    """Put what a series logged beside its run; `runs` are that, and parts of it."""
    series = log.resolution.series
    if not runs or not series or not series.path:
        log.drop("failed", "its run was not converted")
        return
    from coil.bids.associated import collect

    try:
        added = collect.add_log(runs[0].associated, series.path)
    except DataError as error:
        log.drop("failed", str(error))
        return
    log.files = added.files
    log.reason += "".join(f"; {note}" for note in added.notes)


def _add_associated(rule: Rule, rows: list[Row], pulled: Path) -> None:
    """Put the events and recordings that a rule names beside its runs."""
    for companion in rule.associated:
        from coil.bids.associated import collect

        runs = [row.associated for row in rows]
        for row, added in zip(rows, collect.add(companion, runs, pulled), strict=True):
            row.files += added.files
            row.reason += "".join(f"; {note}" for note in added.notes)
            if not added.files:
                row.reason += f"; the archive holds no {companion.kind} file for it"
