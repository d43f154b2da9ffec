"""An archive in summary: counts of types, the scanners and the scan types in use."""

from typing import NamedTuple

from localxnat.storage.database import Database


class OfProject(NamedTuple):
    """A count of the objects of a type that a project owns."""

    project: str
    xsi_type: str
    number: int


class Scanner(NamedTuple):
    """The name of a scanner, in a project that has sessions of it."""

    project: str
    name: str


class ScanType(NamedTuple):
    """A type of scans, with a description and a number of frames of those that have it."""

    project: str
    type: str
    description: str
    frames: str


def types(database: Database) -> dict[str, int]:
    """The number of objects of each type."""
    rows = database.connection.execute(
        "SELECT xsi_type, COUNT(*) AS number FROM objects GROUP BY xsi_type"
    )
    return {row["xsi_type"]: row["number"] for row in rows}


def types_of_projects(database: Database) -> list[OfProject]:
    """The numbers of subjects and sessions of each type that each project owns."""
    rows = database.connection.execute(
        "SELECT project, xsi_type, COUNT(*) FROM objects"
        " WHERE kind IN ('subject', 'experiment') GROUP BY project, xsi_type"
    )
    return [OfProject(*row) for row in rows.fetchall()]


def scanners(database: Database) -> list[Scanner]:
    """The scanners by their names, once for each project."""
    rows = database.connection.execute(
        "SELECT DISTINCT project, json_extract(fields, '$.scanner') AS scanner FROM objects"
        " WHERE kind = 'experiment' AND scanner IS NOT NULL ORDER BY scanner"
    )
    return [Scanner(*row) for row in rows.fetchall()]


_SCAN_TYPES = (
    "SELECT DISTINCT project, json_extract(fields, '$.type') AS type,"
    " COALESCE(json_extract(fields, '$.series_description'), '') AS description{frames}"
    " FROM objects WHERE kind = 'scan' AND type IS NOT NULL"
)


def scan_types(database: Database) -> list[ScanType]:
    """The types of scans, once for each project and description; frames are left out."""
    statement = _SCAN_TYPES.format(frames=", ''") + " ORDER BY type"
    return [ScanType(*row) for row in database.connection.execute(statement).fetchall()]


def described_scan_types(database: Database, project: str) -> list[ScanType]:
    """The types in a project of scans with a description, once for each number of frames."""
    frames = ", COALESCE(json_extract(fields, '$.frames'), '')"
    statement = _SCAN_TYPES.format(frames=frames)
    statement += " AND project = ? AND description != '' AND type != ''"
    rows = database.connection.execute(statement, (project,))
    return [ScanType(*row) for row in rows.fetchall()]
