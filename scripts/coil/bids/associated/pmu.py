"""Physiology logs of Siemens scanners: .puls, .resp, .ext and .ecg files of the PMU.

The format is described by PhysIO (its manual's part on read-in) and by the Human Connectome
Project (Understanding Timing Information in HCP Physiological Monitoring Files). The first line
holds four numbers and then the samples, with marks between them: 5000 and 6000 for a trigger
that was detected, text between 5002 and 6002 (several lines in some versions), and 5003 at the
end. Lines with statistics follow, and when logging began and ended, in ms after midnight: by the
clock of the host (MPCU) and by that of the measurement (MDH), which is the images' clock.
"""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from coil.errors import DataError

if TYPE_CHECKING:
    import numpy as np

LABELS = {".puls": "cardiac", ".resp": "respiratory", ".ext": "external", ".ecg": "ecg"}
"""What a file holds, by the end of its name."""

# Samples a second: of software VB, which does not say, by signal; of VD and VE, all alike.
_VB = {"cardiac": 50, "respiratory": 50, "external": 200, "ecg": 400}
_VE = 400
_HEAD = 4
_TRIGGERS = ("5000", "6000")
_END = "5003"
_SLACK = 0.05


def read(path: Path, where: str) -> tuple["np.ndarray", float, float]:
    """The samples of one file, a row each, with their frequency in Hz and when they began.

    The time is in seconds after midnight. A file of an ECG holds its leads by turns; they are
    the columns.

    Raises
    ------
    DataError
        If the file is cut off or is none of these.
    """
    import numpy as np

    text = path.read_bytes().decode("ascii", errors="replace")
    begin, end = (_time(text, name, where) for name in ("Start", "Stop"))
    stream, mark, _ = text.partition(_END)
    said = " ".join(re.findall(r"5002(.*?)6002", stream, re.DOTALL))
    cells = re.sub(r"5002.*?6002", " ", stream, flags=re.DOTALL).split()[_HEAD:]
    try:
        values = [float(cell) for cell in cells if cell not in _TRIGGERS]
    except ValueError:
        values = []
    if not mark or not values or end <= begin:
        raise DataError(f"{where}: a physiology log is cut off, or is no log of a Siemens PMU")
    label = LABELS[path.suffix.lower()]
    rate = re.search(r"SAMPLES_PER_SECOND\s*=\s*(\d+)", said)
    frequency = float(rate[1]) if rate else _VE if "LOGVERSION" in said else _VB[label]
    expected = (end - begin) * frequency
    leads = max(1, round(len(values) / expected)) if label == "ecg" else 1
    if abs(len(values) / leads - expected) > max(frequency, _SLACK * expected):
        raise DataError(
            f"{where}: a physiology log has another number of samples than its times tell; "
            "it is cut off, or of a version that is not known"
        )
    count = len(values) // leads
    return np.array(values[: count * leads]).reshape(count, leads), float(frequency), begin


def _time(text: str, name: str, where: str) -> float:
    found = re.search(rf"Log{name}MDHTime:\s*(\d+)", text)
    if found is None:
        raise DataError(
            f"{where}: a physiology log has no Log{name}MDHTime; it is cut off, or is no log of a "
            "Siemens PMU"
        )
    return int(found[1]) / 1000
