"""Tables and vectors that leave: known columns, with checked values."""

import csv
import io
import re
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from coil import columns
from coil.columns import UNKNOWN, Check
from coil.columns import number as _number
from coil.deid.allow_list import values
from coil.errors import DataError
from coil.files import JsonObject, is_object


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
# Of a table of behaviour likewise (Behavioral recordings).
BEHAVIOUR = {key: EVENTS[key] for key in ("trial_type", "response_time", "stim_file", "HED")}
ASL_CONTEXT: dict[str, Check] = {
    "volume_type": _matches("control|label|m0scan|deltam|cbf|noRF|n/a")
}


def clean_events(
    path: Path, allow: Collection[str] = (), notes: Mapping[str, Any] | None = None
) -> tuple[bytes, list[str]]:
    """The known columns of an events.tsv, and the names of those that were removed.

    Known are those of BIDS, and those that `notes` (the json beside the table) describes as
    numbers or by Levels. Columns in `allow` pass unchecked: the config names them. Raises
    DataError, which quotes no value, if a known column holds what it should not, or if onset or
    duration is missing.
    """
    return _clean(path, EVENTS | _described(notes or {}), allow, ("onset", "duration"))


def clean_behaviour(
    path: Path, allow: Collection[str] = (), notes: Mapping[str, Any] | None = None
) -> tuple[bytes, list[str]]:
    """The known columns of a beh.tsv, likewise."""
    return _clean(path, BEHAVIOUR | _described(notes or {}), allow, ())


def _described(notes: Mapping[str, Any]) -> dict[str, Check]:
    """The check of each column that is described as something that can be checked."""
    found = {
        name: columns.check_of(note)
        for name, note in notes.items()
        if is_object(note) and columns.problem(note) is None
    }
    return {name: check for name, check in found.items() if check}


def clean_asl_context(path: Path) -> tuple[bytes, list[str]]:
    """The volume types of an aslcontext.tsv, likewise."""
    return _clean(path, ASL_CONTEXT, (), required=("volume_type",))


def numbering(path: Path, numbers: Collection[int]) -> set[str]:
    """The columns of a table whose one value, of two digits or more, is one of the `numbers`.

    Stimulus software writes the person's number into each row, where a search for identifiers
    cannot tell it from a measurement.
    """
    rows = list(csv.reader(io.StringIO(_read(path)), delimiter="\t", quoting=csv.QUOTE_NONE))
    head = rows.pop(0) if rows else []
    found: set[str] = set()
    for position, name in enumerate(head):
        values = {row[position].strip() for row in rows if len(row) == len(head)} - {"", UNKNOWN}
        only = values.pop() if len(values) == 1 else ""
        if only.isdecimal() and len(only) > 1 and int(only) in numbers:
            found.add(name.strip())
    return found


def clean_column_notes(
    notes: Mapping[str, Any],
    allow: Collection[str] = (),
    tells: Callable[[str], bool] = lambda text: False,
) -> JsonObject:
    """The description of columns in a json: keys of BIDS, with texts that name nobody.

    `tells` finds identifiers in a text. Columns in `allow` pass as they are.
    """
    kept: JsonObject = {}
    for column, note in notes.items():
        if column in allow:
            kept[column] = note
        elif column == PRESENTATION and is_object(note):
            fitting = {k: v for k, v in note.items() if k in _SCREEN and _SCREEN[k](v)}
            kept[column] = {k: v for k, v in fitting.items() if not tells(str(v))}
        elif _name(column) and is_object(note):
            known = {key: value for key, value in note.items() if key in columns.KEYS}
            kept[column] = {
                key: value
                for key, value in known.items()
                if key in allow or _note_fits(key, value, tells)
            }
    return {column: note for column, note in kept.items() if note}


PRESENTATION = "StimulusPresentation"
_software = values.text(r"[A-Za-z][\w .+()-]{0,47}", digits=6)
_size = values.many(values.number(0, 1e5), (2,))
# Of what BIDS has there (Task events) all but links and prose.
_SCREEN: dict[str, values.Rule] = {
    "OperatingSystem": _software,
    "SoftwareName": _software,
    "SoftwareVersion": values.text(r"[\w.+-]{1,24}", digits=6),
    "SoftwareRRID": values.text(r"(RRID:)?SCR_\d{6}", digits=6),
    "ScreenDistance": values.either(
        values.number(0, 100), values.many(values.number(-100, 100), (3,)), values.one_of(UNKNOWN)
    ),
    "ScreenOrigin": values.many(values.one_of("top", "bottom", "left", "right", "center"), (2,)),
    "ScreenRefreshRate": values.number(1, 2000),
    "ScreenResolution": values.either(_size, values.one_of(UNKNOWN)),
    "ScreenSize": values.either(_size, values.one_of(UNKNOWN)),
}

_name = _matches(r"[A-Za-z][\w.-]{0,47}")
_LONGEST_TEXT = 2000


def _note_fits(key: str, value: Any, tells: Callable[[str], bool]) -> bool:
    if columns.problem({key: value}) is not None:
        return False
    match key:
        case "Units":
            return _short(value)
        case "TermURL":
            fits = re.fullmatch(r"https?://[\w./#-]{1,200}", value) is not None
            return fits and not tells(value)
        case "Levels":
            texts = [*value, *value.values()]
            return all(isinstance(t, str) and len(t) <= _LONGEST_TEXT for t in texts) and not any(
                map(tells, texts)
            )
        case "HED":
            texts = [*value, *value.values()] if is_object(value) else [value]
            return all(isinstance(t, str) and len(t) <= _LONGEST_TEXT for t in texts) and not any(
                map(tells, texts)
            )
        case "LongName" | "Description":
            return len(value) <= _LONGEST_TEXT and not tells(value)
        case _:
            return True


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
    kept = [position for position, name in enumerate(head) if name in checks or name in allow]
    if not kept:
        raise DataError(
            f"{path.name}: none of its columns may leave; describe them by Units, Format or Levels"
        )
    lines = ["\t".join(head[position] for position in kept)]
    for line, row in enumerate(rows[1:], start=2):
        if not any(cell.strip() for cell in row):
            continue
        if len(row) != len(head):
            raise DataError(f"{path.name}: line {line} has not as many cells as the header")
        cells = [row[position].strip() or "n/a" for position in kept]
        for position, cell in zip(kept, cells, strict=True):
            name = head[position]
            if name not in allow and cell != UNKNOWN and not checks[name](cell):
                raise DataError(
                    f"{path.name}: line {line}, column {name}: not a value that BIDS has there; "
                    f"correct it, or let the column through by name in the config"
                )
        lines.append("\t".join(cells))
    removed = [name for position, name in enumerate(head) if position not in kept]
    return ("\n".join(lines) + "\n").encode(), removed


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(f"{path.name}: not UTF-8; save it so") from None
