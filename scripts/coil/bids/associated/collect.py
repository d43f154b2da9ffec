"""Files beside the images: found in the pulled session, checked against their runs, written."""

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from coil import columns
from coil.bids import names, outputs
from coil.bids.associated import events, logs, recording, resources
from coil.bids.associated.recording import Recording
from coil.bids.mapping.associated import Companion
from coil.errors import DataError
from coil.files import JsonObject, read_json, write_json, write_text

_PARTIAL = 0.95
_SHOWN = "StimulusPresentation"  # what the json of events says beside its columns


@dataclass
class Run:
    """A converted series: its BIDS name, its files and the archive's ID of its scan.

    `acq_time` is when its first volume was measured, `folder` how an error names it.
    """

    name: str
    files: list[Path]
    scan: str | None = None
    acq_time: str | None = None
    folder: str = ""

    @property
    def image(self) -> Path:
        """The first of its images."""
        return outputs.images(self.files)[0]

    @cached_property
    def sidecar(self) -> JsonObject:
        """The image's sidecar; empty where there is none."""
        path = outputs.sidecar(self.image)
        return read_json(path) if path.is_file() else {}

    @property
    def began(self) -> float | None:
        """When its first volume was measured, in seconds after midnight."""
        return logs.clock(self.acq_time)

    @property
    def length(self) -> float:
        """Its length in seconds, infinite where nothing tells it."""
        told = self.sidecar
        for key in ("RepetitionTime", "RepetitionTimePreparation"):
            if isinstance(told.get(key), int | float) and told[key] > 0:
                return float(told[key]) * outputs.volumes(self.image)
        return math.inf


@dataclass
class Added:
    """The files that were written beside a run, and notes on them."""

    files: list[Path] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def add(companion: Companion, runs: Sequence[Run], pulled: Path) -> list[Added]:
    """Write one companion's files beside the runs of its rule.

    The companion's `file` is a glob in the resource; `{run}`, `{scan}` and the entities of
    the name are filled in per run. Logs of scanners then go to the runs by their times; of
    other files as many as runs go to them, by name, where nothing was filled in.

    Parameters
    ----------
    companion
        What the rule says.
    runs
        The rule's runs in order of acquisition.
    pulled
        The pulled session.

    Returns
    -------
    For each run the files beside it, none where the archive holds no such file.

    Raises
    ------
    DataError
        If files and runs do not fit, or a file is not valid for its run.
    """
    known: dict[tuple[Path, ...], list[logs.Log]] = {}  # one log may be of many runs
    added = []
    for order, run in enumerate(runs):
        try:
            added.append(_add_at(companion, runs, order, pulled, known))
        except DataError as error:
            raise DataError(f"{run.folder}: {error}" if run.folder else str(error)) from None
    used = {path for run in runs for path in _sources(companion, run, pulled)}
    if spare := resources.unused(companion, [run.name for run in runs], pulled, used):
        added[-1].notes.append(f"the archive holds {spare} more {companion.kind} for no run")
    return added


def _sources(companion: Companion, run: Run, pulled: Path) -> list[Path]:
    found = resources.find(companion, run.name, run.scan, pulled)
    return [path for path in found if path.suffix != ".json"]


def _add_at(
    companion: Companion,
    runs: Sequence[Run],
    order: int,
    pulled: Path,
    known: dict[tuple[Path, ...], list[logs.Log]],
) -> Added:
    run = runs[order]
    found = _sources(companion, run, pulled)
    logged = tuple(path for path in found if path.suffix.lower() in logs.SUFFIXES)
    if companion.kind == "physio" and logged:
        if logged not in known:
            known[logged] = logs.read(logged, companion.where)
        return _add_logs(companion, run, known[logged], run.began)
    fixed = companion.of == "session" and not resources.has_fields(companion.file)
    if fixed and len(found) == len(runs):
        found = [found[order]]
    if len(found) > 1:
        raise DataError(
            f"{companion.where}: {len(found)} files for {len(runs)} runs; write {{run}} in "
            "`file`, or remove what does not belong there"
        )
    return _add(companion, run, found[0]) if found else Added()


def _add(companion: Companion, run: Run, source: Path) -> Added:
    described = _described(companion, source)
    if companion.kind == "events":
        path = run.image.with_name(_name(companion, run) + ".tsv")
        return Added(_table(companion, source, path, described, run.length))
    described = {"StartTime": companion.start, "SamplingFrequency": companion.frequency} | described
    found = recording.read(source, described, companion.where)
    return _write([_ready(companion, run, found)])


def add_log(run: Run, folder: Path) -> Added:
    """Write what a series of the scanner's own logged during a run.

    Its clock may be that of another time zone, as UTC; which run it is of is known.

    Raises
    ------
    DataError
        If the series holds no log, or one of another time.
    """
    where = "its log"
    found = [logs.read_dicom(path, where) for path in sorted(folder.iterdir())]
    companion = Companion("physio", where, resource="", file="")
    began = found[0].began
    if began is None or not logs.same_minute(began, run.began):
        began = run.began
    added = _add_logs(companion, run, found, began)
    if not added.files:
        raise DataError(f"{where}: lies elsewhere in time than its run")
    return added


def _add_logs(
    companion: Companion, run: Run, found: Sequence[logs.Log], began: float | None
) -> Added:
    """Write what scanners logged during a run, each signal by itself."""
    if began is None:
        raise DataError(f"{companion.where}: when its run began is not known, so no log fits it")
    fitting = logs.fitting(found, began, run.length)
    ready = [
        _ready(replace(companion, recording=companion.recording or label), run, one)
        for label, one in fitting.items()
    ]
    return _write(ready)


def _ready(companion: Companion, run: Run, found: Recording) -> tuple[Path, Recording, str]:
    """The path of a recording, its part within the run, and a note on it."""
    length = run.length
    share = recording.covered(found, length)
    if not share:
        raise DataError(
            f"{companion.where}: a recording lies elsewhere in time than its run; look at its "
            "StartTime, or at which run it belongs to"
        )
    path = run.image.with_name(_name(companion, run) + ".tsv.gz")
    if path.exists():
        raise DataError(
            f"{companion.where}: another recording has its name; set `recording` for one"
        )
    what = companion.recording or companion.kind
    note = f"{what} covers {share:.0%} of the run" if share < _PARTIAL else ""
    return path, recording.cut(found, length), note


def _write(ready: Sequence[tuple[Path, Recording, str]]) -> Added:
    added = Added()
    for path, found, note in ready:
        added.files += recording.write(found, path)
        added.notes += [note] if note else []
    return added


def _table(
    companion: Companion,
    source: Path,
    path: Path,
    described: Mapping[str, Any],
    length: float | None = None,
) -> list[Path]:
    """Write a table, and what describes its columns, if anything does."""
    required = events.EVENTS if companion.kind == "events" else ()
    text = events.check(source, described, companion.where, required=required, length=length)
    header = text.partition("\n")[0].split("\t")
    notes = {name: described[name] for name in [*header, _SHOWN] if name in described}
    write_text(path, text)
    if not notes:
        return [path]
    beside = path.with_suffix(".json")
    write_json(beside, notes)
    return [path, beside]


def _name(companion: Companion, run: Run) -> str:
    """The name, without extension, of what stands beside a run."""
    datatype, _, values = names.split(f"{run.image.parent.name}/{run.image.name}")
    kind = names.companions()[datatype, companion.kind]
    kept = {k: v for k, v in values.items() if k in kind.allowed and k not in ("echo", "part")}
    if companion.recording:
        kept["recording"] = companion.recording
    return names.join(datatype, companion.kind, kept).partition("/")[2]


def _described(companion: Companion, source: Path) -> JsonObject:
    """The json of a file, or of all files of its kind, with what the config adds."""
    stem = re.sub(r"\.(tsv(\.gz)?|csv)$", "", source.name)
    own = source.with_name(f"{stem}.json")
    shared = [own] if own.is_file() else sorted(source.parent.glob(f"*{companion.kind}.json"))
    told: Any = {}
    if len(shared) == 1:
        try:
            told = read_json(shared[0])
        except ValueError:
            told = None
        if not isinstance(told, dict):
            raise DataError(f"{companion.where}: a json file is not a JSON object")
    told = {
        key: _note(value) if isinstance(value, dict) and key != _SHOWN else value
        for key, value in told.items()
    }
    return told | dict(companion.columns)


def _note(note: Mapping[str, Any]) -> JsonObject:
    return {key: value for key, value in note.items() if key in columns.KEYS}


def behaviour(
    companions: Iterable[Companion], pulled: Path, session: Path, subject: str, label: str
) -> list[Path]:
    """Write the tables of tasks that have no run below `session`/beh.

    Several files of one task are its runs, in the order of their names.
    """
    written: list[Path] = []
    found: dict[tuple[str, ...], list[tuple[Companion, Path]]] = defaultdict(list)
    for companion in companions:
        key = (companion.kind, companion.task or "", companion.acquisition or "")
        sources = resources.files(pulled / "resources" / companion.resource, companion.file)
        found[key] += [(companion, path) for path in sources if path.suffix != ".json"]
    for (kind, task, acquisition), sources in found.items():
        values = {"sub": subject, "ses": label, "task": task}
        values |= {"acq": acquisition} if acquisition else {}
        for number, (companion, source) in enumerate(sources, start=1):
            run = {"run": str(number)} if len(sources) > 1 else {}
            path = session / f"{names.join('beh', kind, values | run)}.tsv"
            path.parent.mkdir(parents=True, exist_ok=True)
            written += _table(companion, source, path, _described(companion, source))
    return written
