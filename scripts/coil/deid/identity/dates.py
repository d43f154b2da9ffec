"""Dates that keep the intervals and give nothing away.

BIDS: dates may be shifted by a number of days that is the same for all of a subject, and
shifted dates lie before 1925, so that nobody takes them for real; ages are capped at 89.
"""

import math
import re
from datetime import date, datetime, timedelta

from coil.deid.identity.identities import keyed_digest

# 121 to 150 years back: the years 1895 to 1924 for a date in 2045, 1835 to 1864 for one in 1985.
SHORTEST_SHIFT = 44_196
LONGEST_SHIFT = 54_786
DAYS_A_YEAR = 365.25
OLDEST = 89.0
NOT_KNOWN = "n/a"


def shift_days(secret: bytes, project: str, subject_id: str) -> int:
    """Days (negative) by which all dates of a subject move; the same for all its sessions."""
    number = int.from_bytes(keyed_digest(secret, "dates", project, subject_id), "big")
    return -(SHORTEST_SHIFT + number % (LONGEST_SHIFT - SHORTEST_SHIFT + 1))


def shift(when: datetime, days: int) -> datetime:
    """`when`, moved by whole days: time of day and intervals stay."""
    return when + timedelta(days=days)


def acq_time(
    when: datetime | None,
    days: int,
    *,
    dates: str = "shift",
    time_of_day: str = "keep",
) -> str:
    """The acq_time of scans.tsv, `YYYY-MM-DDThh:mm:ss[.ffffff]`, or n/a.

    `dates` is shift or none, `time_of_day` keep or drop, as in the config.
    """
    if when is None or dates == "none":
        return NOT_KNOWN
    moved = shift(when.replace(tzinfo=None), days)
    if time_of_day == "drop":
        moved = moved.replace(hour=0, minute=0, second=0, microsecond=0)
    return moved.isoformat()


def age_at(birth: date, when: date) -> float:
    """Age in years, rounded down to a tenth, as finer steps would tell the birthday."""
    return math.floor((when - birth).days / DAYS_A_YEAR * 10 + 1e-9) / 10


def cap_age(age: float) -> float:
    """`age` in years, 89 for all that are older: BIDS wants a number ("89+" is deprecated)."""
    return min(float(age), OLDEST)


def read_age(text: str) -> float | None:
    """A DICOM age string (PS3.5, VR AS: 031Y, 018M, 006W, 004D) in years; None if it is none."""
    match = re.fullmatch(r"(\d{3})([DWMY])", text.strip())
    if not match or match[1] == "000":
        return None
    a_year = {"D": DAYS_A_YEAR, "W": DAYS_A_YEAR / 7, "M": 12, "Y": 1}[match[2]]
    return math.floor(int(match[1]) / a_year * 10) / 10
