"""The prearchive: sessions that have arrived and wait to be archived."""

import re
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from localxnat import dicom, importer
from localxnat.dicom import Series
from localxnat.errors import Refused
from localxnat.resources import Resources
from localxnat.store import Object, now

UNASSIGNED = "Unassigned"


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


class Prearchive:
    """Sessions below `ROOT/prearchive/<project>/<timestamp>/<session>`."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._database = resources.store.database

    def folder(self, waiting: Waiting) -> Path:
        parts = (waiting.project, waiting.timestamp, waiting.name)
        return self._resources.root.joinpath("prearchive", *parts)

    def all(self, project: str | None = None) -> list[Waiting]:
        rows = self._database.connection.execute(
            "SELECT * FROM prearchive WHERE ? IS NULL OR project = ? ORDER BY timestamp",
            (project, project),
        )
        return [Waiting(**dict(row)) for row in rows]

    def find(self, project: str, timestamp: str, name: str) -> Waiting | None:
        row = self._database.connection.execute(
            "SELECT * FROM prearchive WHERE project = ? AND timestamp = ? AND name = ?",
            (project, timestamp, name),
        ).fetchone()
        return Waiting(**dict(row)) if row else None

    def stage(
        self, paths: list[Path], project: str | None, subject: str | None, session: str | None
    ) -> list[Waiting]:
        """Move DICOM files into the prearchive, a session for each study among them.

        What is not named comes from the headers, as in XNAT: the subject from the patient's
        name, the session from the patient's ID. Raises Refused when nothing is DICOM.
        """
        collected, _ = importer.collect(paths)
        if not collected:
            raise Refused(400, "The upload has no DICOM file.")
        studies: dict[str, list[Series]] = {}
        for series in collected:
            studies.setdefault(series.first.text("StudyInstanceUID"), []).append(series)
        return [
            self._stage_study(study, project or UNASSIGNED, subject, session)
            for study in studies.values()
        ]

    def _stage_study(
        self, study: list[Series], project: str, subject: str | None, session: str | None
    ) -> Waiting:
        head = study[0].first
        described = dicom.session_fields(study)
        stamp = now()
        waiting = Waiting(
            project,
            datetime.now().strftime("%Y%m%d_%H%M%S%f")[:-3],
            session or as_label(head.text("PatientID")),
            subject or as_label(head.text("PatientName")),
            "READY",
            stamp,
            stamp,
            described.get("date") or "",
            described.get("time") or "",
            head.text("StudyInstanceUID"),
        )
        while self.find(waiting.project, waiting.timestamp, waiting.name):
            waiting.timestamp += "0"
        for scan_id, series in importer.number(study, {}):
            for label, _, instances in series.parts():
                folder = self.folder(waiting) / "SCANS" / scan_id / label
                folder.mkdir(parents=True, mode=0o700)
                for instance in instances:
                    instance.path.replace(folder / instance.name)
        # The row comes last: a session that is listed is whole.
        with self._database.write() as connection:
            connection.execute(
                "INSERT INTO prearchive VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                tuple(vars(waiting).values()),
            )
        return waiting

    def recover(self) -> None:
        """Remove folders of sessions that a killed process was still putting together."""
        for folder in (self._resources.root / "prearchive").glob("*/*/*"):
            if self.find(*folder.parts[-3:]) is None:
                shutil.rmtree(folder, ignore_errors=True)

    def delete(self, waiting: Waiting) -> None:
        with self._database.write() as connection:
            connection.execute(
                "DELETE FROM prearchive WHERE project = ? AND timestamp = ? AND name = ?",
                (waiting.project, waiting.timestamp, waiting.name),
            )
        shutil.rmtree(self.folder(waiting), ignore_errors=True)

    def move(self, waiting: Waiting, project: str) -> Waiting:
        """Give a session to another project."""
        moved = Waiting(**{**vars(waiting), "project": project, "lastmod": now()})
        target = self.folder(moved)
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._database.write() as connection:
            connection.execute(
                "UPDATE prearchive SET project = ?, lastmod = ?"
                " WHERE project = ? AND timestamp = ? AND name = ?",
                (project, moved.lastmod, waiting.project, waiting.timestamp, waiting.name),
            )
            self.folder(waiting).rename(target)
        return moved

    def archive(
        self,
        waiting: Waiting,
        user: str,
        *,
        subject: str | None = None,
        session: str | None = None,
        overwrite: str = "none",
    ) -> Object:
        """Take a session into the archive; the experiment.

        `overwrite` is what to do when it exists: `none` refuses (409), `append` adds what is
        new, `delete` also replaces what is there.
        """
        store = self._resources.store
        label = session or waiting.name
        if waiting.project == UNASSIGNED:
            raise Refused(400, "The session has no project to be archived in.")
        if overwrite == "none" and store.experiment(label, waiting.project):
            raise Refused(409, "Session already exists, retry with overwrite enabled.")
        importer.import_session(
            self._resources,
            waiting.project,
            subject or waiting.subject,
            label,
            [self.folder(waiting)],
            user,
            overwrite=overwrite == "delete",
        )
        archived = store.experiment(label, waiting.project)
        if archived is None:
            raise Refused(500, "The session was deleted while it was archived.")
        self.delete(waiting)
        return archived
