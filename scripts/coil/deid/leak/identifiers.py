"""What may not leave, and all the forms in which it could.

An identifier is a value of one session: from its DICOM headers (`coil.deid.leak.headers`) or from
the archive. Values shorter than four characters, or two of a script without an alphabet, say
nothing and would be found everywhere.
"""

import calendar
import html
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from urllib.parse import quote

SHORTEST = 4
SHORTEST_BYTES = 6  # of UTF-8: two Chinese characters, two of kana or Hangul
NUMBER = 5  # digits of a number within an ID that tell somebody alone
# Kinds whose words a lab may use itself when it names a task or an acquisition.
LOOSE = frozenset({"description", "private element", "part of a label"})
SEPARATORS = ("", " ", "_", "-", ".", ",", ", ", "^")


@dataclass(frozen=True)
class Identifier:
    """One value and what it is; the value never shows in a log or a traceback."""

    value: str = field(repr=False)
    kind: str


@dataclass(frozen=True)
class Identifiers:
    """All identifiers of a session; `people` as `coil.deid.leak.people` has them."""

    values: frozenset[Identifier] = field(repr=False)
    people: frozenset[Identifier] = field(default=frozenset(), repr=False)

    def __len__(self) -> int:
        return len(self.values)

    def without(self, kind: str) -> "Identifiers":
        """The same but for one kind."""
        return replace(self, values=frozenset(v for v in self.values if v.kind != kind))


def person(value: str) -> Iterator[Identifier]:
    """A person's name: as it is, its parts, and two parts in both orders, joined in all ways."""
    yield Identifier(value.strip("^= "), "name")
    for group in value.split("="):
        parts = [part for part in re.split(r"[\W_]+", group) if part]
        for part in parts:
            if any(c.isalpha() for c in part):
                yield Identifier(part, "name")
        for one, two in ((0, 1), (1, 0)):
            if len(parts) > 1:
                yield from (
                    Identifier(s.join((parts[one], parts[two])), "name") for s in SEPARATORS
                )


def label(value: str, kind: str) -> Iterator[Identifier]:
    """An ID or a label: as it is, without its punctuation; its words and its long numbers, if it
    is no text."""
    yield Identifier(value, kind)
    yield Identifier("".join(c for c in value if c.isalnum()), kind)
    for part in re.split(r"[\W_]+", value):
        if kind not in LOOSE and part.isalpha() and part != value:
            yield Identifier(part, "part of a label")
    for digits in re.findall(r"\d+", value) if kind not in LOOSE else ():
        for number in {digits, digits.lstrip("0")}:
            if number != value and len(digits.lstrip("0")) >= NUMBER:
                yield Identifier(number, kind)


def day(value: str) -> Iterator[Identifier]:
    """A date (20240501 or 2024-05-01, whatever follows) in the ways in which people write it."""
    match = re.match(r"((?:18|19|20)\d\d)-?(0[1-9]|1[0-2])-?(0[1-9]|[12]\d|3[01])", value.strip())
    if not match:
        return
    year, month, of_month = map(int, match.groups())
    try:
        when = date(year, month, of_month)
    except ValueError:
        return
    y, m, d = f"{year:04}", f"{month:02}", f"{of_month:02}"
    forms = {s.join(order) for s in ("", "-", "/", ".", "_", " ") for order in _orders(y, m, d)}
    forms |= {s.join(order) for s in "/.-" for order in _orders(y, f"{month}", f"{of_month}")}
    forms |= {s.join(order) for s in ("", "/", ".", "-") for order in _orders(y[2:], m, d)}
    for name in (calendar.month_name[month], calendar.month_abbr[month]):
        forms |= {f"{number}{s}{name}{s}{y}" for s in ("", " ", "-") for number in (d, of_month)}
        forms |= {f"{name} {number}, {y}" for number in (d, of_month)}
    forms.add(when.strftime("%Y%j"))
    yield from (Identifier(form, "date") for form in forms if len(form) > 5)


def time(value: str) -> Iterator[Identifier]:
    """A time of day (130743.9) as DICOM and as people write it."""
    match = re.fullmatch(r"(\d\d)(\d\d)(\d\d)(\.\d+)?", value.strip())
    if match and value.strip("0."):
        yield Identifier(value.strip(), "time")
        yield Identifier(":".join(match.groups()[:3]), "time")


def uid(value: str) -> Iterator[Identifier]:
    """A UID without its last number, which counts files, and the long numbers in it."""
    value = value.strip("\0 ")
    if value.startswith("1.2.840.10008.") or len(value) < 16:
        return
    stem = value.rpartition(".")[0]
    yield Identifier(stem if len(stem) > 16 else value, "UID")
    yield from (Identifier(part, "UID") for part in value.split(".") if len(part) > 8)


def guess(value: str, kind: str) -> Iterator[Identifier]:
    """A value of which only the kind is known: a date, a UID, or what it says."""
    value = value.strip("\0 ")
    if re.fullmatch(r"\d+(\.\d+){4,}", value):
        yield from uid(value)
        return
    if kind in LOOSE and _is_measured(value):
        return
    yield from day(value)
    yield from label(value, kind)


def gather(values: Iterable[Identifier], technical: frozenset[str] = frozenset()) -> Identifiers:
    """Those that are long enough to be told from other text; loose ones that are not also a
    technical value."""
    return Identifiers(
        frozenset(
            v
            for v in values
            if _is_long(v) and not (v.kind in LOOSE and v.value.casefold() in technical)
        )
    )


def encodings(value: str) -> tuple[set[bytes], set[bytes]]:
    """The bytes that could stand for a value, in lower case: readable ones, and encoded ones
    (UTF-16). What digits and signs stand for is undone before it is searched."""
    low = value.lower()
    if low.isascii():
        plain = {low}
    else:
        plain = {value, unicodedata.normalize("NFC", value), unicodedata.normalize("NFD", value)}
        plain.add("".join(c for c in unicodedata.normalize("NFD", value) if c.isascii()))
        plain.add(low.translate(SPELT))
        plain |= {v.lower() for v in plain} | {v.upper() for v in plain}
    readable = {v.encode() for v in plain}
    if not low.isascii() or not low.isalnum():
        readable |= {f(v).encode() for v in plain for f in (quote, html.escape, _json)}
        readable |= {v.encode("latin-1") for v in plain if _is_latin(v)}
    encoded = {v.encode(code) for v in plain for code in ("utf-16-le", "utf-16-be")}
    return (
        {data.lower() for data in readable if len(data) >= SHORTEST},
        {data.lower() for data in encoded if len(data) >= 8},
    )


def _is_long(identifier: Identifier) -> bool:
    if identifier.kind in LOOSE:
        return len(identifier.value) >= 6
    return len(identifier.value) >= SHORTEST or len(identifier.value.encode()) >= SHORTEST_BYTES


# As people write what a keyboard or a system does not have.
SPELT = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "å": "aa", "ø": "oe", "æ": "ae", "ł": "l"}
)


def _orders(y: str, m: str, d: str) -> tuple[tuple[str, str, str], ...]:
    return (y, m, d), (d, m, y), (m, d, y)


def _is_measured(value: str) -> bool:
    """Whether a text holds decimal numbers only."""
    try:
        numbers = [float(part) for part in re.split(r"[\s,;\\]+", value) if part]
    except ValueError:
        return False
    return bool(numbers) and not value.isdigit()


def _json(value: str) -> str:
    return json.dumps(value)[1:-1]


def _is_latin(value: str) -> bool:
    return all(ord(c) < 256 for c in value)
