"""The texts that the configuration service keeps, in all their versions."""

import sqlite3
from dataclasses import dataclass

from localxnat.storage.database import Database
from localxnat.storage.store import now

_COLUMNS = "project, tool, path, contents, unversioned, version, status, user, created, reason"
_KEY = "project = ? AND tool = ? AND path = ?"


@dataclass(frozen=True)
class Key:
    """Whose configuration it is: a project's ("" for the site's), a tool's, under a path."""

    project: str
    tool: str
    path: str


@dataclass(frozen=True)
class Version:
    """One version of a text, a row of `configs`."""

    project: str
    tool: str
    path: str
    contents: str
    unversioned: bool
    version: int
    status: str
    user: str
    created: str
    reason: str


@dataclass(frozen=True)
class Change:
    """A new text or status, whose it is and why; `unversioned` None stays as it was."""

    contents: str
    status: str
    user: str
    reason: str = ""
    unversioned: bool | None = None


class Configs:
    """The configurations of an archive."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def versions(self, key: Key) -> list[Version]:
        """All versions of a text, the newest first."""
        return self._select(f"{_KEY} ORDER BY id DESC", *vars(key).values())

    def newest(self, project: str, tool: str = "") -> list[Version]:
        """The newest version of each text of a project or of one of its tools."""
        return self._select(
            "id IN (SELECT MAX(id) FROM configs WHERE project = ? AND (? = '' OR tool = ?)"
            " GROUP BY tool, path) ORDER BY tool, path",
            project,
            tool,
            tool,
        )

    def _select(self, where: str, *values: str) -> list[Version]:
        rows = self._database.connection.execute(
            f"SELECT {_COLUMNS} FROM configs WHERE {where}", values
        )
        return [_version(row) for row in rows]

    def replace(self, key: Key, change: Change) -> bool:
        """Make a text the newest version; whether it is the first."""
        with self._database.write():
            before = next(iter(self.versions(key)), None)
            if before and (before.contents, before.status) == (change.contents, change.status):
                return False
            unversioned = change.unversioned
            keep = before.unversioned if before and unversioned is None else bool(unversioned)
            version = before.version + 1 if before and not keep else 1
            if keep:
                self._forget(key)
            self._insert(key, change, keep, version)
        return before is None

    def set_status(self, key: Key, status: str, user: str, reason: str) -> bool:
        """Give the newest version another status, as a new version; whether there is one."""
        with self._database.write():
            before = next(iter(self.versions(key)), None)
            if before and before.status != status:
                change = Change(before.contents, status, user, reason)
                self._insert(key, change, before.unversioned, before.version + 1)
        return before is not None

    def _forget(self, key: Key) -> None:
        statement = f"DELETE FROM configs WHERE {_KEY}"
        self._database.connection.execute(statement, tuple(vars(key).values()))

    def _insert(self, key: Key, change: Change, unversioned: bool, version: int) -> None:
        kept = (change.contents, int(unversioned), version, change.status, change.user)
        self._database.connection.execute(
            f"INSERT INTO configs ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (key.project, key.tool, key.path, *kept, now(), change.reason),
        )


def _version(row: sqlite3.Row) -> Version:
    project, tool, path, contents, unversioned, *rest = row
    return Version(project, tool, path, contents, bool(unversioned), *rest)
