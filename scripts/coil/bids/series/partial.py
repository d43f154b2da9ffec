"""Series of which one header was fetched: what it and the number of files tell together."""

import re
from dataclasses import replace
from pathlib import Path

from coil.bids.series import stack
from coil.bids.series.reading import read_series
from coil.bids.series.series import Series
from coil.bids.series.stack import Counted
from coil.dicom.header import Header
from coil.records.pulled import PulledSession

# How many slices a volume has, where the vendors say so: Philips and GE.
_SLICES = ((0x2001, 0x1018), (0x0021, 0x104F))
_MOST_ECHOES = 8
_ECHOES = re.compile(r"(?i)multi.?echo|(^|[_ -])me(\d|[_ -]|$)|[_ -]ME")


def read_partial(folder: Path) -> list[Series]:
    """The series of a folder that `coil.archive.pull.headers` filled.

    Raises `DataError`, as for a pulled session.
    """
    counts = {row.folder: row.files for row in PulledSession.read(folder / "pulled.json").scans}
    return [_complete(series, counts.get(series.folder, 0)) for series in read_series(folder)]


def _complete(series: Series, files: int | None) -> Series:
    """The series with the number of its files, and its volumes as far as they are known."""
    if series.path is None:
        return series
    header = stack.read_header(next(series.path.iterdir()))
    counted = count(header, files) if series.is_image else None
    return replace(series, path=None, partial=series.path, files=files, counted=counted)


def count(header: Header, files: int | None) -> Counted | None:
    """What a series of `files` files (None: unknown) holds, if one header tells; else None.

    It does not tell where echoes may lie in files of their own.
    """
    names = f"{header.get('SeriesDescription')} {header.get('ProtocolName')}"
    if _ECHOES.search(names) or not files:
        return None
    if header.get("NumberOfFrames") is not None:
        slices, echoes = stack.positions(header), max(len(stack.echo_times(header)), 1)
        each = int(header.NumberOfFrames) // slices
        if each == 1 < files <= _MOST_ECHOES:
            return None
        return Counted(files * each // (echoes * stack.components(header)), slices, echoes)
    if stack.is_mosaic(header):
        element = header.get((0x0019, 0x100A))
        return Counted(files, int(element.value), 1) if element else None
    slices = next((int(header[tag].value) for tag in _SLICES if tag in header), 0)
    return Counted(files // slices, slices, 1) if slices else None
