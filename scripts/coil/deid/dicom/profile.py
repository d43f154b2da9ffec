"""What becomes of each element: by its tag, its value and its place.

An element stays only if its SOP class has it, Annex E's table lets it (or an option that we
take does) and its value is of the form that its attribute has. Each decision depends on the
element alone and on what is the same for the whole file, so that `fast` may remember it.
"""

import csv
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, cached_property, partial
from pathlib import Path

from coil.deid.dicom import private, values
from coil.deid.dicom.forms import SPECIAL, Form, nothing, plain, private_rule
from coil.deid.dicom.texts import TEXTS
from coil.deid.dicom.values import padded
from coil.deid.identity.identities import keyed_digests
from coil.deid.pixels import SCANNED

EDITION = "2026c"
ROOT = "2.25."
# The part of a UID that tells who wrote a file (PS3.7, D.3.3.2); from a random UUID.
IMPLEMENTATION = ROOT + "261417380905671297416541963106480274017"

_MR = ("mr", "enhanced_mr", "legacy_mr", "color_mr")
_PET = ("pet", "enhanced_pet", "legacy_pet")
_CT = ("ct", "enhanced_ct", "legacy_ct")
# SOP class -> (its column in attributes.tsv, the columns of its kin: scanners extend a class by
# attributes of its kin, as PS3.2 allows).
CLASSES: dict[str, tuple[str, tuple[str, ...]]] = {
    uid: (column, kin)
    for uid, column in SCANNED.items()
    for kin in (_MR, _PET, _CT)
    if column in kin
}


# The codes of the profile and of the options that are taken (PS3.16, CID 7050).
_CODES = {
    "113100": "Basic Application Confidentiality Profile",
    "113105": "Clean Descriptors Option",
    "113107": "Retain Longitudinal Temporal Information Modified Dates Option",
    "113108": "Retain Patient Characteristics Option",
    "113111": "Retain Safe Private Option",
}
_MODIFIED_DATES = "113107"


def options(dates: str) -> dict[str, str]:
    """The meanings of the profile and its options by code; `dates` is shift or none."""
    return {c: m for c, m in _CODES.items() if dates == "shift" or c != _MODIFIED_DATES}


@dataclass(frozen=True)
class Attribute:
    """A row of attributes.tsv: `basic` is the table's action, `types` those of the classes."""

    keyword: str
    vr: str
    basic: str
    options: str
    types: dict[str, str]


@cache
def attributes() -> dict[int, Attribute]:
    """attributes.tsv by tag."""
    with Path(__file__).with_name("attributes.tsv").open(encoding="ascii", newline="") as stream:
        rows = csv.DictReader(stream, delimiter="\t")
        return {
            int(row["tag"], 16): Attribute(
                row["keyword"],
                row["vr"],
                row["basic"],
                row["options"],
                {name: row[name] for name in (*_MR, *_PET, *_CT) if row[name]},
            )
            for row in rows
        }


# Of the table, and yet kept: texts that are checked or made anew, sequences that are cleaned.
_RETAINED_NAMES = """
ImageComments ReferencedImageSequence SourceImageSequence
PatientSex PatientAge PatientWeight PatientSize
"""
_RETAINED = frozenset(_RETAINED_NAMES.split())
# Times are kept where the course of a scan needs them.
_MOMENTS_NAMES = """
StudyDate SeriesDate AcquisitionDate ContentDate StudyTime SeriesTime AcquisitionTime
ContentTime AcquisitionDateTime FrameAcquisitionDateTime FrameReferenceDateTime
RadiopharmaceuticalStartTime RadiopharmaceuticalStartDateTime RadiopharmaceuticalStopTime
RadiopharmaceuticalStopDateTime DecayCorrectionDateTime InstanceCreationDate
InstanceCreationTime ContrastBolusStartTime ContrastBolusStopTime
"""
_MOMENTS = frozenset(_MOMENTS_NAMES.split())
_TEXT_VRS = frozenset(("LO", "SH", "LT", "ST", "UC", "UT"))


@dataclass
class Profile:
    """The rules for the files of one subject's session, as the config has them.

    `days` is the subject's date shift, `dates` shift or none, `time_of_day` keep or drop (times
    are then told from the begin of the study), `series` what the series is called from now on.
    """

    secret: bytes = field(repr=False)
    project: str
    subject: str
    session: str
    days: int
    dates: str = "shift"
    time_of_day: str = "keep"
    series: str = ""
    issued: set[str] = field(default_factory=set[str], repr=False)
    _renewed: dict[str, str] = field(default_factory=dict[str, str], repr=False)

    def renew(self, uid: str) -> str:
        """The UID that stands for `uid` in this project: keyed, so that nobody can link back.

        Below 2.25, which needs no registration (PS3.5, B.2): the digest as a UUID, version 8.
        """
        if (known := self._renewed.get(uid)) is not None:
            return known
        number = int.from_bytes(self._digest(uid)[:16], "big")
        number = number & ~(0xF << 76) | 8 << 76
        number = number & ~(3 << 62) | 2 << 62
        new = f"{ROOT}{number}"
        self._renewed[uid] = new
        self.issued.add(new)
        return new

    @cached_property
    def _digest(self) -> Callable[[str], bytes]:
        return keyed_digests(self.secret, "uid", self.project)


@cache
def _allowed(kin: tuple[str, ...]) -> frozenset[int]:
    """The tags that may stay in these classes, if their values may."""
    return frozenset(
        tag
        for tag, attribute in attributes().items()
        if any(column in attribute.types for column in kin)
        and (
            not attribute.basic
            or attribute.keyword in _RETAINED
            or (attribute.keyword in _MOMENTS and "modified_dates" in attribute.options)
            or attribute.basic == "U"
        )
        and not (attribute.vr in ("DA", "TM", "DT") and attribute.keyword not in _MOMENTS)
        and attribute.keyword != "SpecificCharacterSet"  # all that stays is ASCII
    )


class Rules:
    """A profile for the files of one SOP class, with one begin of the study."""

    def __init__(self, profile: Profile, sop_class: str, begin: float = 0.0) -> None:
        """`begin` is the study's time of day in seconds, where times are told from it."""
        self.profile, self.begin = profile, begin
        self.column, self.kin = CLASSES[sop_class]
        self._rows = attributes()
        self.allowed = _allowed(self.kin)
        self._made: dict[tuple[int, str, str], tuple[str, Form] | None] = {}

    @cached_property
    def required(self) -> dict[int, tuple[str, bytes]]:
        """Root elements of type 1 and 2: what takes their place where they may not stay."""
        found: dict[int, tuple[str, bytes]] = {}
        for tag, attribute in attributes().items():
            kind = attribute.types.get(self.column, "")[:1]
            if kind == "2":
                found[tag] = (attribute.vr, b"")
            elif kind == "1" and attribute.vr in _TEXT_VRS:
                found[tag] = (attribute.vr, b"NONE")
            elif kind == "1" and attribute.vr in ("DA", "DT") and self.profile.dates == "none":
                found[tag] = (attribute.vr, b"19000101")
        return found

    @cached_property
    def added(self) -> dict[int, tuple[str, bytes]]:
        """Root elements that are written whatever stood there."""
        from coil import __version__

        profile = self.profile
        modified = "MODIFIED" if profile.dates == "shift" else "REMOVED"
        method = f"Coil {__version__}\\PS3.15 {EDITION} Annex E by allow-list"
        return {
            0x00100010: ("PN", padded(profile.subject)),
            0x00100020: ("LO", padded(profile.subject)),
            0x00120062: ("CS", b"YES "),
            0x00120063: ("LO", padded(method)),
            0x00200010: ("SH", padded(profile.session[:16])),
            0x00280303: ("CS", padded(modified)),
        } | ({0x0008103E: ("LO", padded(profile.series[:64]))} if profile.series else {})

    def looks_at(self, tag: int, creator: str) -> bool:
        """Whether an element may stay, if its value may; of overlays and curves none does."""
        if tag >> 16 & 1:
            return bool(creator) and private.find(creator, tag) is not None
        return tag in self.allowed

    def descends(self, tag: int, creator: str) -> bool:
        """Whether the items of a sequence are looked at; else it is removed."""
        if tag >> 16 & 1:
            kept = private.find(creator, tag)
            return kept is not None and kept.form == private.ITEMS
        return tag in self.allowed and attributes()[tag].vr == "SQ"

    def rule_of(self, tag: int, vr: str, creator: str) -> tuple[str, Form] | None:
        """What an element that is no sequence is from now on: its VR, and the form of its value.

        None if it is removed whatever it says.
        """
        if not self.looks_at(tag, creator):
            return None
        key = tag, vr, creator
        if key not in self._made:
            self._made[key] = (
                private_rule(creator, tag, vr) if tag >> 16 & 1 else self._public(tag, vr)
            )
        return self._made[key]

    def _public(self, tag: int, vr: str) -> tuple[str, Form] | None:
        attribute = self._rows[tag]
        if vr != attribute.vr and vr not in attribute.vr.split(" or "):
            return None  # also UN: what hides its kind is not known
        return vr, self._form(attribute.keyword, vr)

    def _form(self, keyword: str, vr: str) -> Form:
        if keyword in SPECIAL:
            return SPECIAL[keyword]
        if vr in ("DA", "TM", "DT"):
            return self._moved(vr)
        if vr in _TEXT_VRS:
            rule = TEXTS.get(keyword)
            return partial(values.of_words, rule=rule) if rule else nothing
        if vr == "UI":
            return partial(values.of_uids, renew=self.profile.renew)
        if vr == "AS":
            return values.of_age
        if vr in ("OB", "OW") and keyword.endswith(("LUTData", "TableData")):
            return values.of_table
        return plain(vr)

    def _moved(self, vr: str) -> Form:
        profile = self.profile
        if profile.dates == "none" and vr != "TM":
            return nothing
        if vr == "DA":
            return partial(values.of_dates, days=profile.days)
        if vr == "TM":
            return partial(values.of_times, base=self.begin)
        return partial(values.of_moments, days=profile.days, base=self.begin)


def begin_of(profile: Profile, study_time: str) -> float:
    """The seconds by which times become earlier: none, or the study's begin."""
    if profile.time_of_day == "keep":
        return 0.0
    return values.seconds(study_time.strip()) or 0.0
