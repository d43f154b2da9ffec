"""Single facts that a header tells, wherever its kind of file writes them."""

import re
from collections.abc import Sequence
from datetime import datetime

from coil.bids.series.acquisition import frames
from coil.dicom.header import Header

_A_DATE_ALONE = len("YYYYMMDD")
_TO_THE_SECOND = len("YYYYMMDDHHMMSS")


def text(header: Header, keyword: str) -> str:
    """An attribute as text; "" where it is absent."""
    value = header.get(keyword)
    return "" if value is None else str(value).strip()


def integer(header: Header, keyword: str) -> int | None:
    """An attribute as a whole number."""
    value = header.get(keyword)
    return None if value is None or value == "" else int(value)


def sequence_name(header: Header) -> str:
    """SequenceName, GE's internal pulse sequence name, or PulseSequenceName (enhanced)."""
    for tag in ((0x0018, 0x0024), (0x0019, 0x109C), (0x0018, 0x9005)):
        element = header.get(tag)
        if element is not None and element.value:
            return str(element.value).strip()
    return ""


def timing(header: Header, keyword: str) -> float | None:
    """A timing parameter, from the header's root or the enhanced functional groups."""
    value = header.get(keyword)
    if value is not None and value != "":
        return float(value)
    for group in frames(header):
        parameters = group.get("MRTimingAndRelatedParametersSequence")
        if parameters and parameters[0].get(keyword) is not None:
            return float(parameters[0].get(keyword))
    return None


def inversion_time(header: Header) -> float | None:
    """InversionTime, at the root or (enhanced, as InversionTimes) in the functional groups."""
    value = header.get("InversionTime")
    if value is not None and value != "":
        return float(value)
    for group in frames(header):
        modifier = group.get("MRModifierSequence")
        times = modifier and modifier[0].get("InversionTimes")
        if times:
            return float(times[0] if isinstance(times, Sequence) else times)
    return None


def acq_time(header: Header) -> str | None:
    """ISO date and time of the acquisition, else of the content, else of the series."""
    candidates = [text(header, "AcquisitionDateTime")]
    for kind in ("Acquisition", "Content", "Series"):
        date, time = text(header, f"{kind}Date"), text(header, f"{kind}Time")
        candidates.append(date + time if date and time else "")
    for candidate in candidates:
        digits, _, fraction = re.sub(r"[+-]\d{4}$", "", candidate).partition(".")
        if len(digits) <= _A_DATE_ALONE:
            continue
        try:
            when = datetime.strptime(digits.ljust(_TO_THE_SECOND, "0"), "%Y%m%d%H%M%S")
        except ValueError:
            continue
        return f"{when.isoformat()}.{fraction[:6].ljust(6, '0')}"
    return None
