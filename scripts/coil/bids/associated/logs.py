"""What scanners log of a person's physiology: read, and tied to runs by the clock.

bidsphysio reads some of these formats, too; its last release is of 2021, it leaves out what a
log holds before its second mark, and it does not cut a log to its run.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from coil.bids.associated import cmrr, pmu
from coil.bids.associated.recording import Recording
from coil.files import JsonObject

DAY = 86_400.0
SUFFIXES = (*pmu.LABELS, ".log", ".dcm")
"""The extensions of logs; other files are tables."""

EARLY = 30.0
"""Seconds before its images that a run may begin: dummy scans, and a clock that is off."""

_ABOUT = {
    "cardiac": "Pulse oximeter, as the scanner logged it",
    "respiratory": "Respiration belt, as the scanner logged it",
    "external": "External trigger input, as the scanner logged it",
    "ecg": "Lead of the electrocardiogram, as the scanner logged it",
}
_TRIGGER = "1 at the sample nearest to the start of a volume, else 0"


@dataclass(frozen=True)
class Log:
    """Signals by the clock, by what they are: each starts so many seconds after midnight.

    `began` is when the first volume was measured, where the log tells.
    """

    recordings: Mapping[str, Recording]
    began: float | None = None


def read(paths: Sequence[Path], where: str) -> list[Log]:
    """The logs in files: each of the PMU's and each DICOM file is one, .log files one a run.

    Raises
    ------
    DataError
        If a file is no log, or damaged.
    """
    found = []
    texts: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        suffix = path.suffix.lower()
        if suffix == ".log":
            stem = re.sub(r"_[A-Za-z]+$", "", path.stem)
            texts[f"{path.parent}/{stem}"].append(path.read_text("ascii", errors="replace"))
        elif suffix == ".dcm":
            found.append(read_dicom(path, where))
        else:
            found.append(_of_pmu(path, where))
    found += [_of_cmrr(cmrr.read_texts(texts[stem], where)) for stem in sorted(texts)]
    return found


def read_dicom(path: Path, where: str) -> Log:
    """The log in a DICOM file."""
    return _of_cmrr(cmrr.read_dicom(path, where))


def _of_pmu(path: Path, where: str) -> Log:
    samples, frequency, start = pmu.read(path, where)
    label = pmu.LABELS[path.suffix.lower()]
    leads = samples.shape[1]
    names = tuple(label if leads == 1 else f"{label}{lead + 1}" for lead in range(leads))
    return Log({label: Recording(names, samples, frequency, start, _notes(label, names))})


def _of_cmrr(log: cmrr.Log) -> Log:
    recordings = {}
    for kind, (_, samples) in log.signals.items():
        if samples:
            grid, names, frequency, start = cmrr.sampled(log, kind)
            label = cmrr.LABELS[kind]
            recordings[label] = Recording(names, grid, frequency, start, _notes(label, names))
    return Log(recordings, min(log.volumes) * cmrr.TIC if log.volumes else None)


def _notes(label: str, names: tuple[str, ...]) -> JsonObject:
    about = {
        name: {
            "Description": _TRIGGER if name == "trigger" else _ABOUT[label],
            "Units": "arbitrary",
        }
        for name in names
    }
    return {"PhysioType": "generic", "Manufacturer": "Siemens", **about}


def fitting(logs: Sequence[Log], began: float, length: float) -> dict[str, Recording]:
    """The recordings of a run that began `began` seconds after midnight, relative to it.

    Of several logs of a signal the one that covers most of the run is taken. A log that tells
    its first volume is of the run whose first volume that is, and is aligned by it.
    """
    best: dict[str, tuple[float, Recording]] = {}
    for log in logs:
        origin = began if log.began is None else log.began
        late = _apart(origin, began)
        if not -EARLY <= late <= min(length, EARLY):
            continue
        for label, recording in log.recordings.items():
            start = _apart(recording.start, origin)
            relative = replace(recording, start=round(start, 6))
            share = _overlap(relative, length)
            if share > best.get(label, (0.0, None))[0]:
                best[label] = (share, relative)
    return {label: recording for label, (_, recording) in sorted(best.items())}


def same_minute(one: float, other: float | None) -> bool:
    """Whether two times of day are the same but for whole hours; one may be unknown."""
    if other is None:
        return True
    hours = round((one - other) / 3600)
    return abs(one - other - hours * 3600) <= EARLY


def clock(text: str | None) -> float | None:
    """Seconds after midnight of a time (12:34:56.5) or of a date and time; None if it is none."""
    try:
        when = datetime.fromisoformat(f"1900-01-01T{(text or '').rpartition('T')[2]}")
    except ValueError:
        return None
    midnight = when.replace(hour=0, minute=0, second=0, microsecond=0)
    return (when - midnight).total_seconds()


def _apart(one: float, other: float) -> float:
    """Seconds from `other` to `one`, the short way round midnight."""
    return (one - other + DAY / 2) % DAY - DAY / 2


def _overlap(recording: Recording, length: float) -> float:
    """Seconds of a run that a recording covers."""
    return min(length, recording.start + recording.seconds) - max(0.0, recording.start)
