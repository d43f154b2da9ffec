"""Tab-separated tables as BIDS wants them, and what their columns mean."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from coil.files import json_text, write_if_changed

UNKNOWN = "n/a"
Note = Mapping[str, object]
"""What a BIDS dictionary says of a column."""
Dictionary = Mapping[str, Note]
"""The dictionary of a table: its columns, or `MeasurementToolMetadata`, by name."""

PARTICIPANTS: Dictionary = {
    "participant_id": {"Description": "Pseudonymous participant"},
    "age": {
        "Description": "Age at the first session; 89 stands for 89 and above",
        "Units": "year",
    },
    "sex": {
        "Description": "Sex as the archive holds it",
        "Levels": {"F": "female", "M": "male", "O": "other"},
    },
    "handedness": {
        "Description": "Handedness as the archive holds it",
        "Levels": {"L": "left", "R": "right", "A": "ambidextrous"},
    },
}
SESSIONS: Dictionary = {
    "session_id": {"Description": "Pseudonymous session"},
    "acq_time": {
        "Description": "Start of the session's first acquisition. Dates are moved by a secret "
        "number of days, the same for all sessions of a participant"
    },
    "age": {
        "Description": "Age at the session; 89 stands for 89 and above",
        "Units": "year",
    },
}
SCANS: Dictionary = {
    "filename": {"Description": "Path of the image, relative to the session"},
    "acq_time": {
        "Description": "Start of the acquisition. Dates are moved by a secret number of days, "
        "the same for all sessions of a participant"
    },
}

_SEX = {"m": "M", "male": "M", "f": "F", "female": "F", "o": "O", "other": "O"}
_HANDEDNESS = {
    "r": "R",
    "right": "R",
    "l": "L",
    "left": "L",
    "a": "A",
    "ambidextrous": "A",
}


def sex(value: object) -> str:
    """XNAT's gender as BIDS writes it."""
    return _SEX.get(str(value or "").strip().lower(), UNKNOWN)


def handedness(value: object) -> str:
    """XNAT's handedness as BIDS writes it."""
    return _HANDEDNESS.get(str(value or "").strip().lower(), UNKNOWN)


def number(value: object) -> str:
    """A number without needless digits, or `n/a`."""
    return UNKNOWN if value is None or value == "" else f"{float(str(value)):g}"


def write_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write a table if it differs from what is there."""
    lines = ["\t".join(row) + "\n" for row in [header, *rows]]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_if_changed(path, "".join(lines))


def write_json(path: Path, value: object) -> None:
    """Write indented JSON if it differs from what is there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_if_changed(path, json_text(value))
