"""Continuous recordings beside a run: read, cut to the run, written as BIDS has them."""

import gzip
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coil.columns import UNKNOWN
from coil.errors import DataError
from coil.files import packed, write_bytes, write_json

if TYPE_CHECKING:
    import numpy as np

AROUND = 30.0
"""Seconds before and after the run that stay: filters and response functions want them."""

KNOWN = ("cardiac", "respiratory", "trigger")
"""Columns that BIDS itself documents (Physiological recordings)."""


@dataclass(frozen=True)
class Recording:
    """Evenly sampled signals.

    `samples` has a row a sample and a column a signal, NaN where nothing was recorded;
    `frequency` is in Hz, `start` the first sample's time in seconds after the run's start.
    `notes` is what else the json says: the description of columns, the hardware.
    """

    columns: tuple[str, ...]
    samples: "np.ndarray"
    frequency: float
    start: float
    notes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """The length in seconds."""
        return len(self.samples) / self.frequency


def cut(recording: Recording, length: float, around: float = AROUND) -> Recording:
    """The samples within the run of `length` seconds, and up to `around` seconds on either side."""
    first = max(0, math.ceil((-around - recording.start) * recording.frequency - 1e-6))
    last = len(recording.samples)
    if math.isfinite(length):
        end = (length + around - recording.start) * recording.frequency
        last = max(first, min(last, math.floor(end + 1e-6) + 1))
    start = recording.start + first / recording.frequency
    return replace(recording, samples=recording.samples[first:last], start=round(start, 6))


def covered(recording: Recording, length: float) -> float:
    """The share of a run of `length` seconds that was recorded, 0 to 1."""
    begin = max(0.0, recording.start)
    end = min(length, recording.start + recording.seconds)
    if not math.isfinite(length):
        return float(end > begin)
    return max(0.0, end - begin) / length if length > 0 else 0.0


def write(recording: Recording, path: Path) -> list[Path]:
    """Write `path` (.tsv.gz, no header, the same bytes for the same samples) and its json."""
    lines = ("\t".join(map(_cell, row)) + "\n" for row in recording.samples.tolist())
    described = {
        "SamplingFrequency": recording.frequency,
        "StartTime": recording.start,
        "Columns": list(recording.columns),
    }
    beside = path.with_name(path.name.removesuffix(".tsv.gz") + ".json")
    write_bytes(path, packed("".join(lines).encode()))
    write_json(beside, described | dict(recording.notes))
    return [path, beside]


def _cell(value: float) -> str:
    return UNKNOWN if math.isnan(value) else f"{value:.10g}"


def read(source: Path, described: Mapping[str, Any], where: str) -> Recording:
    """A table of numbers, `.tsv` or `.tsv.gz`, with what describes it.

    `described` has SamplingFrequency, StartTime and Columns; a file with a header may do
    without Columns.

    Raises
    ------
    DataError
        Naming row and column, never the value.
    """
    import numpy as np

    rows = [line.split("\t") for line in _text(source, where).splitlines() if line.strip()]
    names = described.get("Columns")
    if rows and not all(map(_number, rows[0])):
        header = [name.strip() for name in rows.pop(0)]
        if names is not None and list(names) != header:
            raise DataError(f"{where}: a file's header differs from the Columns of its json")
        names = header
    if not names or not rows:
        lacks = "rows" if names else "Columns in a json file of its name"
        raise DataError(f"{where}: a file has no {lacks}")
    names = tuple(str(name) for name in names)
    for number, name in enumerate(names, start=1):
        if name not in KNOWN and not isinstance(described.get(name), dict):
            raise DataError(
                f"{where}: column {number} is documented nowhere; describe it under `columns`, or "
                "in the file's json"
            )
    samples = np.empty((len(rows), len(names)))
    for number, row in enumerate(rows):
        if len(row) != len(names):
            raise DataError(
                f"{where}: sample {number + 1} has {len(row)} columns, not {len(names)}"
            )
        try:
            samples[number] = [math.nan if cell.strip() == UNKNOWN else float(cell) for cell in row]
        except ValueError:
            raise DataError(f"{where}: sample {number + 1} is not all numbers") from None
    frequency, start = (_given(described, key, where) for key in ("SamplingFrequency", "StartTime"))
    if frequency <= 0:
        raise DataError(f"{where}: SamplingFrequency is a number of samples a second")
    rest = {k: v for k, v in described.items() if k not in ("SamplingFrequency", "StartTime")}
    rest.pop("Columns", None)
    return Recording(names, samples, frequency, start, rest)


def _given(described: Mapping[str, Any], key: str, where: str) -> float:
    value = described.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise DataError(f"{where}: {key} is not known; write it into the file's json or the config")
    return float(value)


def _text(source: Path, where: str) -> str:
    data = source.read_bytes()
    try:
        packed = source.name.endswith(".gz")
        return (gzip.decompress(data) if packed else data).decode("utf-8-sig")
    except (OSError, EOFError, UnicodeDecodeError):
        raise DataError(f"{where}: a file is damaged, or not text") from None


def _number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return cell.strip() == UNKNOWN
    return True
