"""The filters of listings."""

import re
from collections.abc import Callable
from datetime import datetime
from fnmatch import fnmatchcase

from localxnat.errors import Refused
from localxnat.model import fields

_DATES = {"date", "insert_date", "last_modified", "dob"}
_DAY = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})(?: (\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?))?")


def condition(xsi_type: str, path: str, value: str) -> Callable[[str], bool]:
    """The test that a filter makes of a field's value: alternatives, `*`, dates or numbers."""
    if is_date(path):
        return in_dates(value)
    found = fields.spelled(xsi_type, path)[1]
    if found is not None and found.is_number:
        return _in_numbers(value)
    wanted = value.split(",")
    if "*" not in value and "%" not in value:
        return set(wanted).__contains__
    patterns = [re.sub(r"([\[?])", r"[\1]", text.replace("%", "*")) for text in wanted]
    return lambda found: any(fnmatchcase(found, pattern) for pattern in patterns)


def in_dates(value: str) -> Callable[[str], bool]:
    ranges: list[tuple[str, str]] = []
    for part in value.split(","):
        # XNAT splits at the first hyphen, which is why ISO dates do not work there either.
        first, hyphen, last = part.partition("-")
        low, high = _day(first), _day(last) if hyphen else _day(first)
        ranges.append((low, high if len(high) > 10 else f"{high}~"))
    return lambda found: bool(found) and any(low <= found <= high for low, high in ranges)


def _in_numbers(value: str) -> Callable[[str], bool]:
    """Numbers and ranges such as 20-30; as in XNAT, the first hyphen divides."""
    ranges: list[tuple[float, float]] = []
    for part in value.split(","):
        first, hyphen, last = part.partition("-")
        try:
            ranges.append((float(first), float(last if hyphen else first)))
        except ValueError:
            raise Refused(400, "A filter of numbers is NUMBER or NUMBER-NUMBER.") from None

    def test(found: str) -> bool:
        try:
            number = float(found)
        except ValueError:
            return False
        return any(low <= number <= high for low, high in ranges)

    return test


def is_date(column: str) -> bool:
    """Whether filters on a column are ranges of dates."""
    return column.rsplit("/", 1)[-1].lower() in _DATES


def day(text: str) -> str | None:
    """`MM/DD/YYYY`, with or without a time, as ISO; None for anything else."""
    match = _DAY.fullmatch(text.strip())
    if match is None:
        return None
    month, number, year, clock = match.groups()
    try:
        date = datetime(int(year), int(month), int(number)).date().isoformat()
    except ValueError:
        raise Refused(400, "A date filter names a day that does not exist.") from None
    return f"{date} {clock}" if clock else date


def _day(text: str) -> str:
    found = day(text)
    if found is None:
        raise Refused(400, "A date filter is MM/DD/YYYY or MM/DD/YYYY-MM/DD/YYYY.")
    return found
