"""Rows without files, for tests of listings of any size."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from localxnat.storage.database import Database
from localxnat.storage.settings import DEFAULTS
from localxnat.storage.store import now


class _Row(NamedTuple):
    """The columns of an object that differ from one to the next."""

    pk: int
    kind: str
    id: str
    label: str
    parent: int | None
    project: str
    xsi_type: str
    fields: str = "{}"


class _Keys:
    """The keys of what is made: of projects, subjects, sessions and scans, in this order."""

    def __init__(self, first: int, projects: int, sessions: int, scans: int) -> None:
        self.projects = range(first, first + projects)
        self.subjects = range(self.projects.stop, self.projects.stop + sessions)
        self.sessions = range(self.subjects.stop, self.subjects.stop + sessions)
        self.scans = range(self.sessions.stop, self.sessions.stop + sessions * scans)


def forget_counts(database: Database, project: str) -> None:
    """Leave the catalogs of a project's objects without counts of files."""
    with database.write() as connection:
        connection.execute(
            "UPDATE resources SET file_count = NULL, file_size = NULL"
            " WHERE owner IN (SELECT pk FROM objects WHERE project = ?)",
            (project,),
        )


def seed(database: Database, projects: Sequence[str], sessions: int, scans: int) -> None:
    """New projects: the first has sessions, each of a subject of its own and with so many scans,
    all of which is shared into the second, if there is one."""
    with database.write() as connection:
        last = connection.execute("SELECT COALESCE(MAX(pk), 0) FROM objects").fetchone()[0]
        keys = _Keys(last + 1, len(projects), sessions, scans)
        subject, session = (_reserve(connection, letter, sessions) for letter in "SE")
        _insert(connection, _projects(projects, keys))
        _insert(connection, _subjects(projects[0], keys, subject))
        _insert(connection, _sessions(projects[0], keys, session))
        _insert(connection, _scans(projects[0], keys, scans))
        _add_catalogs(connection, keys.scans)
        for guest in projects[1:]:
            connection.execute(
                "INSERT INTO shares SELECT pk, ?, label FROM objects WHERE pk BETWEEN ? AND ?",
                (guest, keys.subjects.start, keys.sessions.stop - 1),
            )


def _reserve(connection: sqlite3.Connection, counter: str, number: int) -> int:
    """The first of so many new IDs."""
    row = connection.execute(
        "INSERT INTO counters VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + ?"
        " RETURNING value",
        (counter, number, number),
    ).fetchone()
    return row["value"] - number + 1


def _insert(connection: sqlite3.Connection, rows: Iterator[_Row]) -> None:
    stamp = now()
    connection.executemany(
        "INSERT INTO objects (pk, kind, id, label, parent, project, xsi_type, fields,"
        f" insert_date, last_modified, insert_user) VALUES (?,?,?,?,?,?,?,?,'{stamp}',"
        f"'{stamp}','admin')",
        rows,
    )


def _projects(names: Sequence[str], keys: _Keys) -> Iterator[_Row]:
    for pk, name in zip(keys.projects, names, strict=True):
        yield _Row(pk, "project", name, name, None, name, "xnat:projectData")


def _subjects(project: str, keys: _Keys, first: int) -> Iterator[_Row]:
    for number, pk in enumerate(keys.subjects):
        name = f"{DEFAULTS['siteId']}_S{first + number:05d}"
        label = f"S{number + 1:05d}"
        yield _Row(pk, "subject", name, label, keys.projects[0], project, "xnat:subjectData")


def _sessions(project: str, keys: _Keys, first: int) -> Iterator[_Row]:
    for number, pk in enumerate(keys.sessions):
        name = f"{DEFAULTS['siteId']}_E{first + number:05d}"
        label = f"S{number + 1:05d}_MR1"
        fields = json.dumps({"date": f"20{number % 20:02d}-{number % 12 + 1:02d}-15"})
        above = keys.subjects[number]
        yield _Row(pk, "experiment", name, label, above, project, "xnat:mrSessionData", fields)


def _scans(project: str, keys: _Keys, scans: int) -> Iterator[_Row]:
    for number, pk in enumerate(keys.scans):
        name, above = str(number % scans + 1), keys.sessions[number // scans]
        fields = _SCAN_FIELDS[number % scans % len(_SCAN_FIELDS)]
        yield _Row(pk, "scan", name, name, above, project, "xnat:mrScanData", fields)


def _add_catalogs(connection: sqlite3.Connection, scans: range) -> None:
    connection.execute(
        "INSERT INTO resources (owner, label, folder, format, content, file_count, file_size)"
        " SELECT scans.pk, 'DICOM', 'archive/' || scans.project || '/arc001/' || parents.label"
        " || '/SCANS/' || scans.id || '/DICOM', 'DICOM', 'RAW', 100 + scans.pk % 100,"
        " 20000000 + scans.pk FROM objects AS scans JOIN objects AS parents"
        " ON parents.pk = scans.parent WHERE scans.pk BETWEEN ? AND ?",
        (scans.start, scans.stop - 1),
    )


_SCAN_FIELDS = [
    json.dumps(
        {
            "type": name,
            "series_description": name,
            "quality": "usable",
            "frames": frames,
            "parameters/tr": "2000.0",
            "parameters/te": "30.0",
            "UID": f"1.2.840.113619.2.{number}",
        }
    )
    for number, (name, frames) in enumerate(
        [("localizer", "3"), ("T1w_MPRAGE", "192"), ("T2w_SPACE", "176"), ("rest", "300"),
         ("task-nback", "240"), ("fieldmap", "72"), ("DTI", "65")]
    )
]  # fmt: skip
