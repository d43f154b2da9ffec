"""A session's own identifiers, read from its DICOM headers and from what the archive said.

Every series' first and last file is read whole: root, sequences at every depth, private and
unknown elements, CSA, file meta information and preamble. Of the files between them only those
whose identifying elements differ from the first file's are read, byte by byte compared. (To
read every header costs about as much as the conversion; the files of a series come from one
machine in one go.)
"""

import re
import warnings
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

import pydicom
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag
from pydicom.valuerep import PersonName

from coil.deid import identifiers
from coil.deid.dates import age_at, cap_age, read_age
from coil.deid.identifiers import Identifier, Identifiers
from coil.deid.sidecar_keys import RULES
from coil.errors import DataError
from coil.files import read_json

# Text that a manufacturer or a standard chose: it identifies nobody, and much of it may leave.
_TECHNICAL = """
Manufacturer ManufacturerModelName SoftwareVersions SequenceName ProtocolName SeriesDescription
PulseSequenceName ReceiveCoilName ReceiveCoilManufacturerName TransmitCoilName
TransmitCoilManufacturerName MultiCoilElementName MultiCoilConfiguration ImagedNucleus
ResonantNucleus CodeValue CodeMeaning CodingSchemeDesignator CodingSchemeVersion CodingSchemeName
CodingSchemeResponsibleOrganization ImplementationVersionName WindowCenterWidthExplanation
DimensionDescriptionLabel DimensionIndexPrivateCreator FunctionalGroupPrivateCreator StackID
ContrastBolusAgent ApplicableSafetyStandardDescription LUTExplanation LUTLabel RescaleType
GradientOutputType RectificationType ReconstructionMethod ReconstructionAlgorithm ConvolutionKernel
Radiopharmaceutical AttenuationCorrectionMethod ScatterCorrectionMethod
"""
TECHNICAL = frozenset(_TECHNICAL.split())
# The same among private elements: creator and last byte of the tag. dcm2niix reads these.
TECHNICAL_PRIVATE = frozenset(
    {
        ("SIEMENS MR HEADER", 0x0E),  # ImageOrientationText
        ("SIEMENS MR HEADER", 0x0F),  # ReceiveCoilActiveElements
        ("SIEMENS MR SDI 02", 0x4F),  # ReceiveCoilActiveElements
        ("SIEMENS MR SDI 02", 0x77),  # SequenceName
        ("GEMS_PARM_01", 0x81),  # CoilString
    }
)
TEXT = frozenset(("AE", "LO", "LT", "SH", "ST", "UC", "UR", "UT"))
BYTES = frozenset(("OB", "OW", "UN"))
SMALL = 1024  # a private element up to this size is one text; a larger one is searched for some
MOST = 1 << 20
NEAR = 1 << 16  # the identifying elements stand in the first bytes of a file

_ASCII = re.compile(rb"[\x20-\x7e]{8,}")
_UID = re.compile(rb"\d+(?:\.\d+){6,}")
_DATE = re.compile(
    rb"(?<![\d.])(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?=\D|\d{4,6}\D)"
)
_PERSON = re.compile(rb"[A-Za-z]{2,}\^[A-Za-z]{2,}")
# Siemens protocols: `<ParamString."X"> { "value" }` and `sKey.tX = "value"`, of keys like these.
_PROTOCOL = re.compile(
    rb"(?:atient|hysician|perator|nstitution|erial|tation|ddress|irth|tudy|omment)"
    rb"[\w.]{0,40}\"?>?\s{0,8}(?:=|\{)\s{0,40}(?:<[^>]{0,40}>\s*[\d.]*\s*){0,4}\"+"
    rb"([^\"\n]{4,64})\""
)


def collect(pulled: Path) -> Identifiers:
    """The identifiers of a session: of its headers, and of the archive's names and notes.

    Raises DataError if `pulled` holds no pulled session.
    """
    try:
        record = read_json(pulled / "pulled.json")
    except (OSError, ValueError):
        raise DataError("pulled.json: missing or damaged; pull the session again") from None
    found: set[Identifier] = set(_of_archive(record))
    technical: set[str] = set()
    seen: set[tuple[int, str | None, bytes]] = set()
    for folder in sorted(p for p in (pulled / "series").glob("*") if p.is_dir()):
        files = sorted(p for p in folder.rglob("*") if p.is_file())
        for path in dict.fromkeys(files[:1] + files[-1:] + _odd_ones(files)):
            for identifier in _of_file(path, technical, seen):
                found.add(identifier)
    return identifiers.gather(found, frozenset(technical))


def session_age(pulled: Path) -> float | None:
    """The age in years at the scan, capped, by the first header that tells birth and study dates
    or an age; None if none does."""
    for folder in sorted((pulled / "series").glob("*")):
        for path in sorted(folder.rglob("*"))[:1]:
            data = _read(path)
            if data is None:
                continue
            birth, when = _day(data.get("PatientBirthDate")), _day(data.get("StudyDate"))
            if birth and when and birth < when:
                return cap_age(age_at(birth, when))
            age = read_age(str(data.get("PatientAge") or ""))
            if age is not None:
                return cap_age(age)
    return None


def _of_archive(record: dict[str, Any]) -> Iterator[Identifier]:
    """The project is not among them: it names the dataset."""
    for key, value in record.get("identifiers", {}).items():
        for text in _strings(value):
            if key != "project":
                yield from identifiers.guess(text, "name or ID of the archive")
    for scan in record.get("scans", []):
        for line in str(scan.get("note") or "").splitlines():
            yield from identifiers.guess(line, "description")


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _strings(item)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def _of_file(path: Path, technical: set[str], seen: set) -> Iterator[Identifier]:
    data = _read(path)
    if data is None:
        with path.open("rb") as stream:
            yield from _of_bytes(stream.read(NEAR))
        return
    if data.preamble and data.preamble.strip(b"\0"):
        yield from _of_bytes(data.preamble)
    for element in _walk(data.file_meta, seen):
        yield from _of_element(element, technical)
    for element in _walk(data, seen):
        yield from _of_element(element, technical)


def _read(path: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return pydicom.dcmread(path, stop_before_pixels=True)
        except Exception:  # of many kinds, where a header is damaged
            return None


def _walk(data: Dataset, seen: set) -> Iterator[DataElement]:
    """Each different element once, whatever its depth; equal bytes are decoded once only."""
    for tag in list(data.keys()):
        raw = data.get_item(tag)
        if isinstance(raw, RawDataElement) and raw.VR != "SQ" and isinstance(raw.value, bytes):
            key = (tag, raw.VR, raw.value)
            if key in seen:
                continue
            seen.add(key)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                element = data[tag]
        except Exception:  # pydicom raises what the decoder of the value raised
            if isinstance(raw, RawDataElement) and isinstance(raw.value, bytes):
                yield DataElement(BaseTag(tag), "UN", raw.value)
            continue
        if element.VR == "SQ":
            for item in element.value or ():
                yield from _walk(item, seen)
        else:
            yield element


def _of_element(element: DataElement, technical: set[str]) -> Iterator[Identifier]:
    private = element.tag.is_private
    if element.VR in BYTES:
        if isinstance(element.value, bytes) and (private or element.tag.group == 2):
            yield from _of_bytes(element.value)
        return
    for value in _values(element.value):
        match element.VR:
            case "PN":
                yield from identifiers.person(str(value))
            case "DA" | "DT":
                yield from identifiers.day(str(value))
            case "TM":
                yield from identifiers.time(str(value))
            case "UI":
                yield from identifiers.uid(str(value))
            case _ if element.VR in TEXT:
                text = str(value).strip()
                if _is_technical(element, text):
                    technical.add(text.casefold())
                elif private:
                    yield from identifiers.guess(text, "private element")
                elif re.search("IDs?$|Number$", element.keyword):
                    yield from identifiers.guess(text, "ID")
                else:
                    yield from identifiers.guess(text, "description")


def _is_technical(element: DataElement, text: str) -> bool:
    return (
        element.keyword in TECHNICAL
        or element.tag.is_private_creator
        or (element.private_creator, element.tag.element & 0xFF) in TECHNICAL_PRIVATE
        or RULES["PulseSequenceDetails"](text)  # in the protocols that Siemens stores as reports
    )


def _values(value: Any) -> Iterable[Any]:
    if value is None:
        return ()
    if isinstance(value, str | bytes | PersonName) or not isinstance(value, Iterable):
        return (value,)
    return value


def _of_bytes(data: bytes) -> Iterator[Identifier]:
    """What reads like an identifier in bytes of a make that is not known."""
    packed = data.find(b"\x1f\x8b\x08", 0, 16)  # GE's protocol is compressed
    if packed >= 0:
        with suppress(zlib.error):
            data = zlib.decompressobj(31).decompress(data[packed:], MOST)
    whole = data.strip(b"\0 ").decode("latin-1")
    if len(whole) <= SMALL and whole.isprintable():
        yield from identifiers.guess(whole, "private element")
    elif len(data) <= SMALL:
        for run in _ASCII.findall(data):
            yield from identifiers.guess(run.decode("ascii"), "private element")
    for pattern, kind in ((_UID, "UID"), (_DATE, "date"), (_PROTOCOL, "private element")):
        for run in pattern.findall(data):
            yield from identifiers.guess(run.decode("latin-1"), kind)
    for run in _PERSON.findall(data):
        yield from identifiers.person(run.decode("latin-1"))


def _odd_ones(files: list[Path]) -> list[Path]:
    """The files between first and last in which an identifying element is not as in the first."""
    if len(files) < 3 or (first := _read(files[0])) is None:
        return []
    with files[0].open("rb") as stream:
        head = stream.read(NEAR)
    needles = []
    for tag in list(first.keys()):
        raw = first.get_item(tag)
        if (
            isinstance(raw, RawDataElement)
            and raw.VR in ("PN", "LO", "SH", "LT", "ST", "DA")
            and raw.value
            and not tag.is_private
            and raw.value_tell + raw.length <= NEAR
        ):
            needles.append(head[raw.value_tell - 8 : raw.value_tell + raw.length])
    return [path for path in files[1:-1] if not _holds(path, needles)]


def _holds(path: Path, needles: list[bytes]) -> bool:
    with path.open("rb") as stream:
        head = stream.read(NEAR)
    return all(needle in head for needle in needles)


def _day(value: Any) -> date | None:
    text = str(value or "")
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:8]))
    except ValueError:
        return None
