"""Values in every attribute of Table E.1-1 of DICOM PS3.15, in all places that a file has.

The table is that of the edition 2026c, as dicom-anonymizer carries it.
"""

import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pydicom
from dicomanonymizer.dicom_anonymization_databases.dicomfields_2026c import ALL_TAGS
from pydicom._dicom_dict import DicomDictionary
from pydicom.datadict import dictionary_VR, keyword_for_tag, tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_sequence
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag, Tag

from tests.battery.plants import Plants

SEQUENCE = "AnatomicRegionSequence"  # the table does not name it
# Attributes newer than pydicom's dictionary: text, as far as the table's rows for people go.
_NEW = "LO"
# Rows for whole groups, by one element of each.
_GROUPS = {(0x5000, 0x2500): "LO", (0x6000, 0x3000): "OB", (0x6000, 0x4000): "LT"}
# One value for all files of a session: who was scanned, in which study.
_PERSON = ("PatientName", "PatientID", "PatientBirthDate", "StudyInstanceUID", "StudyDate")
_TOLD = ("PatientAge",)  # ages leave, as participants.tsv has them
ROOT = (*_PERSON, "SeriesDescription", "ProtocolName", "SeriesInstanceUID", "SOPInstanceUID")
_WORDED = ("CS", "SH", "LO", "ST", "LT", "UC", "UT")
# Whether it is a capture, how its text is written, and by which names the mapping tells a map.
_DECIDING = {0x00080005, 0x00080064, 0x00280301, 0x00080008, 0x00089007}
# No file has command elements (group 0000); group 0002 and the padding have their own places.
_ELSEWHERE = (0x0000, 0x0002, 0xFFFC)


def rows() -> dict[BaseTag, str]:
    """The table's attributes and their representations; without those of whole odd groups."""
    plain = {(row[0], row[1]) for row in ALL_TAGS if len(row) == 2} | set(_GROUPS)
    return {Tag(*tag): _GROUPS.get(tag) or _vr(tag) for tag in sorted(plain)}


def keywords() -> set[str]:
    """The table's attributes by keyword."""
    return {keyword_for_tag(tag) for tag in rows()} - {""}


def _vr(tag: tuple[int, int]) -> str:
    try:
        return dictionary_VR(tag)
    except KeyError:
        return _NEW


@dataclass
class Person:
    """What all series of a session share."""

    plants: Plants
    name: str
    values: dict[BaseTag, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for keyword in _PERSON:
            tag = tag_for_keyword(keyword)
            assert tag is not None
            self.values[Tag(tag)] = self.plants.of_vr(dictionary_VR(tag), f"{self.name} {keyword}")


Planter = Callable[[Dataset], None]


def plant(folder: Path, person: Person, planters: Iterable[Planter], extra: bool = True) -> None:
    """Let `planters` change every file of a series; with `extra` also what surrounds a data set."""
    place = f"{person.name} {folder.name}"
    series = person.plants.uid(f"{place} SeriesInstanceUID")
    around = surroundings(person.plants, place)
    planters = list(planters)
    for number, path in enumerate(sorted(folder.iterdir()), 1):
        data = pydicom.dcmread(path)
        for change in planters:
            change(data)
        for tag, value in person.values.items():
            data.add_new(tag, dictionary_VR(tag), value)
        data.add_new("SeriesInstanceUID", "UI", series)
        data.add_new("SOPInstanceUID", "UI", f"{series[:-2]}.8.{number}")
        data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
        if extra:
            around(data)
        data.save_as(path, enforce_file_format=True)
        if extra:
            with path.open("ab") as stream:
                stream.write(around.tail)


class surroundings:  # noqa: N801 - a function with something to tell
    """Values in group 0002, in the preamble, in padding and after the data set."""

    def __init__(self, plants: Plants, place: str) -> None:
        self.preamble = plants.phrase(f"{place} preamble").encode().ljust(128, b"\0")
        self.meta = {
            "SourceApplicationEntityTitle": plants.word(f"{place} 0002 source AE"),
            "SendingApplicationEntityTitle": plants.word(f"{place} 0002 sending AE"),
            "ReceivingApplicationEntityTitle": plants.word(f"{place} 0002 receiving AE"),
            "PrivateInformationCreatorUID": plants.uid(f"{place} 0002 private creator"),
            "PrivateInformation": plants.phrase(f"{place} 0002 private information").encode(),
        }
        padding = plants.phrase(f"{place} padding").encode().ljust(30)
        self.tail = struct.pack("<HH2sHI", 0xFFFC, 0xFFFC, b"OB", 0, len(padding)) + padding

    def __call__(self, data: Dataset) -> None:
        data.preamble = self.preamble
        for keyword, value in self.meta.items():
            setattr(data.file_meta, keyword, value)
        if (0xFFFC, 0xFFFC) in data:
            del data[0xFFFC, 0xFFFC]


def table(plants: Plants, place: str, keep: Iterable[str] = ROOT) -> Planter:
    """Values in all attributes of the table, in a data set; `keep` leaves some as they are."""
    elements = dict(_elements(plants, place, keep))

    def change(data: Dataset) -> None:
        for tag, (vr, value) in elements.items():
            data.add_new(tag, vr, value)

    return change


def beyond(plants: Plants, place: str) -> Planter:
    """Words in the text attributes that the table does not name, where a scanner's terms stand.

    Codes, names of sequences and coils, versions: what is there already stays, as do the
    elements that decide over a whole file.
    """
    listed = {int(tag) for tag in rows()}
    elements = {}
    for tag, (vr, *_) in sorted(DicomDictionary.items()):
        group = tag >> 16
        if vr in _WORDED and 0x0008 <= group <= 0x0054 and tag not in listed | _DECIDING:
            elements[tag] = (vr, plants.of_vr(vr, f"{place} {Tag(tag)}"))

    def change(data: Dataset) -> None:
        for tag, (vr, value) in elements.items():
            if tag not in data:
                data.add_new(tag, vr, value)

    return change


def in_sequence(plants: Plants, place: str, depth: int = 1) -> Planter:
    """The same in an item, `depth` deep, of a sequence that the table does not name."""
    fill = table(plants, place, ())

    def change(data: Dataset) -> None:
        for _ in range(depth):
            item = Dataset()
            setattr(data, SEQUENCE, Sequence([item]))
            data = item
        fill(data)

    return change


def in_frames(plants: Plants, place: str) -> Planter:
    """The same in the functional groups of an enhanced image, shared and of each frame."""
    shared, each = (table(plants, f"{place} {part}", ()) for part in ("shared groups", "frames"))

    def change(data: Dataset) -> None:
        for item in data.get("SharedFunctionalGroupsSequence", ()):
            shared(item)
        for item in list(data.get("PerFrameFunctionalGroupsSequence", ()))[:1]:
            each(item)

    return change


def as_unknown(plants: Plants, place: str) -> Planter:
    """The same, each typed UN as by a node that does not know it."""
    elements = [
        DataElement(tag, "OB", _bytes(value, vr))
        for tag, (vr, value) in _elements(plants, place, ROOT)
    ]
    for element in elements:
        element.VR = "UN"  # at first pydicom would know better

    def change(data: Dataset) -> None:
        for element in elements:
            data.add(element)

    return change


def in_private(plants: Plants, place: str) -> Planter:
    """The same values in private blocks of a make that nobody knows, as text, UN and sequence."""
    values = [pair for _, pair in _elements(plants, place)]

    def change(data: Dataset) -> None:
        for number, (vr, value) in enumerate(values):
            block = data.private_block(0x0099, f"BATTERY {number // 200}", create=True)
            kind = ("UN", "OB", vr)[number % 3]
            block.add_new(number % 200, kind, value if kind == vr else _bytes(value, vr))

    return change


def in_csa(plants: Plants, place: str) -> Planter:
    """Siemens' headers of image and series, and the protocol in the latter."""
    kinds = {
        "PatientName": "PN", "ReferencedImageUID": "UI", "SerialNumber": "LO", "StudyDate": "DA",
    }  # fmt: skip
    image, series = (
        _csa({name: str(plants.of_vr(vr, f"{place} {part} {name}")) for name, vr in kinds.items()})
        for part in ("CSA image", "CSA series")
    )
    protocol = f'<ParamString."tPatientName"> {{ "{plants.phrase(f"{place} protocol")}" }}\n'
    protocol += f'sProtConsistencyInfo.tMeasuredSerial = "{plants.word(f"{place} serial")}"\n'
    nested = plants.phrase(f"{place} XA protocol")

    def change(data: Dataset) -> None:
        block = data.private_block(0x0029, "SIEMENS CSA HEADER", create=True)
        block.add_new(0x10, "OB", image)
        block.add_new(0x20, "OB", series + protocol.encode())
        item = Dataset()
        inner = item.private_block(0x0021, "SIEMENS MR SDS 01", create=True)
        inner.add_new(0x19, "OB", f'tComment = "{nested}"'.encode())
        outer = data.private_block(0x0021, "SIEMENS MR SDS 01", create=True)
        outer.add_new(0xFE, "SQ", Sequence([item]))

    return change


def described(plants: Plants, place: str, begin: str) -> Planter:
    """Descriptions that begin as the mapping knows them and go on with a name."""
    series, protocol = (plants.word(f"{place} {what}") for what in ("description", "protocol"))

    def change(data: Dataset) -> None:
        data.add_new("SeriesDescription", "LO", f"{begin} {series}")
        data.add_new("ProtocolName", "LO", f"{begin} {protocol}")

    return change


def _elements(
    plants: Plants, place: str, keep: Iterable[str] = ()
) -> Iterable[tuple[BaseTag, tuple[str, object]]]:
    kept = {tag_for_keyword(keyword) for keyword in (*keep, *_TOLD)}
    for tag, vr in rows().items():
        if tag.group in _ELSEWHERE or tag in kept:
            continue
        where = f"{place} {keyword_for_tag(tag) or tag}"
        if vr == "SQ":
            item = Dataset()
            item.CodeMeaning = plants.phrase(f"{where} item")
            item.PersonName = plants.of_vr("PN", f"{where} item")
            item.ReferencedSOPInstanceUID = plants.uid(f"{where} item")
            yield tag, (vr, Sequence([item]))
        elif (value := plants.of_vr(vr, where)) is not None:
            yield tag, ("OB" if vr == "OB or OW" else vr, value)


def _bytes(value: object, vr: str) -> bytes:
    """A value as it stands in a file, that of a sequence in implicit VR."""
    if isinstance(value, Sequence):
        buffer = DicomBytesIO()
        buffer.is_little_endian, buffer.is_implicit_VR = True, True
        write_sequence(buffer, DataElement(0x00080096, "SQ", value), ["iso8859"])
        return buffer.getvalue()
    data = value if isinstance(value, bytes) else str(value).encode()
    return data + (b"\0" if vr == "UI" else b" ") * (len(data) % 2)


def _csa(values: dict[str, str]) -> bytes:
    """A Siemens CSA header of version 2, one item an element."""
    data = b"SV10\4\3\2\1" + struct.pack("<2I", len(values), 77)
    for name, value in values.items():
        text = value.encode() + b"\0"
        data += name.encode().ljust(64, b"\0") + struct.pack("<i4siii", 1, b"LO\0\0", 6, 1, 77)
        data += struct.pack("<4i", len(text), len(text), 77, len(text))
        data += text.ljust((len(text) + 3) // 4 * 4, b"\0")
    return data
