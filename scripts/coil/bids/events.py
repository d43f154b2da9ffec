"""Event files from a session resource, checked and placed beside their runs."""

import csv
import io
import math
from pathlib import Path

from coil.bids import names, outputs
from coil.bids.rules import Rule
from coil.errors import DataError
from coil.files import read_json, write_text

_REQUIRED = ("onset", "duration")


def place(rule: Rule, runs: list[tuple[str, list[Path]]], pulled: Path) -> dict[str, Path]:
    """Copy the event files of one rule's runs.

    The rule's `file` is a glob below `resources/<label>/`; `{run}` and other entities in it
    are filled in per run. Without them the files, by name, go to the runs, by time, if they
    are equal in number.

    Parameters
    ----------
    rule
        A rule with `events`.
    runs
        The settled name and the files of each run, in order of acquisition.
    pulled
        The pulled session.

    Returns
    -------
    The placed file by settled name; a run without one is absent.

    Raises
    ------
    DataError
        If files and runs do not fit, or a file is not a valid events file for its run.
    """
    assert rule.events
    folder = pulled / "resources" / rule.events["resource"]
    pattern = rule.events["file"]
    placed = {}
    for name, files in runs:
        own = {"run": "1"} | names.split(name)[2]
        try:
            filled = pattern.format_map(own)
        except (KeyError, ValueError, IndexError):
            raise DataError(
                f"{rule.place}.events.file: names an entity that its runs lack"
            ) from None
        found = sorted(path for path in folder.glob(filled) if path.is_file())
        if filled == pattern and len(found) == len(runs):
            found = [found[[run for run, _ in runs].index(name)]]
        if len(found) > 1:
            raise DataError(
                f"{rule.place}.events: {len(found)} files for {len(runs)} runs; "
                "write {run} in `file`, or remove what does not belong there"
            )
        if found:
            placed[name] = _copy(found[0], files, rule)
    return placed


def _copy(source: Path, files: list[Path], rule: Rule) -> Path:
    image = outputs.images(files)[0]
    repetition = float(read_json(outputs.sidecar(image)).get("RepetitionTime") or math.inf)
    text = check(source, repetition * outputs.volumes(image), f"{rule.place}.events")
    datatype, _, values = names.split(f"{image.parent.name}/{image.name}")
    kept = {key: value for key, value in values.items() if key not in ("echo", "part")}
    path = image.with_name(names.join(datatype, "events", kept).partition("/")[2] + ".tsv")
    write_text(path, text)
    return path


def check(source: Path, length: float, where: str) -> str:
    """The text of an events file, as tab-separated UTF-8 with Unix line ends.

    Parameters
    ----------
    source
        The file.
    length
        The run's length in seconds; an event may start before the run but not after it.
    where
        What an error starts with.

    Raises
    ------
    DataError
        Naming row and column, never the value.
    """
    try:
        text = source.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(f"{where}: a file is not UTF-8 text") from None
    table = list(csv.reader(io.StringIO(text), delimiter="\t", quoting=csv.QUOTE_NONE))
    header = table[0] if table else []
    if absent := [column for column in _REQUIRED if column not in header]:
        raise DataError(f"{where}: a file has no column {absent[0]} (tab-separated, with a header)")
    rows = [row for row in table[1:] if row]
    for number, row in enumerate(rows, start=2):
        if len(row) != len(header):
            raise DataError(f"{where}: row {number} has {len(row)} columns, not {len(header)}")
        for column in _REQUIRED:
            value = row[header.index(column)]
            if column == "duration" and value == "n/a":
                continue
            _check_number(value, column, length, f"{where}: row {number}, column {column}")
    return "".join("\t".join(row) + "\n" for row in [header, *rows])


def _check_number(value: str, column: str, length: float, where: str) -> None:
    try:
        seconds = float(value)
    except ValueError:
        raise DataError(f"{where}: is not a number") from None
    if not math.isfinite(seconds):
        raise DataError(f"{where}: is not a number")
    if column == "onset" and seconds > length:
        raise DataError(f"{where}: lies after the end of the run")
    if column == "duration" and seconds < 0:
        raise DataError(f"{where}: is negative")
