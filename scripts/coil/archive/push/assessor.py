"""The quality measures of a session as an assessor of XNAT's own type for them.

An `xnat:qcAssessmentData` holds statistics for each scan: a name and a number each. It is
written and read back as XML, the one form that is the same in both directions.
"""

import hashlib
import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TypeGuard
from xml.etree import ElementTree

import requests

from coil.archive.client import Archive, part
from coil.archive.push.upload import of_scans
from coil.errors import ArchiveError, RefusedError
from coil.records.analysis import MeasuredImage
from coil.records.session import SessionRecord

Statistics = dict[str, dict[str, float]]
"""By scan, by name."""

XNAT = "http://nrg.wustl.edu/xnat"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
TYPE = "xnat:qcAssessmentData"


def statistics(record: SessionRecord, images: Iterable[MeasuredImage]) -> Statistics:
    """The numbers of each mapped scan; where it has several images, with their names.

    `images` are those that analyses measured.
    """
    measured = {image.file: image.metrics for image in images}
    numbers: Statistics = {}
    for scan, names in of_scans(record).items():
        known = [name for name in names if name in measured]
        for name in known:
            before = f"{_short(name)}." if len(known) > 1 else ""
            for metric, value in measured[name].items():
                if _is_number(value):
                    numbers.setdefault(scan, {})[f"{before}{metric}"] = float(value)
    return numbers


def _is_number(value: object) -> TypeGuard[int | float]:
    """Whether the archive can take a metric's value."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value)


@dataclass(frozen=True)
class Assessor:
    """The assessor of a session (its ID and label) with these numbers; it can be pushed.

    `name` ends its label, and its ID; `project` is the one that it is to belong to.
    """

    project: str
    session: str
    session_label: str
    name: str
    numbers: Statistics

    @property
    def label(self) -> str:
        """The label, which has the session's own before the name."""
        return f"{self.session_label}_{self.name}"

    @property
    def ident(self) -> str:
        """The ID. Another label is another assessor, as when the session was renamed."""
        return f"{self.session}_{self.name}_{_md5(self.label)[:6]}"

    @property
    def address(self) -> str:
        """XNAT finds an assessor below a session's ID by its own ID only."""
        return f"/data/experiments/{part(self.session)}/assessors/{part(self.ident)}"

    def digest(self) -> str:
        """The digest of the numbers."""
        return digest(self.numbers)

    def held(self, archive: Archive) -> str | None:
        """The digest of the numbers that the archive holds, None without such an assessor."""
        try:
            with archive.stream(self.address, format="xml") as chunks:
                return digest(parse(b"".join(chunks)))
        except RefusedError:
            return None

    def send(self, archive: Archive, replace: bool) -> requests.Response:
        """Create the assessor or, with `replace`, give it these numbers and no others."""
        query = {"allowDataDeletion": "true"} if replace else {}
        query["project"] = self.project  # 422 without
        return archive.put(self.address, data=self.xml(), xsiType=TYPE, inbody="true", **query)

    def xml(self) -> bytes:
        """The assessor in XNAT's XML."""
        ElementTree.register_namespace("xnat", XNAT)
        ElementTree.register_namespace("xsi", XSI)
        about = {"ID": self.ident, "label": self.label, "type": "coil"}
        root = ElementTree.Element(_tag("QCAssessment"), about)
        ElementTree.SubElement(root, _tag("imageSession_ID")).text = self.session
        scans = ElementTree.SubElement(root, _tag("scans"))
        for scan, values in sorted(self.numbers.items()):
            one = ElementTree.SubElement(scans, _tag("scan"), id=scan)
            kind = {f"{{{XSI}}}type": "xnat:statisticsData"}
            of_scan = ElementTree.SubElement(one, _tag("scanStatistics"), kind)
            for name, value in sorted(values.items()):
                number = ElementTree.SubElement(of_scan, _tag("additionalStatistics"), name=name)
                number.text = repr(value)
        return ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True)


def parse(data: bytes) -> Statistics:
    """The numbers in an assessor's XML."""
    try:
        root = ElementTree.fromstring(data)
        return {
            scan.get("id", ""): {
                number.get("name", ""): float(number.text or "nan")
                for number in scan.iter(_tag("additionalStatistics"))
            }
            for scan in root.iter(_tag("scan"))
        }
    except (ElementTree.ParseError, ValueError):
        raise ArchiveError(
            "the archive answered with something else than the session's assessor; try again"
        ) from None


def digest(numbers: Statistics) -> str:
    """One digest for the numbers, whatever their order; scans without any do not count."""
    content = {scan: values for scan, values in numbers.items() if values}
    text = json.dumps(content, sort_keys=True)
    return _md5(text)


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _short(name: str) -> str:
    """The entities and suffix that tell the images of one scan apart."""
    stem = PurePosixPath(name).name.partition(".")[0]
    return "_".join(p for p in stem.split("_") if not p.startswith(("sub-", "ses-")))


def _tag(name: str) -> str:
    return f"{{{XNAT}}}{name}"
