"""Files that come into the prearchive, and its sessions as they are listed."""

import sqlite3
import threading
from datetime import datetime, timedelta
from pathlib import Path

from localxnat.errors import Refused
from localxnat.storage import dicom, importer, merging
from localxnat.storage.dicom import Instance, Series
from localxnat.storage.resources import Resources
from localxnat.storage.store import now
from localxnat.storage.waiting import BUSY, QUIET_SECONDS, Arrival, Waiting, described

KEY = "project = ? AND timestamp = ? AND name = ?"
LOCKED = {*BUSY, *BUSY.values()}


class Arrivals:
    """Sessions below `ROOT/prearchive/<project>/<timestamp>/<session>`."""

    def __init__(self, resources: Resources, quiet: float = QUIET_SECONDS) -> None:
        self._resources = resources
        self._database = resources.store.database
        self._quiet = quiet
        self._arriving = threading.RLock()

    @property
    def quiet(self) -> float:
        """Seconds without a file until a session is whole; the site may say it in minutes."""
        minutes = self._resources.store.settings.get("sessionXmlRebuilderInterval")
        return float(minutes) * 60 if isinstance(minutes, int | float) else self._quiet

    def folder(self, waiting: Waiting) -> Path:
        return self._resources.root.joinpath("prearchive", *waiting.key)

    def all(self, project: str | None = None) -> list[Waiting]:
        """The sessions of a project or of all, but for those that are on their direct way."""
        return [one for one in self._rows(project) if not one.passes]

    def direct(self) -> list[Waiting]:
        """The sessions that are on their direct way into the archive."""
        return [one for one in self._rows() if one.passes]

    def _rows(self, project: str | None = None) -> list[Waiting]:
        self._end_receiving()
        rows = self._database.connection.execute(
            "SELECT * FROM prearchive WHERE ? IS NULL OR project = ? ORDER BY timestamp",
            (project, project),
        )
        return [Waiting(**dict(row)) for row in rows]

    def find(self, project: str, timestamp: str, name: str) -> Waiting | None:
        self._end_receiving()
        row = self._database.connection.execute(
            f"SELECT * FROM prearchive WHERE {KEY}", (project, timestamp, name)
        ).fetchone()
        return Waiting(**dict(row)) if row else None

    def _end_receiving(self) -> None:
        """Sessions that nothing has come to for long enough are ready.

        None of them becomes so, and is taken away, while another thread adds files to one.
        """
        if not self._arriving.acquire(blocking=False):
            return
        try:
            self._end_quiet()
        finally:
            self._arriving.release()

    def _end_quiet(self) -> None:
        late = datetime.now() - timedelta(seconds=self.quiet)
        limit = late.isoformat(sep=" ", timespec="milliseconds")
        quiet = "status = 'RECEIVING' AND lastmod <= ?"
        connection = self._database.connection
        if connection.execute(f"SELECT 1 FROM prearchive WHERE {quiet}", (limit,)).fetchone():
            with self._database.write() as connection:
                connection.execute(
                    f"UPDATE prearchive SET status = 'READY' WHERE {quiet}", (limit,)
                )

    def _set(self, waiting: Waiting, status: str) -> None:
        with self._database.write() as connection:
            connection.execute(
                f"UPDATE prearchive SET status = ?, lastmod = ? WHERE {KEY}",
                (status, now(), *waiting.key),
            )

    def stage(self, paths: list[Path], arrival: Arrival) -> list[Waiting]:
        """Move DICOM files into the prearchive, a session for each study among them.

        What comes in parts joins the session that its study has and that is still RECEIVING.
        With an address, all goes to the one session there. Raises Refused when nothing is
        DICOM, something is not and `strict`, or a session cannot be added to.
        """
        collected, skipped = importer.collect(paths)
        if skipped and (arrival.strict or (arrival.parts and not collected)):
            name = arrival.named.get(skipped[0], skipped[0].name)
            raise Refused(400, f"unable to read DICOM object {name}")
        if not collected:
            raise Refused(400, "Upload did not include parseable files for session generation.")
        for instance in (one for series in collected for one in series.instances):
            instance.name = arrival.named.get(instance.path) or instance.template
            if arrival.rename:
                instance.name = instance.template
        # One at a time: parts of a study that arrive together find each other.
        with self._arriving:
            if arrival.name:
                return [self._stage_at(collected, arrival)]
            return [self._stage_study(study, arrival) for study in _studies(collected)]

    def _stage_study(self, study: list[Series], arrival: Arrival) -> Waiting:
        new = described(study, arrival)
        same = self._receiving(new) if arrival.parts else None
        if same is not None:
            self._move_in(same, study, arrival)
            self._set(same, new.status)
            return same
        while self.find(*new.key):
            new.timestamp += "0"
        return self._enter_new(new, study, arrival)

    def _receiving(self, new: Waiting) -> Waiting | None:
        wanted = (new.tag, new.label, "RECEIVING")
        found = self._rows(new.project)
        return next((one for one in found if (one.tag, one.label, one.status) == wanted), None)

    def _stage_at(self, collected: list[Series], arrival: Arrival) -> Waiting:
        """All into the session of an address, which is made if it is not there."""
        new = described(collected, arrival)
        with self._database.write():
            there = self.find(*new.key)
            if there is not None:
                _check_addition(there, new, collected, arrival)
                self._set(there, "RECEIVING")  # so that no order archives it meanwhile
        if there is None:
            return self._enter_new(new, collected, arrival)
        try:
            self._move_in(there, collected, arrival)
        except BaseException:
            self._set(there, there.status)
            raise
        self._set(there, new.status)
        return there

    def _enter_new(self, waiting: Waiting, study: list[Series], arrival: Arrival) -> Waiting:
        self._move_in(waiting, study, arrival)
        # The row comes last: a session that is listed is whole.
        with self._database.write() as connection:
            self._insert(connection, waiting)
        return waiting

    def _move_in(self, waiting: Waiting, study: list[Series], arrival: Arrival) -> None:
        """Move files into the folder, each to its scan; a series that is there keeps its ID."""
        scans = self.folder(waiting) / "SCANS"
        known = {
            first.text("SeriesInstanceUID"): folder.name
            for folder in (sorted(scans.iterdir()) if scans.exists() else ())
            if (first := _first(folder)) is not None
        }
        planned: dict[Path, Instance] = {}
        for scan_id, series in importer.number(study, known):
            for label, _, instances in series.parts():
                for instance in instances:
                    target = _target(scans / scan_id / label, instance, planned, arrival)
                    planned[target] = instance
        for target, instance in planned.items():
            target.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
            instance.path.replace(target)

    def _insert(self, connection: sqlite3.Connection, waiting: Waiting) -> None:
        values = vars(waiting)
        connection.execute(
            f"INSERT INTO prearchive ({', '.join(values)}) VALUES ({', '.join('?' * len(values))})",
            tuple(values.values()),
        )


def _check_addition(
    there: Waiting, new: Waiting, collected: list[Series], arrival: Arrival
) -> None:
    """400 or 409 for files that cannot go to a session that is there."""
    if there.status in LOCKED:
        raise Refused(409, "Prearc destination is locked.")
    if arrival.parts and there.tag != new.tag:
        raise Refused(400, f"unable to read DICOM object {collected[0].first.name}")
    if not arrival.parts and arrival.existing is None:
        raise Refused(409, "Session already exists, retry with overwrite enabled.")


def _studies(collected: list[Series]) -> list[list[Series]]:
    studies: dict[str, list[Series]] = {}
    for series in collected:
        studies.setdefault(series.first.text("StudyInstanceUID"), []).append(series)
    return list(studies.values())


def _target(
    folder: Path, instance: Instance, planned: dict[Path, Instance], arrival: Arrival
) -> Path:
    """The path that an instance goes to; another that has its name there keeps it.

    The later one of two gets a number or, if they come in parts, the name of the template.
    """
    target = folder / instance.name
    if target not in planned and not target.exists():
        return target
    there = _first(target)
    if target not in planned and there is not None and there.uid == instance.uid:
        if not arrival.parts and arrival.existing == "refuse":
            raise Refused(409, f"Session already contains the file {instance.name}.")
        return target
    if arrival.parts:
        return folder / instance.template
    return folder / merging.free_name(instance, folder, planned)


def _first(path: Path) -> Instance | None:
    """The first DICOM file of a folder, or the file itself; no other one is read."""
    return next((one for one in dicom.find([path]) if isinstance(one, Instance)), None)
