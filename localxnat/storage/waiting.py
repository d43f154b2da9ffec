"""A session in the prearchive: its row, its names, what its files say of it."""

import re
from dataclasses import dataclass
from datetime import datetime

from localxnat.storage import dicom
from localxnat.storage.dicom import Series
from localxnat.storage.store import now

UNASSIGNED = "Unassigned"
QUIET_SECONDS = 300
# While one of these lasts, a session takes no other order.
BUSY = {"ARCHIVING": "QUEUED_ARCHIVING", "BUILDING": "QUEUED_BUILDING",
        "DELETING": "QUEUED_DELETING", "MOVING": "QUEUED_MOVING"}  # fmt: skip


@dataclass
class Waiting:
    """A row of `prearchive`. `timestamp` and `name` make its address in a project."""

    project: str
    timestamp: str
    name: str
    subject: str
    status: str
    uploaded: str
    lastmod: str
    scan_date: str
    scan_time: str
    tag: str

    @property
    def key(self) -> tuple[str, str, str]:
        return self.project, self.timestamp, self.name

    @property
    def url(self) -> str:
        return f"/prearchive/projects/{self.project}/{self.timestamp}/{self.name}"

    def row(self) -> dict[str, str]:
        """The session as XNAT lists it."""
        return {
            **vars(self),
            "url": self.url,
            "folderName": self.name,
            "autoarchive": "Manual",
            "prevent_anon": "false",
            "prevent_auto_commit": "false",
            "SOURCE": "",
            "TIMEZONE": "",
        }


def as_label(text: str) -> str:
    """A header's text as a label: what cannot be in one becomes _."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", text)[:64] or "Unknown"


def described(
    study: list[Series], project: str, subject: str | None, session: str | None, status: str
) -> Waiting:
    head = study[0].first
    fields = dicom.session_fields(study)
    stamp = now()
    return Waiting(
        project,
        datetime.now().strftime("%Y%m%d_%H%M%S%f")[:-3],
        session or as_label(head.text("PatientID")),
        subject or as_label(head.text("PatientName")),
        status,
        stamp,
        stamp,
        fields.get("date") or "",
        fields.get("time") or "",
        head.text("StudyInstanceUID"),
    )
