"""The corpus: series as archives list them and scanners describe them, with their names.

Each row of `tests/corpus/*.tsv` is one series of a public protocol or of a vendor's default
one, written from what is published of it; nobody was scanned for it. `n/a` is what the
header does not say, and without volumes there is no image. `expected_name` leaves out
subject and session.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

from coil.bids.series.series import Series
from coil.bids.series.stack import Counted

FOLDER = Path(__file__).resolve().parents[1] / "corpus"
MAPPING = FOLDER / "mapping.yaml"
_DIRECTIONS = {"j-": "AP", "j": "PA", "i": "RL", "i-": "LR"}


@dataclass(frozen=True)
class Entry:
    """One row: where it is from, the series with its header, and what it should become."""

    study: str
    series: Series
    state: str
    name: str | None

    @property
    def label(self) -> str:
        """How a test calls it."""
        series = self.series
        kind = "/".join((series.image_type or ())[2:4])
        return f"{series.manufacturer} {self.study}: {series.series_description} {kind}".strip()

    @property
    def listed(self) -> Series:
        """The series as the archive's listing alone shows it."""
        return Series(
            scan=self.series.scan,
            type=self.series.type,
            series_description=self.series.series_description,
            listed=True,
        )


def read_corpus() -> list[Entry]:
    """Every entry of the corpus, by file and line."""
    entries: list[Entry] = []
    for path in sorted(FOLDER.glob("*.tsv")):
        with path.open(encoding="utf-8", newline="") as stream:
            rows = csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE)
            entries += [_entry(row, len(entries) + n) for n, row in enumerate(rows, start=1)]
    return entries


def _entry(row: dict[str, str], number: int) -> Entry:
    known = {key: None if value == "n/a" else value for key, value in row.items()}
    volumes, slices, b_max = (_integer(known[key]) for key in ("volumes", "slices", "b_max"))
    direction = known["pe_direction"]
    axis = {"j": "COL", "i": "ROW"}.get((direction or "")[:1], direction)
    words = (axis, direction, _DIRECTIONS.get(direction or ""))
    series = Series(
        scan=str(number),
        folder=f"series/{number:03d}",
        type=known["scan_type"] or "",
        series_description=known["series_description"] or "",
        protocol_name=known["protocol_name"] or "",
        sequence_name=known["sequence_name"] or "",
        image_type=tuple((known["image_type"] or "").split("\\")),
        echo_times=() if known["echo_time"] is None else (float(known["echo_time"]),),
        repetition_time=_number(known["repetition_time"]),
        flip_angle=_number(known["flip_angle"]),
        manufacturer=known["vendor"] or "",
        model=known["model"] or "",
        phase_encoding=tuple(dict.fromkeys(word for word in words if word)),
        series_number=number,
        series_uid=str(number),
        acq_time=f"2024-05-01T13:{number // 60 % 60:02d}:{number % 60:02d}.000000",
        sop_class=known["sop_class"],
        is_image=volumes is not None,
        counted=Counted(volumes, slices, 1 if volumes else None),
        weighted=frozenset() if b_max is None else frozenset({0.0, float(b_max)}),
    )
    return Entry(row["study"], series, row["expected_state"], known["expected_name"])


def _number(text: str | None) -> float | None:
    return None if text is None else float(text)


def _integer(text: str | None) -> int | None:
    return None if text is None else int(text)
