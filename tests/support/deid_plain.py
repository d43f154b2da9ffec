"""The identifiers of DICOM files as pydicom reads them, every element of every file.

Slow and plain: what `coil.deid.leak.headers` finds faster must be at least this.
"""

import re
import warnings
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import pydicom
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.valuerep import PersonName

from coil.deid.allow_list.sidecar_keys import RULES
from coil.deid.leak import identifiers
from coil.deid.leak.identifiers import Identifier
from coil.deid.leak.tags import TECHNICAL_KEYWORDS

TEXT = frozenset(("AE", "LO", "LT", "SH", "ST", "UC", "UR", "UT"))
SIEMENS = "SIEMENS MR HEADER"
TECHNICAL_PRIVATE = {
    (SIEMENS, 0x0D), (SIEMENS, 0x0E), (SIEMENS, 0x0F), ("SIEMENS MR SDI 02", 0x4F),
    ("SIEMENS MR SDI 02", 0x77), ("GEMS_PARM_01", 0x81),
}  # fmt: skip
PATTERNS = (
    ("UID", re.compile(rb"\d+(?:\.\d+){6,}")),
    (
        "date",
        re.compile(
            rb"(?<![\d.])(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?=\D|\d{4,6}\D)"
        ),
    ),
    (
        "private element",
        re.compile(
            rb"(?:atient|hysician|perator|nstitution|erial|tation|ddress|irth|tudy|omment)"
            rb"[\w.]{0,40}\"?>?\s{0,8}(?:=|\{)\s{0,40}(?:<[^>]{0,40}>\s*[\d.]*\s*){0,4}\"+"
            rb"([^\"\n]{4,64})\""
        ),
    ),
)


def read(files: Iterable[Path]) -> frozenset[Identifier]:
    """The identifiers in files, as `coil.deid.leak.headers.collect` gathers them."""
    found: set[Identifier] = set()
    technical: set[str] = set()
    for path in files:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            data = pydicom.dcmread(path, stop_before_pixels=True)
            for element in [*elements(data.file_meta), *elements(data)]:
                found.update(of_element(element, technical))
        if data.preamble:
            found.update(of_bytes(data.preamble))
    return identifiers.gather(found, frozenset(technical)).values


def elements(data: Dataset) -> Iterator[DataElement]:
    """Every element but sequences, at every depth."""
    for tag in list(data.keys()):
        raw = data.get_item(tag)
        try:
            element = data[tag]
        except Exception:  # pydicom raises what the decoder of the value raised
            if isinstance(raw, RawDataElement) and isinstance(raw.value, bytes):
                yield DataElement(tag, "UN", raw.value)
            continue
        if element.VR == "SQ":
            for item in element.value or ():
                yield from elements(item)
        else:
            yield element


def of_element(element: DataElement, technical: set[str]) -> Iterator[Identifier]:
    private = element.tag.is_private
    if element.VR in ("OB", "OW", "UN"):
        if isinstance(element.value, bytes) and (private or element.tag.group == 2):
            yield from of_bytes(element.value)
        return
    for value in values(element.value):
        text = str(value).strip()
        if element.VR == "PN":
            yield from identifiers.person(text)
        elif element.VR in ("DA", "DT"):
            yield from identifiers.day(text)
        elif element.VR == "TM":
            yield from identifiers.time(text)
        elif element.VR == "UI":
            yield from identifiers.uid(text)
        elif element.VR in TEXT:
            if is_technical(element, text):
                technical.add(text.casefold())
            elif private:
                yield from identifiers.guess(text, "private element")
            elif re.search("IDs?$|Number$", element.keyword):
                yield from identifiers.guess(text, "ID")
            else:
                yield from identifiers.guess(text, "description")


def is_technical(element: DataElement, text: str) -> bool:
    return (
        element.keyword in TECHNICAL_KEYWORDS.split()
        or element.tag.is_private_creator
        or (element.private_creator, element.tag.element & 0xFF) in TECHNICAL_PRIVATE
        or RULES["PulseSequenceDetails"](text)
        or (element.tag.is_private and bool(re.fullmatch(r"[A-Z](_\d{1,4}){6,}", text)))
    )


def values(value: object) -> Iterable[object]:
    if value is None:
        return ()
    if isinstance(value, str | bytes | PersonName) or not isinstance(value, Iterable):
        return (value,)
    return value


def of_bytes(data: bytes) -> Iterator[Identifier]:
    if b"\x1f\x8b\x08" in data[:16]:  # GE's protocol
        data = zlib.decompressobj(31).decompress(data[data.index(b"\x1f\x8b\x08") :])
    whole = data.strip(b"\0 ").decode("latin-1")
    if len(whole) <= 1024 and whole.isprintable():
        yield from identifiers.guess(whole, "private element")
    elif len(data) <= 1024:
        for run in re.findall(rb"[\x20-\x7e]{8,}", data):
            yield from identifiers.guess(run.decode("ascii"), "private element")
    for kind, pattern in PATTERNS:
        for run in pattern.findall(data):
            yield from identifiers.guess(run.decode("latin-1"), kind)
    for run in re.findall(rb"[A-Za-z]{2,}\^[A-Za-z]{2,}", data):
        yield from identifiers.person(run.decode("latin-1"))
