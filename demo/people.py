"""Who was scanned, when and by whom. Nobody here exists; every name and number is made up.

The archive's labels hold surnames, as labs' labels do, so that a workflow that does not
pseudonymise is caught.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from pydicom.dataset import Dataset

from demo.dicom import uid

PROJECT = "DEMO"

# given name, surname, born, sex, handedness, weight kg, size m, street
_REGISTER = [
    ("Ottoline", "Quillfeather", "19910417", "F", "right", 61, 1.68, "4 Wobblegate Row"),
    ("Barnabus", "Brambleshaw", "19680923", "M", "left", 84, 1.81, "77 Crumplehorn Hill"),
    ("Philippa", "Zandvoortsma", "20020208", "F", "right", 57, 1.72, "9B Sprocketmoor Lane"),
    ("Ignatius", "Fernwhistle", "19750630", "M", "right", 78, 1.76, "12 Pottlebridge Mews"),
    ("Clementia", "Dravenhollow", "19591111", "F", "ambidextrous", 66, 1.6, "31 Nettlewick End"),
    ("Leopoldus", "Umberthwaite", "19860303", "M", "right", 91, 1.88, "5 Marzipan Yard"),
    ("Seraphine", "Okonjavik", "19970719", "F", "right", 63, 1.7, "18 Tumbledown Quay"),
    ("Thaddeus", "Vellacombe", "19801225", "M", "left", 73, 1.79, "2 Gossamer Steps"),
]
MOST_SUBJECTS = len(_REGISTER)
MOST_SESSIONS = 9
_FIRST_DAY = datetime(2024, 3, 12)


@dataclass(frozen=True)
class Person:
    """One subject as the archive and the headers know them."""

    number: int
    given: str
    surname: str
    birth_date: str
    sex: str
    handedness: str
    weight_kg: float
    size_m: float
    street: str

    @property
    def label(self) -> str:
        """The archive's subject label."""
        return f"D{self.number:02d}_{self.surname}"

    @property
    def patient_id(self) -> str:
        return f"HOSP-{self.number}{self.birth_date[::-1]}"

    @property
    def education(self) -> int:
        """Years at school and after."""
        return 10 + 3 * self.number % 8

    @property
    def birth_year(self) -> int:
        return int(self.birth_date[:4])


@dataclass(frozen=True)
class Visit:
    """One session of one subject."""

    person: Person
    number: int

    @property
    def start(self) -> datetime:
        """When the scanner's clock showed the first series."""
        days = 9 * (self.person.number - 1) + 56 * (self.number - 1)
        minutes = 47 * self.person.number + 23 * self.number
        return _FIRST_DAY + timedelta(days=days, hours=8, minutes=minutes, seconds=13.4175)

    @property
    def label(self) -> str:
        """The archive's session label."""
        return f"{self.person.surname}_{self.start:%Y%m%d}_V{self.number}"

    @property
    def accession(self) -> str:
        return f"GLM{self.person.number:03d}{self.number:02d}7731"

    @property
    def study_uid(self) -> str:
        return str(uid("study", self.label))

    @property
    def note(self) -> str:
        """The note on the archive's session."""
        phone = f"+00 5550 {self.person.number}4{self.number}7"
        return f"Mx {self.person.surname} came late, phone {phone}"

    @property
    def scan_note(self) -> str:
        """The note on the archive's scan of the task."""
        return f"{self.person.given} coughed; told operator Prunella Tackleby"


def people(count: int) -> list[Person]:
    """The first ``count`` of the register."""
    if not 1 <= count <= MOST_SUBJECTS:
        raise ValueError(f"{count} subjects: the register holds 1 to {MOST_SUBJECTS}")
    return [Person(i + 1, *row) for i, row in enumerate(_REGISTER[:count])]


def visits(person: Person, count: int) -> list[Visit]:
    """The first ``count`` visits of a person."""
    if not 1 <= count <= MOST_SESSIONS:
        raise ValueError(f"{count} sessions: a subject has 1 to {MOST_SESSIONS}")
    return [Visit(person, i + 1) for i in range(count)]


def headers(visit: Visit) -> Dataset:
    """Patient, study and equipment attributes of a session's DICOM files."""
    person = visit.person
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 100"
    ds.Modality = "MR"
    ds.StudyInstanceUID = visit.study_uid
    ds.FrameOfReferenceUID = uid("frame of reference", visit.label)
    ds.StudyID = visit.accession
    ds.StudyDate = f"{visit.start:%Y%m%d}"
    ds.StudyTime = f"{visit.start:%H%M%S}.{visit.start.microsecond:06d}"
    ds.PatientName = f"{person.surname}^{person.given}"
    ds.PatientID = person.patient_id
    ds.PatientBirthDate = person.birth_date
    ds.PatientSex = person.sex
    ds.PatientAge = f"{_age(person, visit.start):03d}Y"
    ds.PatientWeight = person.weight_kg
    ds.PatientSize = person.size_m
    ds.PatientPosition = "HFS"
    for keyword, value in _text(visit).items():
        setattr(ds, keyword, value)
    ds.Manufacturer = "Siemens Healthineers"
    ds.ManufacturerModelName = "Simulated"
    ds.SoftwareVersions = "syngo MR XA30"
    ds.MagneticFieldStrength = 3
    ds.BodyPartExamined = "BRAIN"
    block = ds.private_block(0x0009, "GLOAMWICK DIARY", create=True)
    block.add_new(0x01, "LO", _diary(visit))
    return ds


@dataclass(frozen=True)
class Identifier:
    """Something planted that tells who, where or when: its value, what it is and who has it."""

    value: str
    attribute: str
    where: str


def identifiers(visit: Visit) -> list[Identifier]:
    """Everything planted in a visit's headers, labels and notes."""
    person = visit.person
    ds = headers(visit)
    names = {"PatientName": str(ds.PatientName), "surname": person.surname, "given": person.given}
    header = {
        "PatientID": person.patient_id,
        "PatientBirthDate": person.birth_date,
        "StudyDate": ds.StudyDate,
        "StudyTime": ds.StudyTime,
        "StudyInstanceUID": ds.StudyInstanceUID,
        "FrameOfReferenceUID": ds.FrameOfReferenceUID,
        **_text(visit),
        "(0009,1001)": _diary(visit),
    }
    archive = {
        "subject label": person.label,
        "session label": visit.label,
        "session note": visit.note,
        "scan note": visit.scan_note,
    }
    rows = [("DICOM", names), ("DICOM", header), ("archive", archive)]
    return [
        Identifier(str(value), name, where)
        for where, values in rows
        for name, value in values.items()
    ]


def image_comment(visit: Visit) -> str:
    """ImageComments of the T1w series."""
    return f"repeat for {visit.person.given}, see Dr Mortlake"


def _text(visit: Visit) -> dict[str, str]:
    """The attributes with free text or names, by keyword."""
    person = visit.person
    return {
        "AccessionNumber": visit.accession,
        "PatientAddress": f"{person.street}, Gloamwick",
        "OtherPatientIDs": f"NHI-{person.number}55{person.birth_year}0{person.number}",
        "PatientComments": f"{person.given} asks to be called by the sister",
        "ReferringPhysicianName": "Mortlake^Hesper",
        "OperatorsName": "Tackleby^Prunella",
        "InstitutionName": "Gloamwick Infirmary",
        "InstitutionAddress": "1 Larkspur Parade, Gloamwick",
        "StationName": "GLOAMSTATION7",
        "DeviceSerialNumber": "774411GLM",
        "StudyDescription": f"Fingertap {person.surname} visit {visit.number}",
    }


def _diary(visit: Visit) -> str:
    return f"locker {visit.person.number}0{visit.number}, bag of {visit.person.surname}"


def _age(person: Person, on: datetime) -> int:
    before_birthday = f"{on:%m%d}" < person.birth_date[4:]
    return on.year - person.birth_year - before_birthday
