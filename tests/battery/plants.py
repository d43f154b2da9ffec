"""Values that occur nowhere else, of the forms in which people are identified.

Each value carries a token that a pattern finds wherever it ends up: a word that begins with `zq`, a
number that begins with 99, a date before 2020, a time with a fraction that no other has. What is
planted is noted with its place, so that a survivor can be traced back.
"""

import datetime as dt
import hashlib
import re
from dataclasses import dataclass, field
from typing import Any

_LETTERS = b"bcdfghjklmnprstvwxyaeiou"
_FIRST_DAY = dt.date(1931, 1, 1)
_DAYS = 32_000  # to 2018

# What a token looks like in lower case, and whether it must stand apart from digits beside it.
PATTERNS = (
    re.compile(rb"(?=(zq[a-z]{8}))"),
    re.compile(rb"(?=(990\d{9}))"),
    re.compile(rb"(?<![\d.])(99[1-9]\d{6})(?!\d)"),
    re.compile(rb"(\d+\.99\d{5})"),
    re.compile(rb"(?<![\d.])((?:19|20)\d\d-?[01]\d-?[0-3]\d)(?!\d\d|-)"),
    re.compile(rb"(?<![\d.])((?:19|20)\d\d[01]\d[0-3]\d)(?=\d{6})"),
    re.compile(rb"(\d\d:?\d\d:?\d\d\.\d{6})(?!\d)"),
)
# Four letters come about by chance among voxels: ages are looked for in headers and in text.
AGE = re.compile(rb"(?<![\da-z])(\d\d\d[wd])(?!\d\d|[a-z])")


@dataclass
class Plants:
    """All values so far, by their tokens."""

    seed: str
    places: dict[bytes, str] = field(default_factory=dict)
    given: set[bytes] = field(default_factory=set)
    _count: int = 0

    def word(self, place: str) -> str:
        """A word that could be a name: ten letters, the first in upper case."""
        digest = self._next()
        text = "zq" + "".join(chr(_LETTERS[byte % len(_LETTERS)]) for byte in digest[:8])
        return self._note(text, place, self.word).capitalize()

    def number(self, place: str) -> str:
        """A number of twelve digits, as patients and requests have."""
        text = f"990{int.from_bytes(self._next()[:8]) % 10**9:09}"
        return self._note(text, place, self.number)

    def uid(self, place: str) -> str:
        """A UID that holds a number of its own."""
        return f"1.2.826.0.1.3680043.10.{self.number(place)}.7"

    def day(self, place: str) -> str:
        """A date, YYYYMMDD."""
        number = int.from_bytes(self._next()[:4]) % _DAYS
        text = f"{_FIRST_DAY + dt.timedelta(number):%Y%m%d}"
        return self._note(text, place, self.day)

    def time(self, place: str) -> str:
        """A time of day, HHMMSS.ffffff."""
        number = int.from_bytes(self._next()[:8])
        moment = f"{number % 14 + 8:02}{number // 32 % 60:02}{number // 2048 % 60:02}"
        text = f"{moment}.{1 + number // 131072 % 999_998:06}"
        return self._note(text, place, self.time)

    def whole(self, place: str) -> str:
        """A whole number of nine digits."""
        number = int.from_bytes(self._next()[:8])
        text = f"99{number % 9 + 1}{number // 16 % 10**6:06}"
        return self._note(text, place, self.whole)

    def decimal(self, place: str) -> str:
        """A number with a fraction."""
        number = int.from_bytes(self._next()[:8])
        text = f"{number % 90 + 10}.99{number // 128 % 10**5:05}"
        return self._note(text, place, self.decimal)

    def age(self, place: str) -> str:
        """An age in weeks or days."""
        number = int.from_bytes(self._next()[:4])
        return self._note(
            f"{number % 900 + 100}{'wd'[number // 1024 % 2]}", place, self.age
        ).upper()

    def phrase(self, place: str) -> str:
        """Free text in which somebody is named."""
        return f"ask {self.word(place)} first"

    def of_vr(self, vr: str, place: str) -> Any:
        """A value of a DICOM representation that pydicom takes; None if none can be unique."""
        match vr:
            case "PN":
                return f"{self.word(f'{place} family')}^{self.word(f'{place} given')}"
            case "DA":
                return self.day(place)
            case "TM":
                return self.time(place)
            case "DT":
                return self.day(f"{place} date") + self.time(f"{place} time")
            case "UI":
                return self.uid(place)
            case "DS":
                return self.decimal(place)
            case "IS":
                return self.whole(place)
            case "AS":
                return self.age(place)
            case "CS":
                return self.word(place).upper()
            case "AE" | "SH":
                return self.word(place)
            case "LO" | "LT" | "ST" | "UC" | "UT":
                return self.phrase(place)
            case "UR":
                return f"https://example.org/{self.word(place).lower()}"
            case "OB" | "UN" | "OB or OW":
                return f"{self.word(place)}  ".encode()
        return None

    def give(self, text: str, place: str) -> None:
        """Take a value that somebody else made."""
        self.given.add(text.lower().encode())
        self.places[text.lower().encode()] = place

    def found(self, data: bytes) -> set[bytes]:
        """The tokens that occur in bytes as they are, in any case."""
        low = data.lower()
        patterns = (*PATTERNS, AGE) if low[128:132] == b"dicm" or _is_text(low) else PATTERNS
        return {token for token in self.given if token in low} | {
            token
            for pattern in patterns
            for match in pattern.finditer(low)
            for token in self._tokens(match[1])
        }

    def _tokens(self, text: bytes) -> list[bytes]:
        plain = text.replace(b"-", b"").replace(b":", b"")
        return [plain] if plain in self.places else []

    def _next(self) -> bytes:
        self._count += 1
        return hashlib.sha256(f"{self.seed}/{self._count}".encode()).digest()

    def _note(self, text: str, place: str, again: Any) -> str:
        token = text.encode()
        if token in self.places:
            return again(place).lower()
        self.places[token] = place
        return text


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
