"""Continuous recordings that leave: numbers in declared columns, and times that are relative."""

import gzip
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from coil import passing
from coil.columns import UNKNOWN, number
from coil.deid.allow_list import values
from coil.deid.allow_list.sidecar_keys import RULES as KEYS
from coil.deid.bids.tables import clean_column_notes
from coil.errors import DataError
from coil.files import JsonObject

# Keys of BIDS 1.11 for physio and stim (sidecars: continuous). The start is that of a run, never
# a time of day.
RULES: dict[str, values.Rule] = {
    "SamplingFrequency": values.number(1e-6, 1e6),
    "StartTime": values.number(-3600, 3600),
    "Columns": values.many(values.text(r"[A-Za-z][\w-]{0,47}"), range(1, 100)),
    "PhysioType": values.one_of("generic", "eyetrack"),
    "RecordedEye": values.one_of("left", "right", "cyclopean"),
    "SampleCoordinateSystem": values.one_of(
        "gaze-on-screen", "eye-in-head", "gaze-in-world", "custom"
    ),
    **{key: KEYS[key] for key in ("Manufacturer", "ManufacturersModelName", "TaskName")},
    "SoftwareVersions": KEYS["SoftwareVersions"],
}
_REQUIRED = ("SamplingFrequency", "StartTime", "Columns")
_SINCE_1990 = (631_152_000, 4_102_444_800)  # in seconds, to the year 2100


def clean_described(
    described: Mapping[str, Any], name: str, tells: Callable[[str], bool]
) -> JsonObject:
    """The json of a recording: known keys, and what it says of the columns that it declares.

    Raises
    ------
    DataError
        If SamplingFrequency, StartTime or Columns is missing or is not what it should be.
    """
    kept = {key: value for key, value in described.items() if key in RULES and RULES[key](value)}
    for key in _REQUIRED:
        if key not in kept:
            raise DataError(f"{name}: {key} is missing or not a value that BIDS has there")
    if len(set(kept["Columns"])) != len(kept["Columns"]):
        raise DataError(f"{name}: Columns holds a name twice")
    notes = {column: described[column] for column in kept["Columns"] if column in described}
    return clean_column_notes(notes, tells=tells) | kept


def clean_samples(path: Path, columns: list[str]) -> bytes:
    """The rows of a recording, uncompressed: a number or `n/a` for each of the `columns`.

    Raises
    ------
    DataError
        Naming the row, never the value, for anything else, and for times of day and of dates.
    """
    try:
        text = gzip.decompress(path.read_bytes()).decode("ascii")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        passing.let_through(error)
        raise DataError(f"{path.name}: cannot be read; convert the session again") from None
    dated = [position for position, name in enumerate(columns) if "time" in name.lower()]
    for position, line in enumerate(text.splitlines(), start=1):
        cells = line.split("\t")
        if len(cells) != len(columns):
            raise DataError(f"{path.name}: row {position} has another number of cells than Columns")
        if not all(cell == UNKNOWN or number(cell) for cell in cells):
            raise DataError(f"{path.name}: row {position} holds something that is not a number")
        for column in dated:
            if cells[column] != UNKNOWN and _is_date(float(cells[column])):
                raise DataError(
                    f"{path.name}: row {position} holds a date; times are relative to the run"
                )
    return text.encode()


def _is_date(value: float) -> bool:
    """Whether a number is one of seconds, milliseconds, micro- or nanoseconds since 1970."""
    low, high = _SINCE_1990
    return any(low <= abs(value) / scale <= high for scale in (1, 1e3, 1e6, 1e9))
