"""Physiology logs of CMRR's multiband sequences, as .log files or inside a DICOM file.

The format is described by its makers (the repository CMRR-C2P/MB, readCMRRPhysio). A log is
lines `NAME = VALUE` and lines of data. That of the acquisition has the time of every slice; that
of a signal a line a sample: time, channel, value. Times are in tics of 2.5 ms after midnight.
In DICOM the logs lie one behind the other in blocks of 1024 bytes times AcquisitionNumber: the
length of the log and of its name, the name, and from byte 1024 on the log.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from coil import passing
from coil.errors import DataError

if TYPE_CHECKING:
    import numpy as np

TIC = 0.0025
"""Seconds."""

VERSION = "EJA_1"
LABELS = {"PULS": "cardiac", "RESP": "respiratory", "ECG": "ecg", "EXT": "external"}

_ROW = 1024
_PRIVATE = (0x7FE1, 0x1010)
_SPECTROSCOPY = (0x5600, 0x0020)
_ACQUISITION = "ACQUISITION_INFO"


@dataclass
class Log:
    """The logs of one run: tics of each volume's start, and of each signal its samples.

    `signals` has, by LogDataType, the tics between samples and the (tic, channel, value) of
    each; an external signal has samples only where there was one.
    """

    volumes: list[int] = field(default_factory=list)
    span: tuple[int, int] | None = None
    signals: dict[str, tuple[int, list[tuple[int, str, float]]]] = field(default_factory=dict)


def read_dicom(path: Path, where: str) -> Log:
    """The logs in a DICOM file (a series _PhysioLog).

    Raises
    ------
    DataError
        If it holds none.
    """
    import pydicom

    try:
        header = pydicom.dcmread(path)
        element = header.get(_PRIVATE) or header.get(_SPECTROSCOPY)
        data = bytes(element.value) if element is not None else b""
        rows = int(header.get("AcquisitionNumber") or 0)
    except Exception as error:  # whatever a damaged file makes of the parser
        passing.let_through(error)
        data, rows = b"", 0
    size = rows * _ROW
    if not data or not size or len(data) % size:
        raise DataError(f"{where}: holds no physiology logs of CMRR's sequences")
    return read_texts((_text(data[at : at + size]) for at in range(0, len(data), size)), where)


def _text(block: bytes) -> str:
    length = int.from_bytes(block[:4], "little")
    return block[_ROW : _ROW + length].decode("ascii", errors="replace")


def read_texts(texts: Iterable[str], where: str) -> Log:
    """The logs of one run from their texts.

    Raises
    ------
    DataError
        If they are of another version or of several runs, or if no signal is among them.
    """
    log = Log()
    runs = set()
    for text in texts:
        head = dict(re.findall(r"^\s*(\w+)\s*=\s*(\S+)", text, re.MULTILINE))
        if head.get("LogVersion") != VERSION:
            raise DataError(f"{where}: a physiology log is not of the version {VERSION}")
        runs.add(head.get("UUID"))
        cells = (line.split() for line in text.splitlines() if "=" not in line)
        rows = [row for row in cells if row and row[0].isdecimal()]
        kind = head.get("LogDataType", "")
        if kind == _ACQUISITION:
            _add_acquisition(log, head, rows)
        elif kind in LABELS and (step := head.get("SampleTime", "")).isdecimal() and int(step):
            log.signals[kind] = (int(step), _samples(rows))
    if len(runs) > 1:
        raise DataError(f"{where}: physiology logs of {len(runs)} runs are mixed; see their UUID")
    if not any(samples for _, samples in log.signals.values()):
        raise DataError(f"{where}: the physiology logs hold no signal")
    return log


def _add_acquisition(log: Log, head: dict[str, str], rows: list[list[str]]) -> None:
    """Rows: volume, slice, tics of its start and its end, and the echo."""
    starts: dict[int, int] = {}
    for row in rows:
        if len(row) > 3 and row[2].isdecimal():  # the last line may be cut off
            volume = int(row[0])
            starts[volume] = min(int(row[2]), starts.get(volume, int(row[2])))
    log.volumes = [starts[volume] for volume in sorted(starts)]
    first, last = head.get("FirstTime", ""), head.get("LastTime", "")
    if first.isdecimal() and last.isdecimal():
        log.span = (int(first), int(last))


def _samples(rows: list[list[str]]) -> list[tuple[int, str, float]]:
    found = []
    for row in rows:
        if len(row) > 2 and row[2].lstrip("-").isdecimal():
            found.append((int(row[0]), row[1], float(row[2])))
    return found


def sampled(log: Log, kind: str) -> tuple["np.ndarray", tuple[str, ...], float, float]:
    """A signal on an even grid: samples, columns, frequency in Hz, start in s after midnight.

    Where the log has no sample there is NaN; an external signal is 0 then. The last column is
    `trigger`, 1 at the sample nearest to the start of each volume, where the log tells them.
    """
    import numpy as np

    step, samples = log.signals[kind]
    channels = sorted({channel for _, channel, _ in samples})
    tics = np.array([tic for tic, _, _ in samples])
    first, last = int(tics.min()), int(tics.max())
    if kind == "EXT" and log.span:
        first, last = min(first, log.span[0]), max(last, log.span[1])
    count = round((last - first) / step) + 1
    grid = np.full((count, len(channels) + bool(log.volumes)), 0.0 if kind == "EXT" else np.nan)
    positions = np.rint((tics - first) / step).astype(int)
    for position, (_, channel, value) in zip(positions, samples, strict=True):
        grid[position, channels.index(channel)] = value
    label = LABELS[kind]
    names = tuple(label if len(channels) == 1 else f"{label}{i + 1}" for i in range(len(channels)))
    if log.volumes:
        grid[:, -1] = 0
        starts = np.rint((np.array(log.volumes) - first) / step).astype(int)
        grid[starts[(starts >= 0) & (starts < count)], -1] = 1
        names += ("trigger",)
    return grid, names, 1 / (TIC * step), first * TIC
