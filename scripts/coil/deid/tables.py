"""Tables and vectors that leave: known columns, with checked values."""

import csv
import io
import re
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from coil.errors import DataError

Check = Callable[[str], bool]


def _number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return len(text) <= 24


def _matches(pattern: str) -> Check:
    compiled = re.compile(pattern)
    return lambda text: compiled.fullmatch(text) is not None


_token = _matches(r"[\w.+/-]+( [\w.+/-]+){0,3}")


def _short(text: str) -> bool:
    return len(text) <= 40 and _token(text)


# The columns of events.tsv that BIDS knows (BIDS 1.11, Task events).
EVENTS: dict[str, Check] = {
    "onset": _number,
    "duration": _number,
    "trial_type": _short,
    "response_time": _number,
    "value": lambda text: _number(text) or _short(text),
    "sample": _matches(r"\d{1,12}"),
    "stim_file": _matches(r"[\w./+-]{1,128}"),
    "HED": _matches(r"[\w,()/# :.+-]{1,1000}"),
    "channel": _short,
}
ASL_CONTEXT: dict[str, Check] = {
    "volume_type": _matches("control|label|m0scan|deltam|cbf|noRF|n/a")
}


def clean_events(path: Path, allow: Collection[str] = ()) -> tuple[bytes, list[str]]:
    """The known columns of an events.tsv, and the names of those that were removed.

    Columns in `allow` pass unchecked: the config names them. Raises DataError, which quotes no
    value, if a known column holds what it should not, or if onset or duration is missing.
    """
    return _clean(path, EVENTS, allow, required=("onset", "duration"))


def clean_asl_context(path: Path) -> tuple[bytes, list[str]]:
    """The volume types of an aslcontext.tsv, likewise."""
    return _clean(path, ASL_CONTEXT, (), required=("volume_type",))


def clean_column_notes(notes: dict[str, Any], allow: Collection[str] = ()) -> dict[str, Any]:
    """What an events.json says of known columns: their units, and what the config allows by name
    (`Description`, `Levels`, a whole column)."""
    kept = {}
    for column, note in notes.items():
        if column in allow:
            kept[column] = note
        elif column in EVENTS and isinstance(note, dict):
            kept[column] = {
                key: value
                for key, value in note.items()
                if key in allow or (key == "Units" and isinstance(value, str) and _short(value))
            }
    return {column: note for column, note in kept.items() if note}


def clean_numbers(path: Path) -> bytes:
    """A .bval or .bvec file: numbers, as they are.

    Raises DataError if there is anything else.
    """
    rows = [line.split() for line in _read(path).splitlines()]
    if not all(_number(cell) for row in rows for cell in row):
        raise DataError(f"{path.name}: holds something that is not a number; convert again")
    return "".join(" ".join(row) + "\n" for row in rows if row).encode()


def _clean(
    path: Path, checks: dict[str, Check], allow: Collection[str], required: tuple[str, ...]
) -> tuple[bytes, list[str]]:
    rows = list(csv.reader(io.StringIO(_read(path)), delimiter="\t", quoting=csv.QUOTE_NONE))
    head = [name.strip() for name in rows[0]] if rows else []
    missing = [name for name in required if name not in head]
    if missing:
        raise DataError(f"{path.name}: has no column {missing[0]}; give it one, tab-separated")
    kept = [place for place, name in enumerate(head) if name in checks or name in allow]
    lines = ["\t".join(head[place] for place in kept)]
    for line, row in enumerate(rows[1:], start=2):
        if not any(cell.strip() for cell in row):
            continue
        if len(row) != len(head):
            raise DataError(f"{path.name}: line {line} has not as many cells as the header")
        cells = [row[place].strip() or "n/a" for place in kept]
        for place, cell in zip(kept, cells, strict=True):
            name = head[place]
            if name not in allow and cell != "n/a" and not checks[name](cell):
                raise DataError(
                    f"{path.name}: line {line}, column {name}: not a value that BIDS has there; "
                    f"correct it, or let the column through by name in the config"
                )
        lines.append("\t".join(cells))
    removed = [name for place, name in enumerate(head) if place not in kept]
    return ("\n".join(lines) + "\n").encode(), removed


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(f"{path.name}: not UTF-8; save it so") from None
