"""A session in the prearchive: its row, its names, what its files say of it."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from localxnat.storage import dicom
from localxnat.storage.dicom import Series
from localxnat.storage.merging import Existing
from localxnat.storage.store import now

UNASSIGNED = "Unassigned"
QUIET_SECONDS = 300
# While one of these lasts, a session takes no other order.
BUSY = {"ARCHIVING": "QUEUED_ARCHIVING", "BUILDING": "QUEUED_BUILDING",
        "DELETING": "QUEUED_DELETING", "MOVING": "QUEUED_MOVING"}  # fmt: skip
# What a project's prearchive code lets become of a session that nobody archives, as XNAT names
# it, and the `overwrite` that goes with it. DIRECT is what never was to wait.
AUTOMATIC = {"4": "AutoArchive", "5": "AutoArchiveOverwrite"}
MANUAL, DIRECT = "Manual", "Direct"
OVERWRITES = {"AutoArchive": "append", "AutoArchiveOverwrite": "delete", DIRECT: "none"}


@dataclass(frozen=True)
class Arrival:
    """The way of files: where they go, and how they come.

    `parts` come one by one (or zip by zip), and more may follow; `named` is their names, which
    they keep unless `rename`. `timestamp` and `name` are the address of one session for all.
    """

    project: str | None = None
    subject: str | None = None
    session: str | None = None
    timestamp: str = ""
    name: str = ""
    parts: bool = False
    complete: bool = False
    rename: bool = False
    strict: bool = False
    existing: Existing | None = None
    autoarchive: str = MANUAL
    named: dict[Path, str] = field(default_factory=dict)


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
    label: str = ""
    autoarchive: str = MANUAL

    @property
    def key(self) -> tuple[str, str, str]:
        return self.project, self.timestamp, self.name

    @property
    def passes(self) -> bool:
        """Whether it is on its direct way: it is in nobody's prearchive unless that fails."""
        return self.autoarchive == DIRECT and self.status not in ("CONFLICT", "ERROR")

    @property
    def url(self) -> str:
        return f"/prearchive/projects/{self.project}/{self.timestamp}/{self.name}"

    def row(self) -> dict[str, str]:
        """The session as XNAT lists it."""
        return {
            **vars(self),
            "name": self.label or self.name,
            "url": self.url,
            "folderName": self.name,
            "prevent_anon": "false",
            "prevent_auto_commit": "false",
            "SOURCE": "",
            "TIMEZONE": "",
        }


def as_label(text: str) -> str:
    """A header's text as a label: what cannot be in one becomes _."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", text)[:64] or "Unknown"


def described(study: list[Series], arrival: Arrival) -> Waiting:
    """The row of a study's new session; what is not said comes from the headers, as in XNAT."""
    head = study[0].first
    fields = dicom.session_fields(study)
    stamp = now()
    label = arrival.session or arrival.name or as_label(head.text("PatientID"))
    return Waiting(
        arrival.project or UNASSIGNED,
        arrival.timestamp or datetime.now().strftime("%Y%m%d_%H%M%S%f")[:-3],
        arrival.name or label,
        arrival.subject or as_label(head.text("PatientName")),
        "RECEIVING" if arrival.parts and not arrival.complete else "READY",
        stamp,
        stamp,
        fields.get("date") or "",
        fields.get("time") or "",
        head.text("StudyInstanceUID"),
        label,
        arrival.autoarchive,
    )
