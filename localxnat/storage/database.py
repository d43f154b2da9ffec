"""The database: its tables, one connection a thread, transactions."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from localxnat.storage.private import own_file

SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    pk INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    label TEXT NOT NULL,
    parent INTEGER REFERENCES objects (pk) ON DELETE CASCADE,
    project TEXT NOT NULL,
    xsi_type TEXT NOT NULL,
    fields TEXT NOT NULL DEFAULT '{}',
    insert_date TEXT NOT NULL,
    last_modified TEXT NOT NULL,
    insert_user TEXT NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS object_ids ON objects (id)
    WHERE kind IN ('subject', 'experiment', 'assessor');
CREATE UNIQUE INDEX IF NOT EXISTS project_ids ON objects (id) WHERE kind = 'project';
CREATE UNIQUE INDEX IF NOT EXISTS scan_ids ON objects (parent, id) WHERE kind = 'scan';
CREATE UNIQUE INDEX IF NOT EXISTS reconstruction_ids ON objects (parent, id)
    WHERE kind = 'reconstruction';
CREATE UNIQUE INDEX IF NOT EXISTS subject_labels ON objects (project, label)
    WHERE kind = 'subject';
CREATE UNIQUE INDEX IF NOT EXISTS experiment_labels ON objects (project, label)
    WHERE kind IN ('experiment', 'assessor');
CREATE INDEX IF NOT EXISTS children ON objects (parent, kind);
CREATE INDEX IF NOT EXISTS in_project ON objects (project, kind);

CREATE TABLE IF NOT EXISTS aliases (alias TEXT PRIMARY KEY, project TEXT NOT NULL);

CREATE TABLE IF NOT EXISTS shares (
    object INTEGER NOT NULL REFERENCES objects (pk) ON DELETE CASCADE,
    project TEXT NOT NULL,
    label TEXT NOT NULL,
    PRIMARY KEY (object, project)
);
CREATE INDEX IF NOT EXISTS shared_into ON shares (project);

CREATE TABLE IF NOT EXISTS resources (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    owner INTEGER NOT NULL REFERENCES objects (pk) ON DELETE CASCADE,
    label TEXT NOT NULL,
    folder TEXT NOT NULL,
    format TEXT NOT NULL DEFAULT '',
    content TEXT NOT NULL DEFAULT '',
    tags TEXT NOT NULL DEFAULT '',
    description TEXT NOT NULL DEFAULT '',
    -- NULL, as in XNAT, for a catalog that was never refreshed.
    file_count INTEGER DEFAULT 0,
    file_size INTEGER DEFAULT 0,
    UNIQUE (owner, label)
);
CREATE TABLE IF NOT EXISTS files (
    resource INTEGER NOT NULL REFERENCES resources (id) ON DELETE CASCADE,
    path TEXT NOT NULL,
    size INTEGER NOT NULL,
    digest TEXT NOT NULL,
    format TEXT NOT NULL DEFAULT '',
    content TEXT NOT NULL DEFAULT '',
    tags TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (resource, path)
) WITHOUT ROWID;

-- Files on their way from .incoming to their place: written before the rename, so that a
-- process that is killed in between leaves enough to finish or to undo it.
CREATE TABLE IF NOT EXISTS pending (
    temporary TEXT PRIMARY KEY,
    resource INTEGER NOT NULL REFERENCES resources (id) ON DELETE CASCADE,
    path TEXT NOT NULL,
    size INTEGER NOT NULL,
    digest TEXT NOT NULL,
    format TEXT NOT NULL,
    content TEXT NOT NULL,
    tags TEXT NOT NULL
);

-- Objects on their way to a new label or project, noted before their folder is renamed.
CREATE TABLE IF NOT EXISTS moving (
    object INTEGER PRIMARY KEY REFERENCES objects (pk) ON DELETE CASCADE,
    label TEXT NOT NULL,
    project TEXT NOT NULL,
    old TEXT NOT NULL,
    new TEXT NOT NULL
);

-- Files and folders that are to go, noted in the transaction that drops their rows.
CREATE TABLE IF NOT EXISTS removing (path TEXT PRIMARY KEY);

CREATE TABLE IF NOT EXISTS prearchive (
    project TEXT NOT NULL,
    timestamp TEXT NOT NULL,
    name TEXT NOT NULL,
    subject TEXT NOT NULL,
    status TEXT NOT NULL,
    uploaded TEXT NOT NULL,
    lastmod TEXT NOT NULL,
    scan_date TEXT NOT NULL,
    scan_time TEXT NOT NULL,
    tag TEXT NOT NULL,
    label TEXT NOT NULL DEFAULT '',
    autoarchive TEXT NOT NULL DEFAULT 'Manual',
    PRIMARY KEY (project, timestamp, name)
);

-- Experiments that are being made from a session of the prearchive.
CREATE TABLE IF NOT EXISTS archiving (
    project TEXT NOT NULL,
    timestamp TEXT NOT NULL,
    name TEXT NOT NULL,
    label TEXT NOT NULL,
    PRIMARY KEY (project, timestamp, name)
);

CREATE TABLE IF NOT EXISTS users (
    login TEXT PRIMARY KEY,
    password TEXT NOT NULL,
    firstname TEXT NOT NULL DEFAULT '',
    lastname TEXT NOT NULL DEFAULT '',
    email TEXT NOT NULL DEFAULT '',
    admin INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS disabled_users (
    login TEXT PRIMARY KEY REFERENCES users (login) ON DELETE CASCADE
);
CREATE TABLE IF NOT EXISTS roles (
    project TEXT NOT NULL,
    login TEXT NOT NULL REFERENCES users (login) ON DELETE CASCADE,
    role TEXT NOT NULL,
    PRIMARY KEY (project, login)
);
CREATE TABLE IF NOT EXISTS tokens (
    alias TEXT PRIMARY KEY,
    secret TEXT NOT NULL,
    login TEXT NOT NULL REFERENCES users (login) ON DELETE CASCADE,
    expires REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS configs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project TEXT NOT NULL,
    tool TEXT NOT NULL,
    path TEXT NOT NULL,
    contents TEXT NOT NULL,
    unversioned INTEGER NOT NULL,
    version INTEGER NOT NULL,
    status TEXT NOT NULL,
    user TEXT NOT NULL,
    created TEXT NOT NULL,
    reason TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS custom_forms (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL UNIQUE,
    datatype TEXT NOT NULL,
    position INTEGER NOT NULL,
    contents TEXT NOT NULL,
    user TEXT NOT NULL,
    created INTEGER NOT NULL
);
-- Where a form is used: in a project, or with '' in all of them.
CREATE TABLE IF NOT EXISTS custom_form_uses (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    form INTEGER NOT NULL REFERENCES custom_forms (id) ON DELETE CASCADE,
    project TEXT NOT NULL,
    status TEXT NOT NULL,
    UNIQUE (form, project)
);
CREATE INDEX IF NOT EXISTS config_places ON configs (project, tool, path);
CREATE TABLE IF NOT EXISTS searches (
    id TEXT PRIMARY KEY,
    login TEXT NOT NULL,
    document TEXT NOT NULL,
    tag TEXT NOT NULL DEFAULT ''
);
-- What administrators set up: a JSON object each, by kind.
CREATE TABLE IF NOT EXISTS registered (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    document TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS cached_searches (
    id TEXT PRIMARY KEY,
    login TEXT NOT NULL,
    made REAL NOT NULL,
    found TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
"""


AMONG = "(SELECT value FROM json_each(?))"
"""The values of a list, which a statement takes as JSON."""

# Columns that a table of an older archive has not.
_ADDED = {
    "prearchive": {
        "label": "TEXT NOT NULL DEFAULT ''",
        "autoarchive": "TEXT NOT NULL DEFAULT 'Manual'",
    }
}


class Database:
    """One SQLite file in WAL mode; several threads and processes may use it at once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()
        # SQLite gives the files beside it the mode that it has itself.
        own_file(path)
        for beside in (path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
            if beside.exists():
                own_file(beside)
        with self.write() as connection:
            connection.executescript(SCHEMA)
        with self.write() as connection:
            for table, columns in _ADDED.items():
                there = {row["name"] for row in connection.execute(f"PRAGMA table_info({table})")}
                for name in columns.keys() - there:
                    connection.execute(f"ALTER TABLE {table} ADD COLUMN {name} {columns[name]}")

    @property
    def connection(self) -> sqlite3.Connection:
        """This thread's connection, for reading."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(self._path, timeout=60, isolation_level=None)
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA foreign_keys = ON")
            self._local.connection = connection
        return connection

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """A transaction that holds the write lock; nested use joins the outer one."""
        connection = self.connection
        if connection.in_transaction:
            yield connection
            return
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            if connection.in_transaction:
                connection.execute("COMMIT")
        except BaseException:
            # Also of a commit that failed: what comes next in this thread would join it.
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
