"""The forms that values may have, and how dates, times, ages and UIDs change.

All functions take and return the bytes of a value as they stand in a file (little endian,
padded to an even length), and return None where the value is not of the form.
"""

import re
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from functools import cache
from typing import cast

from coil.deid.identity.dates import cap_age, read_age
from coil.deid.terms import is_term

Rule = Callable[[str], bool]

SIZES = {"US": 2, "SS": 2, "UL": 4, "SL": 4, "FL": 4, "FD": 8, "AT": 4, "UV": 8, "SV": 8}
DAY = 86_400


def _many(one: str) -> re.Pattern[bytes]:
    """A pattern for values as they stand in a file, with a backslash between two.

    No two of its repetitions can take the same blanks: it never takes long.
    """
    value = rf"(?: *{one} *| *)"
    return re.compile(rf"{value}(?:\\{value})*\0?".encode())


_DECIMAL = r"[+-]?(?:\d{1,16}\.?\d{0,16}|\.\d{1,16})(?:[eE][+-]?\d{1,3})?"
_DS = re.compile(_DECIMAL)
_ALL_DS, _ALL_IS = _many(_DECIMAL), _many(r"[+-]?\d{1,6}")
_LONG_IS = _many(r"[+-]?(?:\d{1,6}|1000\d{6})")  # GE adds 10^9 to a b-value
# DICOM: 16 upper-case characters; vendors use more.
_ALL_CS = re.compile(rb"[A-Za-z0-9_ .+/-]{0,32}(?:\\[A-Za-z0-9_ .+/-]{0,32})*\0?")
_ALL_TM = _many(r"(?:[01]\d|2[0-3])(?:[0-5]\d(?:[0-5]\d(?:\.\d{1,6})?)?)?")
_DA = re.compile(r"(\d{4})(\d\d)(\d\d)")
_TM = re.compile(r"(\d\d)(\d\d)?(\d\d)?(\.\d{1,6})?")
_DT = re.compile(r"(\d{4})(\d\d)(\d\d)(\d\d)?(\d\d)?(\d\d)?(\.\d{1,6})?([+-]\d{4})?")
_UI = re.compile(r"(0|[1-9]\d*)(\.(0|[1-9]\d*))+")


def text_of(raw: bytes) -> str | None:
    """The ASCII text of a value without its padding, or None if it is not ASCII."""
    try:
        return raw.decode("ascii").rstrip(" \0")
    except UnicodeDecodeError:
        return None


def padded(text: str, pad: bytes = b" ") -> bytes:
    """Text as the bytes of a value."""
    data = text.encode("ascii")
    return data + pad if len(data) % 2 else data


def of_numbers(vr: str, raw: bytes) -> bytes | None:
    """Binary numbers, whole ones only."""
    return raw if len(raw) % SIZES[vr] == 0 else None


def of_decimals(raw: bytes) -> bytes | None:
    """Decimal strings (DS)."""
    return raw if _ALL_DS.fullmatch(raw) else None


def of_integers(raw: bytes) -> bytes | None:
    """Integer strings (IS), of at most six digits: an ID or a date has more."""
    return raw if _ALL_IS.fullmatch(raw) else None


def of_b_values(raw: bytes) -> bytes | None:
    """Integer strings of a private element, of which one may be GE's b-value."""
    return raw if _LONG_IS.fullmatch(raw) else None


def of_table(raw: bytes) -> bytes | None:
    """A table of colours, unless it reads as text."""
    said = [byte for byte in raw if byte]
    readable = sum(0x20 <= byte < 0x7F for byte in said)
    return raw if 2 * readable < max(len(said), 1) or not said else None


def of_codes(raw: bytes) -> bytes | None:
    """Code strings (CS): terms; of several values those that are none become empty."""
    if not _ALL_CS.fullmatch(raw):
        return None
    parts = raw.decode("ascii").rstrip("\0").split("\\")
    terms = [part if is_term(part) else "" for part in parts]
    if terms == parts:
        return raw
    return padded("\\".join(terms)) if any(map(str.strip, terms)) else None


def of_words(raw: bytes, rule: Rule) -> bytes | None:
    """Text, each of whose values passes a rule."""
    text = text_of(raw)
    if text is None:
        return None
    parts = [part.strip() for part in text.split("\\")]
    return raw if all(not part or rule(part) for part in parts) else None


def of_age(raw: bytes) -> bytes | None:
    """An age (AS) in whole years, as months and days would tell the birthday; capped at 89."""
    age = read_age(text_of(raw) or "")
    return None if age is None else padded(f"{int(cap_age(age)):03}Y")


def rounded(raw: bytes, digits: int, most: float) -> bytes | None:
    """A measure of the person, rounded: a weight to kilograms, a height to centimetres."""
    text = text_of(raw)
    if not text or not _DS.fullmatch(text):
        return None
    number = round(float(text), digits)
    return padded(f"{number:.{digits}f}") if 0 < number < most else None


def of_uids(raw: bytes, renew: Callable[[str], str]) -> bytes | None:
    """UIDs: the standard's own as they are, all others by `renew`."""
    text = text_of(raw)
    if text is None:
        return None
    if _UI.fullmatch(text) and len(text) <= 64:
        return padded(text if is_standard(text) else renew(text), b"\0")
    parts = text.split("\\")
    if not all(_UI.fullmatch(part) and len(part) <= 64 for part in parts):
        return None
    return padded("\\".join(part if is_standard(part) else renew(part) for part in parts), b"\0")


def is_standard(uid: str) -> bool:
    """Whether the standard gave this UID, to a SOP class or a transfer syntax for example."""
    return uid.startswith("1.2.840.10008.") and uid in _standard()


@cache
def _standard() -> frozenset[str]:
    from pydicom._uid_dict import UID_dictionary

    return frozenset(UID_dictionary)


def of_dates(raw: bytes, days: int) -> bytes | None:
    """Dates (DA), moved."""
    text = text_of(raw)
    if text is None:
        return None
    moved = [_moved_date(part, days) for part in text.split("\\")]
    return None if None in moved else padded("\\".join(filter(None, moved)))


def of_times(raw: bytes, base: float) -> bytes | None:
    """Times (TM), earlier by `base` seconds."""
    if not base and _ALL_TM.fullmatch(raw):
        return raw
    text = text_of(raw)
    if text is None:
        return None
    moved = [_moved_time(part, base) for part in text.split("\\")]
    return None if None in moved else padded("\\".join(filter(None, moved)))


def of_moments(raw: bytes, days: int, base: float) -> bytes | None:
    """Dates with times (DT), moved by days and earlier by `base` seconds; no time zone."""
    text = text_of(raw)
    if text is None:
        return None
    moved = [_moved_moment(part, days, base) for part in text.split("\\")]
    return None if None in moved else padded("\\".join(filter(None, moved)))


def seconds(text: str) -> float | None:
    """The seconds since midnight of a TM, or None."""
    match = _TM.fullmatch(text)
    if not match:
        return None
    hours, minutes, of_minute = (int(part or 0) for part in match.groups()[:3])
    if hours > 23 or minutes > 59 or of_minute > 60:
        return None
    return hours * 3600 + minutes * 60 + of_minute + float(match[4] or 0)


def is_code(text: str) -> bool:
    """Whether a text is the code of a public vocabulary (`_UNITS`, or PS3.16 as pydicom has it):
    113100 or T-A0100."""
    return text in _UNITS.split() or text in _codes()


def _moved_date(text: str, days: int) -> str | None:
    match = _DA.fullmatch(text.replace(".", ""))
    if not match:
        return None
    try:
        moved = date(*map(int, match.groups())) + timedelta(days=days)
    except (ValueError, OverflowError):
        return None
    return f"{moved:%Y%m%d}" if moved.year > 999 else None


def _moved_time(text: str, base: float) -> str | None:
    text = text.replace(":", "")
    since = seconds(text)
    if since is None:
        return None
    if not base:
        return text
    whole = (since - base) % DAY
    number, micro = divmod(round(whole * 1e6) % (DAY * 1_000_000), 1_000_000)
    return f"{number // 3600:02}{number // 60 % 60:02}{number % 60:02}.{micro:06}"


def _moved_moment(text: str, days: int, base: float) -> str | None:
    match = _DT.fullmatch(text)
    if not match:
        return None
    year, month, day, *clock = match.groups()[:6]
    hour, minute, second = (int(part or 0) for part in clock)
    try:
        when = datetime(int(year), int(month), int(day), hour, minute, min(second, 59))
        micro = round(float(match[7] or 0) * 1e6)
        moved = when.replace(microsecond=micro) + timedelta(days=days, seconds=-base)
    except (ValueError, OverflowError):
        return None
    if moved.year < 1000:
        return None
    if not base:  # as precise as it was
        return f"{moved:%Y%m%d}" + "".join(part or "" for part in match.groups()[3:7])
    return f"{moved:%Y%m%d%H%M%S.%f}"


def is_meaning(text: str) -> bool:
    """Whether a text is what a code of a public vocabulary means (`_COMMON`, or PS3.16 as
    pydicom has it)."""
    return text in _COMMON or text.lower() in _meanings()


_COMMON = frozenset(
    {
        "Source image for image processing operation", "Localizer", "Diffusion Anisotropy",
        "Diffusion weighted", "Apparent Diffusion Coefficient", "Brain", "Optic canal", "no units",
        "UNDEFINED", "millimeter", "milliseconds", "percent", "cm/s", "unary, no units", "Hertz",
    }
)  # fmt: skip


_UNITS = "1 % ms s mm mm2 mm2/s um2/s s/mm2 cm/s Hz ppm ratio T rad deg UNDEFINED"


@cache
def _codes() -> frozenset[str]:
    from pydicom.sr import _snomed_dict

    snomed = cast("dict[str, dict[str, str]]", vars(_snomed_dict)["mapping"])
    return frozenset((*(code for codes in _vocabulary() for code in codes), *snomed["SRT"]))


@cache
def _meanings() -> frozenset[str]:
    return frozenset(meaning.lower() for codes in _vocabulary() for meaning, _ in codes.values())


def _vocabulary() -> Iterator[dict[str, tuple[str, object]]]:
    """The codes of PS3.16, as pydicom has them: scheme, keyword, code, meaning."""
    from pydicom.sr import _concepts_dict

    schemes = cast(
        "dict[str, dict[str, dict[str, tuple[str, object]]]]", vars(_concepts_dict)["concepts"]
    )
    return (codes for scheme in schemes.values() for codes in scheme.values())
