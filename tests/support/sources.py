"""What the tests of a mapping's sources share: made-up series, and what a source makes of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from coil.bids.mapping.mapping import parse
from coil.bids.mapping.resolution import Resolution
from coil.bids.mapping.resolve import resolve
from coil.bids.mapping.sources import with_sources
from coil.bids.series.series import Series

MAGNITUDE = ("ORIGINAL", "PRIMARY", "M", "ND")
PHASE = ("ORIGINAL", "PRIMARY", "P", "ND")


def scan(number: int, description: str, **fields: Any) -> Series:
    """A series with a header; its protocol has the description's name."""
    defaults: dict[str, Any] = {
        "folder": f"series/{number:03d}",
        "protocol_name": description,
        "image_type": MAGNITUDE,
        "patient_id": "p",
        "study_uid": "s",
        "series_number": number,
        "acq_time": f"2024-05-01T13:{number:02d}:00.000000",
    }
    return Series(scan=str(number), series_description=description, **defaults | fields)


def resolved(
    series: Sequence[Series], *mapping: dict[str, Any], files: dict[str, Path] | None = None
) -> list[Resolution]:
    """The series' states by a mapping with sources."""
    rules = with_sources(parse(list(mapping)), series, files)
    return resolve(series, rules, "X", "Y")


def short(rows: list[Resolution]) -> list[str]:
    """The names without subject and session; where there is none, the state."""
    return [(row.name or row.state).replace("sub-X_ses-Y_", "") for row in rows]
