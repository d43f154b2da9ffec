"""A session's own identifiers, read from its DICOM headers and from what the archive said.

Every file of every series is walked whole: root, sequences at every depth, private and unknown
elements, CSA, file meta information, preamble and padding (`coil.deid.leak.walk`).
"""

import os
import re
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import date
from pathlib import Path
from string import punctuation

from coil import passing
from coil.deid.allow_list.sidecar_keys import RULES
from coil.deid.identity.dates import age_at, cap_age, read_age
from coil.deid.leak import csa, identifiers, people
from coil.deid.leak.elements import CARVED, Element
from coil.deid.leak.identifiers import Identifier, Identifiers
from coil.deid.leak.tags import IDS, TECHNICAL
from coil.deid.leak.walk import Walk
from coil.errors import DataError, RecordError
from coil.records.pulled import PulledSession

# Private elements with technical text: creator and last byte of the tag. dcm2niix reads these.
TECHNICAL_PRIVATE = frozenset(
    {
        (b"SIEMENS MR HEADER", 0x0D),  # where the slice is
        (b"SIEMENS MR HEADER", 0x0E),  # ImageOrientationText
        (b"SIEMENS MR HEADER", 0x0F),  # ReceiveCoilActiveElements
        (b"SIEMENS MR SDI 02", 0x4F),  # ReceiveCoilActiveElements
        (b"SIEMENS MR SDI 02", 0x77),  # SequenceName
        (b"GEMS_PARM_01", 0x81),  # CoilString
    }
)
TEXT = frozenset(("AE", "LO", "LT", "SH", "ST", "UC", "UR", "UT"))
BYTES = frozenset(("OB", "OW", "UN", CARVED))
_AGE = 0x00101010
SMALL = 1024  # a private element up to this size is one text; a larger one is searched for some
MOST = 1 << 20

_COUNTERS = re.compile(r"[A-Z](_\d{1,4}){6,}")  # Siemens numbers frames so, by each dimension
_ASCII = re.compile(rb"[\x20-\x7e]{8,}")
_RUN = re.compile(rb"[\x20-\x5b\x5d-\x7e\x80-\xff]{4,}")
# Digits and points are left of bytes by `_NUMBERS`: a UID, or a date with or without a time.
_NUMBERS = bytes(c if chr(c) in "0123456789." else 32 for c in range(256))
_UID = re.compile(rb"\d+(?:\.\d+){6,}")
_DATE = re.compile(rb"((?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))(?:\d{4,6})?(?:\..*)?")
_LEFT, _RIGHT = re.compile(rb"[A-Za-z]{2,}$"), re.compile(rb"[A-Za-z]{2,}")
# Siemens protocols: `<ParamString."X"> { "value" }` and `sKey.tX = "value"`, of keys like these.
_KEYS = (
    b"atient", b"hysician", b"perator", b"nstitution", b"erial", b"tation", b"ddress", b"irth",
    b"tudy", b"omment",
)  # fmt: skip
_PROTOCOL = re.compile(
    rb"[\w.]{0,40}\"?>?\s{0,8}(?:=|\{)\s{0,40}(?:<[^>]{0,40}>\s*[\d.]*\s*){0,4}\"+([^\"\n]{4,64})\""
)


def collect(pulled: Path) -> Identifiers:
    """The identifiers of a session: of its headers, and of the archive's names and notes.

    Raises DataError if `pulled` holds no pulled session.
    """
    try:
        record = PulledSession.read(pulled / "pulled.json")
    except (OSError, RecordError) as error:
        passing.let_through(error)
        raise DataError("pulled.json: missing or damaged; pull the session again") from None
    found: set[Identifier] = set(_of_archive(record))
    technical: set[str] = set()
    done: set[tuple[str, str]] = set()
    named: set[Identifier] = set()
    walk = Walk()
    for folder in sorted(p for p in (pulled / "series").glob("*") if p.is_dir()):
        for path in files_in(folder):
            for element in walk.file(path):
                found.update(_of_element(element, technical, done))
                if people.tells(element.tag, element.vr):
                    named.update(people.said(element.tag, text) for text in _texts(element))
    return replace(identifiers.gather(found, frozenset(technical)), people=frozenset(named))


def files_in(folder: Path) -> list[Path]:
    """The files below a folder, sorted within each folder."""
    found = sorted((top, sorted(names)) for top, _, names in os.walk(folder))
    return [Path(top, name) for top, names in found for name in names]


def session_age(pulled: Path) -> float | None:
    """The age in years at the scan, capped, by the first header that tells birth and study dates
    or an age; None if none does."""
    for folder in sorted((pulled / "series").glob("*")):
        for path in files_in(folder)[:1]:
            walk = Walk(learns=False, last=_AGE)
            root = {e.tag: e.value.decode("latin-1") for e in walk.file(path) if not e.depth}
            birth, when = _day(root.get(0x00100030)), _day(root.get(0x00080020))
            if birth and when and birth < when:
                return cap_age(age_at(birth, when))
            age = read_age(root.get(_AGE, "").strip("\0 "))
            if age is not None:
                return cap_age(age)
    return None


def _of_archive(record: PulledSession) -> Iterator[Identifier]:
    """The project is not among them: it names the dataset."""
    names = record.identifiers
    labels = (names.subject_id, names.subject_label, names.session_id, names.session_label)
    for text in (*labels, *names.home_labels):
        yield from identifiers.guess(text, "name or ID of the archive")
    for scan in record.scans:
        for line in scan.note.splitlines():
            yield from identifiers.guess(line, "description")


def _of_element(
    element: Element, technical: set[str], done: set[tuple[str, str]]
) -> Iterator[Identifier]:
    if element.vr in BYTES:
        yield from _of_bytes(element.value)
        if element.vr == CARVED:
            yield from _of_runs(element.value)
        return
    kind = _kind(element)
    for text in _texts(element):
        if kind == "DT":
            yield from identifiers.time(text[8:])
        if kind in ("DA", "DT"):
            text = text[:10]  # what a day is read from: the frames of a file share it
        if _is_technical(element, text):
            technical.add(text.casefold())
        elif (kind, text) not in done and not _COUNTERS.fullmatch(text):
            done.add((kind, text))
            yield from _READ[kind](text) if kind in _READ else identifiers.guess(text, kind)


_READ: dict[str, Callable[[str], Iterator[Identifier]]] = {
    "PN": identifiers.person,
    "DA": identifiers.day,
    "DT": identifiers.day,
    "TM": identifiers.time,
    "UI": identifiers.uid,
    "AS": lambda _: iter(()),
}


def _kind(element: Element) -> str:
    """The key by which a text is read: its VR, or what it may be."""
    if element.vr in _READ:
        return element.vr
    if element.tag >> 16 & 1:
        return "private element"
    return "ID" if element.tag in IDS else "description"


def _is_technical(element: Element, text: str) -> bool:
    if element.vr in _READ:
        return False
    if element.tag >> 16 & 1:
        block, number = element.tag >> 8 & 0xFF, element.tag & 0xFF
        if not block or any(
            number == last and bytes([block]) + creator + b"\0" in element.creators
            for creator, last in TECHNICAL_PRIVATE
        ):
            return True
    # Siemens stores protocols as reports, too.
    return element.tag in TECHNICAL or RULES["PulseSequenceDetails"](text)


def _texts(element: Element) -> set[str]:
    """The values of a text; in each way in which others may have read them, if it is not ASCII."""
    if element.value.isascii() and b"\x1b" not in element.value:
        text = element.value.decode("ascii").strip("\0 \t\r\n")
        if "\\" not in text:
            return {text} if text else set()
        texts = {text}
    else:
        texts = {element.value.decode("latin-1"), _declared(element.value, element.charset)}
        with suppress(UnicodeDecodeError):
            texts.add(element.value.decode())
    if element.vr not in ("LT", "ST", "UR", "UT"):
        texts = {value for text in texts for value in text.split("\\")}
    return {text for text in (text.strip("\0 \t\r\n") for text in texts) if text}


def _declared(value: bytes, charset: bytes) -> str:
    """A text by the character sets that its file names (PS3.3 C.12.1.1.2)."""
    names = [name.strip("\0 ") for name in charset.decode("latin-1").split("\\")]
    if names in (["ISO_IR 100"], [""]):
        return value.decode("latin-1")
    if names == ["ISO_IR 192"]:
        return value.decode(errors="replace")
    from pydicom.charset import convert_encodings, decode_bytes

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return decode_bytes(value, convert_encodings(names), set(b"\\^=\r\n\t\f"))
        except (LookupError, ValueError):
            return value.decode("latin-1")


def _of_bytes(data: bytes) -> Iterator[Identifier]:
    """Whatever reads like an identifier in bytes of a make that is not known."""
    packed = data.find(b"\x1f\x8b\x08", 0, 16)  # GE's protocol is compressed
    if packed >= 0:
        with suppress(zlib.error):
            data = zlib.decompressobj(31).decompress(data[packed:], MOST)
    whole = data.strip(b"\0 ").decode("latin-1")
    if len(whole) <= SMALL and whole.isprintable():
        yield from identifiers.guess(whole, "private element")
    elif len(data) <= SMALL:
        for run in _ASCII.findall(data):
            text = run.decode("ascii")
            yield from identifiers.guess(text, "private element")
            yield from identifiers.guess(text.strip(punctuation), "private element")
    for name, vr, value in csa.texts(data):
        text = value.decode("latin-1").strip()
        if vr in _READ:
            yield from _READ[vr](text)
        elif vr in TEXT and name not in csa.TECHNICAL and not _COUNTERS.fullmatch(text):
            yield from identifiers.guess(text, "private element")
    for number in set(data.translate(_NUMBERS).split()):
        if len(number) >= 8 and (when := _DATE.fullmatch(number)):
            yield from identifiers.day(when[1].decode())
        if number.count(b".") >= 6 and (uid := _UID.search(number)):
            yield from identifiers.uid(uid[0].decode())
    for key in _KEYS:
        for position in _positions(data, key):
            if value := _PROTOCOL.match(data, position + len(key)):
                yield from identifiers.guess(value[1].decode("latin-1"), "private element")
    for position in _positions(data, b"^"):
        last = _LEFT.search(data[max(0, position - 64) : position])
        first = _RIGHT.match(data, position + 1)
        if last and first:
            yield from identifiers.person(f"{last[0].decode()}^{first[0].decode()}")


def _positions(data: bytes, part: bytes) -> Iterator[int]:
    """The positions of a part: faster than a regular expression."""
    position = data.find(part)
    while position >= 0:
        yield position
        position = data.find(part, position + 1)


def _of_runs(data: bytes) -> Iterator[Identifier]:
    """Every run of text in bytes that are no elements: there is no telling what it is."""
    for run in _RUN.findall(data):
        text = run.decode("latin-1")
        # Its own VR and length may stand before it, a byte of the next tag behind it.
        for before in range(5):
            for part in (text[before:], text[before:-1], text[before:].strip(punctuation)):
                yield from identifiers.guess(part.strip(), "private element")


def _day(value: str | None) -> date | None:
    text = str(value or "")
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:8]))
    except ValueError:
        return None
