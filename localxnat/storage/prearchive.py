"""The prearchive: sessions that have arrived and wait to be archived.

A session is RECEIVING while files of it may still come: those that a scanner or a DICOM sender
delivers one by one, until nothing has come for a while. A whole upload is READY at once.
"""

import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from localxnat.errors import Refused
from localxnat.storage import dicom, importer
from localxnat.storage.dicom import Series
from localxnat.storage.resources import Resources
from localxnat.storage.store import Object, now
from localxnat.storage.waiting import BUSY, QUIET_SECONDS, UNASSIGNED, Waiting, described

_KEY = "project = ? AND timestamp = ? AND name = ?"
_LOCKED = {*BUSY, *BUSY.values()}


class Prearchive:
    """Sessions below `ROOT/prearchive/<project>/<timestamp>/<session>`."""

    def __init__(self, resources: Resources, quiet: float = QUIET_SECONDS) -> None:
        self._resources = resources
        self._database = resources.store.database
        self._quiet = quiet
        self._arriving = threading.Lock()

    def folder(self, waiting: Waiting) -> Path:
        return self._resources.root.joinpath("prearchive", *waiting.key)

    # Finding ---------------------------------------------------------------------------------

    def all(self, project: str | None = None) -> list[Waiting]:
        self._settle()
        rows = self._database.connection.execute(
            "SELECT * FROM prearchive WHERE ? IS NULL OR project = ? ORDER BY timestamp",
            (project, project),
        )
        return [Waiting(**dict(row)) for row in rows]

    def find(self, project: str, timestamp: str, name: str) -> Waiting | None:
        self._settle()
        row = self._database.connection.execute(
            f"SELECT * FROM prearchive WHERE {_KEY}", (project, timestamp, name)
        ).fetchone()
        return Waiting(**dict(row)) if row else None

    def _settle(self) -> None:
        """Sessions that nothing has come to for long enough are ready."""
        late = datetime.now() - timedelta(seconds=self._quiet)
        limit = late.isoformat(sep=" ", timespec="milliseconds")
        quiet = "status = 'RECEIVING' AND lastmod <= ?"
        connection = self._database.connection
        if connection.execute(f"SELECT 1 FROM prearchive WHERE {quiet}", (limit,)).fetchone():
            with self._database.write() as connection:
                connection.execute(
                    f"UPDATE prearchive SET status = 'READY' WHERE {quiet}", (limit,)
                )

    # Statuses --------------------------------------------------------------------------------

    def queue(self, waiting: Waiting, status: str) -> None:
        """An order has come for a session: it is `status` as soon as its turn comes."""
        self._enter(waiting, BUSY[status], set())

    def _enter(self, waiting: Waiting, status: str, from_queue: set[str]) -> None:
        with self._database.write():
            current = self.find(*waiting.key)
            if current is None:
                raise Refused(404, "The session is not in the prearchive any more.")
            locked = _LOCKED - from_queue
            if status in ("ARCHIVING", BUSY["ARCHIVING"]):
                locked = locked | {"RECEIVING"}
            if current.status in locked:
                raise Refused(409, f"The session is locked: it is {current.status}.")
            self._set(waiting, status)

    def _set(self, waiting: Waiting, status: str) -> None:
        with self._database.write() as connection:
            connection.execute(
                f"UPDATE prearchive SET status = ?, lastmod = ? WHERE {_KEY}",
                (status, now(), *waiting.key),
            )

    @contextmanager
    def _during(self, waiting: Waiting, status: str) -> Iterator[None]:
        """A session has this status for a while; after a failure CONFLICT or ERROR."""
        self._enter(waiting, status, {BUSY[status]})
        try:
            yield
        except BaseException as error:
            conflict = isinstance(error, Refused) and error.status == 409
            self._set(waiting, "CONFLICT" if conflict else "ERROR")
            raise

    # Arriving --------------------------------------------------------------------------------

    def stage(
        self,
        paths: list[Path],
        project: str | None,
        subject: str | None,
        session: str | None,
        *,
        receiving: bool = False,
    ) -> list[Waiting]:
        """Move DICOM files into the prearchive, a session for each study among them.

        What is not named comes from the headers, as in XNAT: the subject from the patient's
        name, the session from the patient's ID. With `receiving`, more may come: files join
        the session that their study has and that is still RECEIVING. Raises Refused when
        nothing is DICOM.
        """
        collected, _ = importer.collect(paths)
        if not collected:
            raise Refused(400, "Upload did not include parseable files for session generation.")
        studies: dict[str, list[Series]] = {}
        for series in collected:
            studies.setdefault(series.first.text("StudyInstanceUID"), []).append(series)
        status = "RECEIVING" if receiving else "READY"
        staged: list[Waiting] = []
        # One at a time: parts of a study that arrive together find each other.
        with self._arriving:
            for study in studies.values():
                new = described(study, project or UNASSIGNED, subject, session, status)
                staged.append(self._joined(new, study) or self._stage_study(new, study))
        return staged

    def _joined(self, new: Waiting, study: list[Series]) -> Waiting | None:
        if new.status != "RECEIVING":
            return None
        same = next(
            (
                one
                for one in self.all(new.project)
                if (one.status, one.tag, one.name) == (new.status, new.tag, new.name)
            ),
            None,
        )
        if same is not None:
            self._place(same, study)
            self._set(same, same.status)
        return same

    def _stage_study(self, waiting: Waiting, study: list[Series]) -> Waiting:
        while self.find(*waiting.key):
            waiting.timestamp += "0"
        self._place(waiting, study)
        # The row comes last: a session that is listed is whole.
        with self._database.write() as connection:
            self._insert(connection, waiting)
        return waiting

    def _place(self, waiting: Waiting, study: list[Series]) -> None:
        """Move files into the folder, each to its scan; a series that is there keeps its ID."""
        scans = self.folder(waiting) / "SCANS"
        known = {
            series.uid: folder.name
            for folder in (sorted(scans.iterdir()) if scans.exists() else ())
            for series in importer.collect([folder])[0][:1]
        }
        for scan_id, series in importer.number(study, known):
            for label, _, instances in series.parts():
                folder = scans / scan_id / label
                folder.mkdir(parents=True, mode=0o700, exist_ok=True)
                for instance in instances:
                    instance.path.replace(folder / instance.name)

    def _insert(self, connection: sqlite3.Connection, waiting: Waiting) -> None:
        connection.execute(
            "INSERT INTO prearchive VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            tuple(vars(waiting).values()),
        )

    # Orders ----------------------------------------------------------------------------------

    def rebuild(self, waiting: Waiting) -> None:
        """Read the session again from its files; it is READY whatever it was before."""
        with self._during(waiting, "BUILDING"):
            collected, _ = importer.collect([self.folder(waiting)])
            if not collected:
                raise Refused(400, "The session has no DICOM file.")
            fields = dicom.session_fields(collected)
            with self._database.write() as connection:
                connection.execute(
                    f"UPDATE prearchive SET scan_date = ?, scan_time = ? WHERE {_KEY}",
                    (fields.get("date") or "", fields.get("time") or "", *waiting.key),
                )
                self._set(waiting, "READY")

    def delete(self, waiting: Waiting) -> None:
        self._enter(waiting, "DELETING", {BUSY["DELETING"]})
        self._drop(waiting)

    def _drop(self, waiting: Waiting) -> None:
        """Remove a session's row, then its folder, which without a row is swept at a start."""
        with self._database.write() as connection:
            connection.execute(f"DELETE FROM prearchive WHERE {_KEY}", waiting.key)
            connection.execute(f"DELETE FROM archiving WHERE {_KEY}", waiting.key)
        shutil.rmtree(self.folder(waiting), ignore_errors=True)

    def move(self, waiting: Waiting, project: str) -> Waiting:
        """Give a session to another project."""
        self._enter(waiting, "MOVING", {BUSY["MOVING"], BUSY["ARCHIVING"]})
        moved = replace(waiting, project=project, lastmod=now(), status="MOVING")
        target = self.folder(moved)
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # For a moment it has two rows: the one with the folder is the true one.
        with self._database.write() as connection:
            self._insert(connection, moved)
        self.folder(waiting).rename(target)
        with self._database.write() as connection:
            connection.execute(f"DELETE FROM prearchive WHERE {_KEY}", waiting.key)
            self._set(moved, "READY")
        return replace(moved, status="READY")

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
        new, `delete` also replaces what is there. A refused session is a CONFLICT.
        """
        store = self._resources.store
        label = session or waiting.name
        if waiting.project == UNASSIGNED:
            raise Refused(400, "The session has no project to be archived in.")
        with self._during(waiting, "ARCHIVING"):
            existing = store.experiment(label, waiting.project)
            if existing and overwrite == "none":
                raise Refused(409, "Session already exists, retry with overwrite enabled.")
            if existing is None:
                with self._database.write() as connection:
                    connection.execute(
                        "INSERT OR REPLACE INTO archiving VALUES (?, ?, ?, ?)",
                        (*waiting.key, label),
                    )
            try:
                importer.import_session(
                    self._resources,
                    waiting.project,
                    subject or waiting.subject,
                    label,
                    [self.folder(waiting)],
                    user,
                    overwrite=overwrite == "delete",
                )
            except BaseException:
                self._undo_archiving(waiting)
                raise
            archived = store.experiment(label, waiting.project)
            if archived is None:
                raise Refused(500, "The session was deleted while it was archived.")
            self._drop(waiting)
            return archived

    def _undo_archiving(self, waiting: Waiting) -> None:
        """Remove an experiment that was not made to its end."""
        row = self._database.connection.execute(
            f"SELECT label FROM archiving WHERE {_KEY}", waiting.key
        ).fetchone()
        half = self._resources.store.experiment(row["label"], waiting.project) if row else None
        if half is not None:
            self._resources.delete_object(half, files=True)
        with self._database.write() as connection:
            connection.execute(f"DELETE FROM archiving WHERE {_KEY}", waiting.key)

    def recover(self) -> None:
        """Put in order what a killed process left: half-made folders, orders not carried out."""
        for folder in (self._resources.root / "prearchive").glob("*/*/*"):
            if self.find(*folder.parts[-3:]) is None:
                shutil.rmtree(folder, ignore_errors=True)
        for waiting in self.all():
            if waiting.status not in _LOCKED:
                continue
            self._undo_archiving(waiting)
            if waiting.status == "DELETING" or not self.folder(waiting).exists():
                self._drop(waiting)
            else:
                self._set(waiting, "READY")
