"""The mapped series of a session through a converter, each with its files or why it has none."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from coil.bids import outputs
from coil.bids.convert import dcm2niix, sidecars
from coil.bids.convert.rows import Row
from coil.bids.outputs import Made, Wanted
from coil.records.series import State


class Converter(Protocol):
    """A module that converts: `coil.bids.convert.dcm2niix` says what its functions promise."""

    def convert(self, wanted: Iterable[Wanted], bids: Path, scratch: Path) -> Iterator[Made]:
        """The outcome of each series; its files lie below `bids`."""
        ...

    def versions(self) -> dict[str, str]:
        """The versions of the programs that it runs, by name."""
        ...


def named(converter: str) -> Converter:
    """The converter of that name: dcm2niix or heudiconv."""
    if converter == "dcm2niix":
        return dcm2niix
    from coil.bids.convert import heudiconv

    return heudiconv


def convert(rows: Sequence[Row], converter: Converter, bids: Path, scratch: Path) -> None:
    """Convert the mapped rows into `bids` and give each its files, or the reason for none."""
    mapped = {row.name: row for row in rows if row.state == "mapped" and not row.is_log}
    work = scratch / "work"
    work.mkdir()
    wanted = [
        Wanted(name, row.resolution.series.path, row.has_chunks)
        for name, row in mapped.items()
        if row.resolution.series and row.resolution.series.path
    ]
    for made in converter.convert(wanted, bids, work):
        _take(mapped[made.name], made)


def _take(row: Row, made: Made) -> None:
    """Give a row what was made of it, unless that lacks what it needs."""
    row.files = made.files
    if made.failed:
        row.drop("failed", made.failed)
        return
    row.start = sidecars.start(row.files, row.start)
    row.reason = "; ".join([row.reason, *made.notes])
    if lack := _lack(row):
        row.drop(*lack)


def _lack(row: Row) -> tuple[State, str] | None:
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
