"""People whom a session's DICOM headers name, and the search for them in tables of text.

Sessions are searched for all their identifiers before they are admitted. Tables of a dataset
come from elsewhere, and somebody wrote them: what is looked for there are names, the numbers by
which a patient is known, telephone numbers and addresses, of every session of the project.
In prose a name counts as a whole word only, and not at all where it is a word of the language.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from itertools import pairwise, permutations
from pathlib import Path

from coil.deid.identity.identities import SALT, keyed_digest
from coil.deid.leak import identifiers
from coil.deid.leak.common_words import COMMON
from coil.deid.leak.encodings import is_text, undone
from coil.deid.leak.identifiers import NUMBER, SHORTEST, Identifier
from coil.deid.leak.public_words import PUBLIC
from coil.deid.leak.search import Searcher
from coil.deid.leak.tags import CONTACTS, NAMES, PATIENT_IDS
from coil.records.people import PeopleRecord

PATIENT = "patient's name (of a DICOM header)"
PERSON = "person's name (of a DICOM header)"
ID = "patient's number or ID (of a DICOM header)"
CONTACT = "telephone number or address (of a DICOM header)"
WORDS = COMMON | {word.decode() for word in PUBLIC}
"""Words of the language, even where somebody is called so."""
_NAMED = (PATIENT, PERSON)
_PATIENT_GROUP = 0x0010
_SHORTEST = 2  # letters of a name that may be found as a whole word
_SUBSCRIBER = 8  # last digits of a telephone number: without what one dials before them
_LETTERS = re.compile(r"[^\W\d_]+")
_NUMBER = re.compile(r"(?<![\d.])\d+(?!\.?\d)")
_BETWEEN_DIGITS = re.compile(r"(?<=\d)[ /().-]+(?=\d)")


def tells(tag: int, vr: str) -> bool:
    """Whether an element tells who somebody is."""
    return vr == "PN" or tag in NAMES or tag in PATIENT_IDS or tag in CONTACTS


def said(tag: int, text: str) -> Identifier:
    """Such an element's text, as it stands there, with its kind."""
    if tag in PATIENT_IDS or tag in CONTACTS:
        return Identifier(text, ID if tag in PATIENT_IDS else CONTACT)
    return Identifier(text, PATIENT if tag >> 16 == _PATIENT_GROUP else PERSON)


def write(path: Path, people: Iterable[Identifier] = (), secret: bytes = b"") -> None:
    """Note the people of a session, for the owner alone; `secret` is the project's."""
    rows = sorted((one.kind, one.value) for one in people)
    # Of the file Snakemake notes a digest, which nobody may compute from guesses; see `SALT`.
    salt = keyed_digest(secret, SALT).hex()[:32]
    PeopleRecord(people=tuple(rows), salt=salt).write(path, 0o600)


def read(paths: Iterable[Path]) -> set[Identifier]:
    """The people of sessions."""
    rows = (row for path in paths for row in PeopleRecord.read(path).people)
    return {Identifier(value, kind) for kind, value in rows}


class People:
    """Finds people in text."""

    def __init__(self, people: Iterable[Identifier], public: Collection[str] = ()) -> None:
        """`public` are labels of the dataset, which its tables hold."""
        self.words: dict[str, str] = {}
        self.short: dict[str, str] = {}
        self.pairs: dict[tuple[str, str], str] = {}
        self.numbers: set[str] = set()
        others: set[Identifier] = set()
        self._public = {_folded(word) for word in public}
        for one in people:
            if one.kind in _NAMED:
                for group in one.value.split("="):
                    others.update(self._add_name(group, one.kind))
            else:
                others.update(self._add_number(one))
        self._searcher = Searcher(identifiers.gather(others), public)

    def kind(self, cells: Iterable[str]) -> str | None:
        """Of which kind a cell names somebody, None if none does."""
        lines = [cell for cell in cells if cell]
        text = "\n".join(lines)
        data = text.encode()
        plain = [one.decode(errors="replace") for *_, one in undone(data) if is_text(one)]
        for one in (text, *plain):
            for kind in self._in_prose(one):
                return kind
        for line in lines:
            if not line.lstrip("+-").isdigit() and self.numbers & set(_NUMBER.findall(line)):
                return ID
        joined = "\n".join({*lines, *(_BETWEEN_DIGITS.sub("", line) for line in lines)})
        for *_, kind in self._searcher.in_text(joined.encode()):
            return kind
        return None

    def _in_prose(self, text: str) -> Iterator[str]:
        found = _LETTERS.findall(text)
        folded = [_folded(word) for word in found]
        for word, low in zip(found, folded, strict=True):
            for form in (low, low.removesuffix("s")):  # of a genitive
                if kind := self.words.get(form):
                    yield kind
            if word[0].isupper() and (kind := self.short.get(low)):
                yield kind
        for pair in pairwise(folded):
            if kind := self.pairs.get(pair):
                yield kind

    def _add_name(self, name: str, kind: str) -> Iterator[Identifier]:
        """Index the words of a name; yields the parts that do not stand as words in prose."""
        parts = [part for part in re.split(r"[\W_]+", name) if any(map(str.isalpha, part))]
        forms: list[tuple[str, ...]] = []
        for part in parts:
            spelt = tuple({_folded(part), _folded(part.lower().translate(identifiers.SPELT))})
            if _LETTERS.fullmatch(part) and spelt[0].isascii():
                forms.append(spelt)
            elif len(part) > SHORTEST or not part.isascii():
                yield Identifier(part, kind)
        for form in forms:
            for word in form:
                if self._is_a_word(word) or len(word) < _SHORTEST:
                    continue
                if len(word) >= SHORTEST:
                    self.words.setdefault(word, kind)
                elif kind == PATIENT:
                    self.short.setdefault(word, kind)
        for one, two in permutations(forms[:3], 2):
            for pair in ((first, second) for first in one for second in two):
                if min(map(len, pair)) >= _SHORTEST and not all(map(self._is_a_word, pair)):
                    self.pairs.setdefault(pair, kind)
                    if len("".join(pair)) >= NUMBER and not self._is_a_word("".join(pair)):
                        self.words.setdefault("".join(pair), kind)

    def _add_number(self, one: Identifier) -> Iterator[Identifier]:
        """Index a number; yields the forms in which it is looked for in any place."""
        if one.kind == CONTACT:
            plain = "".join(filter(str.isalnum, one.value))
            if len(plain) > _SUBSCRIBER:
                yield one
                yield Identifier(plain, CONTACT)
            if plain.isdigit() and len(plain) >= _SUBSCRIBER:
                yield Identifier(plain[-_SUBSCRIBER:], CONTACT)
            return
        for form in identifiers.label(one.value, ID):
            digits = form.value.isdigit()
            if form.kind != ID or (digits and len(form.value) < NUMBER):
                continue
            if digits and form.value not in self._public:
                self.numbers.add(form.value)
            if digits or any(map(str.isdigit, form.value)) or not self._is_a_word(form.value):
                yield form

    def _is_a_word(self, text: str) -> bool:
        folded = _folded(text)
        return folded in WORDS or folded in self._public


def _folded(text: str) -> str:
    """Text without what differs between ways of writing it: case and accents."""
    plain = unicodedata.normalize("NFKD", text)
    return "".join(c for c in plain if not unicodedata.combining(c)).casefold()
