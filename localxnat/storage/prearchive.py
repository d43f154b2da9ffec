"""The prearchive: sessions that have arrived and wait to be archived.

A session is RECEIVING while files of it may still come: those that a scanner or a DICOM sender
delivers one by one, until nothing has come for a while. A whole upload is READY at once.
"""

import shutil
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

from localxnat.errors import Refused
from localxnat.storage import dicom, importer, merging
from localxnat.storage.arrivals import KEY, LOCKED, Arrivals
from localxnat.storage.store import Object, now
from localxnat.storage.waiting import BUSY, OVERWRITES, UNASSIGNED, Waiting


class Prearchive(Arrivals):
    """The orders for the sessions that wait."""

    # Statuses --------------------------------------------------------------------------------

    def queue(self, waiting: Waiting, status: str) -> None:
        """An order has come for a session: it is `status` as soon as its turn comes."""
        self._enter(waiting, BUSY[status], set())

    def _enter(self, waiting: Waiting, status: str, from_queue: set[str]) -> None:
        with self._database.write():
            current = self.find(*waiting.key)
            if current is None:
                raise Refused(404, "The session is not in the prearchive any more.")
            locked = LOCKED - from_queue
            if status in ("ARCHIVING", BUSY["ARCHIVING"]):
                locked = locked | {"RECEIVING"}
            if current.status in locked:
                raise Refused(409, f"The session is locked: it is {current.status}.")
            self._set(waiting, status)

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
                    f"UPDATE prearchive SET scan_date = ?, scan_time = ? WHERE {KEY}",
                    (fields.get("date") or "", fields.get("time") or "", *waiting.key),
                )
                self._set(waiting, "READY")

    def delete(self, waiting: Waiting) -> None:
        self._enter(waiting, "DELETING", {BUSY["DELETING"]})
        self._drop(waiting)

    def _drop(self, waiting: Waiting) -> None:
        """Remove a session's row, then its folder, which without a row is swept at a start."""
        with self._database.write() as connection:
            connection.execute(f"DELETE FROM prearchive WHERE {KEY}", waiting.key)
            connection.execute(f"DELETE FROM archiving WHERE {KEY}", waiting.key)
        shutil.rmtree(self.folder(waiting), ignore_errors=True)

    def move(self, waiting: Waiting, project: str) -> Waiting:
        """Give a session to another project; 409 if that has one of its address."""
        if self.find(project, waiting.timestamp, waiting.name) is not None:
            raise Refused(409, "The project has a session of this address in its prearchive.")
        self._enter(waiting, "MOVING", {BUSY["MOVING"], BUSY["ARCHIVING"]})
        moved = replace(waiting, project=project, lastmod=now(), status="MOVING")
        target = self.folder(moved)
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # For a moment it has two rows: the one with the folder is the true one.
        with self._database.write() as connection:
            self._insert(connection, moved)
        self.folder(waiting).rename(target)
        with self._database.write() as connection:
            connection.execute(f"DELETE FROM prearchive WHERE {KEY}", waiting.key)
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
        overwrite_files: bool = False,
    ) -> Object:
        """Take a session into the archive; the experiment.

        `overwrite` is what to do when it exists: `none` refuses (409), `append` adds what is
        new and refuses what is there, unless `overwrite_files`, `delete` replaces what is there.
        A refused session is a CONFLICT.
        """
        store = self._resources.store
        label = session or waiting.label or waiting.name
        if waiting.project == UNASSIGNED:
            raise Refused(400, "The session has no project to be archived in.")
        with self._during(waiting, "ARCHIVING"):
            existing = merging.how(overwrite, overwrite_files)
            found = store.experiment(label, waiting.project)
            if found is not None:
                self._check_merge(waiting, found, existing)
            else:
                self._note_archiving(waiting, label)
            try:
                importer.import_session(
                    self._resources,
                    waiting.project,
                    subject or waiting.subject,
                    label,
                    [self.folder(waiting)],
                    user,
                    existing=existing or "keep",
                    keep_names=True,
                )
            except BaseException:
                self._undo_archiving(waiting)
                raise
            archived = store.experiment(label, waiting.project)
            if archived is None:
                raise Refused(500, "The session was deleted while it was archived.")
            self._drop(waiting)
            return archived

    def _check_merge(
        self, waiting: Waiting, found: Object, existing: merging.Existing | None
    ) -> None:
        """409 for a session that exists and is not to be added to."""
        if existing is None:
            raise Refused(409, "Session already exists, retry with overwrite enabled.")
        collected, _ = importer.collect([self.folder(waiting)])
        if collected:
            merging.check_modality(self._resources.store, found, collected)

    def _note_archiving(self, waiting: Waiting, label: str) -> None:
        with self._database.write() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO archiving VALUES (?, ?, ?, ?)", (*waiting.key, label)
            )

    def _undo_archiving(self, waiting: Waiting) -> None:
        """Remove an experiment that was not made to its end."""
        row = self._database.connection.execute(
            f"SELECT label FROM archiving WHERE {KEY}", waiting.key
        ).fetchone()
        half = self._resources.store.experiment(row["label"], waiting.project) if row else None
        if half is not None:
            self._resources.delete_object(half, files=True)
        with self._database.write() as connection:
            connection.execute(f"DELETE FROM archiving WHERE {KEY}", waiting.key)

    def recover(self) -> None:
        """Put in order what a killed process left: half-made folders, orders not carried out."""
        for folder in (self._resources.root / "prearchive").glob("*/*/*"):
            if self.find(*folder.parts[-3:]) is None:
                shutil.rmtree(folder, ignore_errors=True)
        for waiting in self._rows():
            if waiting.status not in LOCKED:
                continue
            self._undo_archiving(waiting)
            if waiting.status == "DELETING" or not self.folder(waiting).exists():
                self._drop(waiting)
            else:
                self._set(waiting, "READY")

    # By itself ---------------------------------------------------------------------------------

    def watch(self) -> None:
        """From now on, archive what is to be archived without an order, in a thread."""
        threading.Thread(target=self._watch, daemon=True, name="prearchive").start()

    def _watch(self) -> None:
        pause = 0.2
        while True:
            time.sleep(pause)
            try:
                pause = min(max(self.quiet / 5, 0.2), 10)
                self.archive_ready()
            except Exception:
                traceback.print_exc()

    def archive_ready(self) -> None:
        """Archive the sessions that are whole and that nobody need order to be archived."""
        for one in self._rows():
            if one.status != "READY" or one.autoarchive not in OVERWRITES:
                continue
            with suppress(Refused):  # its status says so, and it waits for an order
                self.archive(one, "admin", overwrite=OVERWRITES[one.autoarchive])
