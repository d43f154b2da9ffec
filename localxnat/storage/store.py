"""The archive's objects: projects, subjects, experiments, scans, assessors and their shares."""

import json
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from localxnat.errors import Refused
from localxnat.model import fields as paths
from localxnat.storage.custom_forms import drop_unused
from localxnat.storage.database import Database
from localxnat.storage.private import own_folder
from localxnat.storage.settings import Settings

# What belongs to a session.
PARTS = ("scan", "reconstruction", "assessor")


@dataclass
class Object:
    """A row of `objects`. `project` is the one that owns it."""

    pk: int
    kind: str
    id: str
    label: str
    parent: int | None
    project: str
    xsi_type: str
    insert_date: str
    last_modified: str
    insert_user: str
    fields: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, row: sqlite3.Row) -> "Object":
        """The object of a row that begins with the columns of `objects`."""
        pk, kind, identifier, label, parent, project, xsi_type, fields, made, changed, user = row[
            :11
        ]
        return cls(
            pk, kind, identifier, label, parent, project, xsi_type, made, changed, user,
            json.loads(fields),
        )  # fmt: skip


class Share(NamedTuple):
    """A project that an object is shared into, and its label there."""

    project: str
    label: str


def now() -> str:
    """The time as XNAT prints it: `2026-11-22 20:15:00.123`."""
    return datetime.now().isoformat(sep=" ", timespec="milliseconds")


_AT_ONCE = 500


class Store:
    """Objects in the database of one archive folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        own_folder(root)
        self.database = Database(root / "localxnat.sqlite3")
        self.settings = Settings(self.database)
        # What 10,000 rows of all experiments cost one who is no administrator (`api/chosen.py`).
        self.seconds_for_rights = 0.0

    # Finding ---------------------------------------------------------------------------------

    def _one(self, where: str, *values: object) -> Object | None:
        row = self.database.connection.execute(
            f"SELECT * FROM objects WHERE {where} LIMIT 1", values
        ).fetchone()
        return Object.of(row) if row else None

    def by_pk(self, pk: int) -> Object | None:
        return self._one("pk = ?", pk)

    def project(self, identifier: str) -> Object | None:
        """A project by its ID or by an alias."""
        return self._one("kind = 'project' AND id = ?", identifier) or self._one(
            "kind = 'project' AND id = (SELECT project FROM aliases WHERE alias = ?)", identifier
        )

    def keep_aliases(self, project: Object) -> None:
        """Let a project be found by the aliases in its fields; 409 if one is another's."""
        names = [v for key, v in project.fields.items() if key.startswith("aliases/alias")]
        with self.database.write() as connection:
            for name in names:
                known = self.project(name)
                if known is not None and known.id != project.id:
                    raise Refused(409, "The alias is in use.")
            connection.execute("DELETE FROM aliases WHERE project = ?", (project.id,))
            rows = [(name, project.id) for name in dict.fromkeys(names)]
            connection.executemany("INSERT INTO aliases VALUES (?, ?)", rows)

    def subject(self, identifier: str, project: str | None = None) -> Object | None:
        """A subject by ID, or in a project by label, as owned or as shared there."""
        return self._in_project("kind = 'subject'", identifier, project)

    def experiment(self, identifier: str, project: str | None = None) -> Object | None:
        """An experiment by ID, or in a project by label, as owned or as shared there."""
        return self._in_project("kind IN ('experiment', 'assessor')", identifier, project)

    def _in_project(self, kinds: str, identifier: str, project: str | None) -> Object | None:
        if project is None:
            return self._one(f"{kinds} AND id = ?", identifier)
        owned = self._one(
            f"{kinds} AND project = ? AND (id = ? OR label = ?)", project, identifier, identifier
        )
        return owned or self._one(
            f"{kinds} AND pk IN (SELECT object FROM shares WHERE project = ?"
            " AND (label = ? OR object IN (SELECT pk FROM objects WHERE id = ?)))",
            project,
            identifier,
            identifier,
        )

    def labelled(self, kind: str, label: str, project: str) -> Object | None:
        """The object that has a label of this kind in a project, as owned or as shared there."""
        kinds = "kind = 'subject'" if kind == "subject" else "kind IN ('experiment', 'assessor')"
        return self._one(f"{kinds} AND project = ? AND label = ?", project, label) or self._one(
            f"{kinds} AND pk IN (SELECT object FROM shares WHERE project = ? AND label = ?)",
            project,
            label,
        )

    def assessor(self, session: Object, identifier: str, project: str | None) -> Object | None:
        """A session's assessor by its ID, or in a project by its label there."""
        found = self._one(
            "kind = 'assessor' AND parent = ? AND id = ?", session.pk, identifier
        ) or (self.labelled("assessor", identifier, project) if project else None)
        return found if found and found.parent == session.pk else None

    def part(self, session: Object, kind: str, identifier: str) -> Object | None:
        """A scan or a reconstruction by its ID."""
        return self._one("kind = ? AND parent = ? AND id = ?", kind, session.pk, identifier)

    def children(self, parent: Object, kind: str) -> list[Object]:
        rows = self.database.connection.execute(
            "SELECT * FROM objects WHERE parent = ? AND kind = ? ORDER BY pk", (parent.pk, kind)
        )
        found = [Object.of(row) for row in rows]
        return sorted(found, key=lambda scan: scan_order(scan.id)) if kind == "scan" else found

    def with_parts(self, item: Object) -> list[Object]:
        """An object and, of a session, its scans, reconstructions and assessors."""
        kinds = PARTS if item.kind == "experiment" else ()
        return [item, *(part for kind in kinds for part in self.children(item, kind))]

    def all(self, kind: str) -> Iterator[Object]:
        """All objects of a kind, some hundred at a time.

        No query is left open where only some are taken: SQLite would let its thread neither wait
        for its turn to write nor see what others wrote.
        """
        last = 0
        query = f"SELECT * FROM objects WHERE kind = ? AND pk > ? ORDER BY pk LIMIT {_AT_ONCE}"
        while rows := self.database.connection.execute(query, (kind, last)).fetchall():
            yield from map(Object.of, rows)
            last = rows[-1]["pk"]

    def in_project(self, project: str, kind: str) -> list[Object]:
        """A project's objects, and those shared into it under the label they have there."""
        connection = self.database.connection
        owned = connection.execute(
            "SELECT * FROM objects WHERE project = ? AND kind = ? ORDER BY pk", (project, kind)
        )
        found = [Object.of(row) for row in owned]
        shared = connection.execute(
            "SELECT objects.*, shares.label AS there FROM shares JOIN objects"
            " ON objects.pk = shares.object WHERE shares.project = ? AND kind = ? ORDER BY pk",
            (project, kind),
        )
        for row in shared:
            item = Object.of(row)
            item.label = row["there"]
            found.append(item)
        return found

    def shares(self, item: Object) -> list[Share]:
        """The projects that an object is shared into."""
        rows = self.database.connection.execute(
            "SELECT project, label FROM shares WHERE object = ? ORDER BY project", (item.pk,)
        )
        return [Share(*row) for row in rows]

    def session_of(self, item: Object) -> Object:
        """The session of a scan or an assessor; any other object is its own."""
        if item.kind in PARTS and item.parent is not None:
            return self.by_pk(item.parent) or item
        return item

    # Changing --------------------------------------------------------------------------------

    def create(
        self,
        kind: str,
        label: str,
        xsi_type: str,
        project: str,
        parent: Object | None,
        user: str,
        changes: dict[str, str | None] | None = None,
        identifier: str = "",
    ) -> Object:
        """A new object, with the ID asked for or the next one; 409 if its label is taken."""
        values = json.dumps(paths.apply({}, changes or {}))
        stamp = now()
        with self.database.write() as connection:
            if kind in ("project", "scan", "reconstruction"):
                identifier = label
            identifier = identifier or self._next_id(connection, kind)
            try:
                cursor = connection.execute(
                    "INSERT INTO objects (kind, id, label, parent, project, xsi_type, fields,"
                    " insert_date, last_modified, insert_user) VALUES (?,?,?,?,?,?,?,?,?,?)",
                    (
                        kind,
                        identifier,
                        label,
                        parent.pk if parent else None,
                        project,
                        xsi_type,
                        values,
                        stamp,
                        stamp,
                        user,
                    ),
                )
            except sqlite3.IntegrityError:
                raise Refused(409, f"A {kind} of this label exists in the project.") from None
            if kind in PARTS and parent is not None:
                self.touch(parent)
            made = connection.execute(
                "SELECT * FROM objects WHERE pk = ?", (cursor.lastrowid,)
            ).fetchone()
            return Object.of(made)

    def _next_id(self, connection: sqlite3.Connection, kind: str) -> str:
        letter = "S" if kind == "subject" else "E"
        connection.execute(
            "INSERT INTO counters VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET value = value + 1",
            (letter,),
        )
        row = connection.execute("SELECT value FROM counters WHERE name = ?", (letter,)).fetchone()
        prefix = re.sub(r"[^A-Za-z0-9]", "", str(self.settings.get("siteId"))) or "LOCAL"
        return f"{prefix}_{letter}{row['value']:05d}"

    def set_fields(self, item: Object, changes: dict[str, str | None]) -> None:
        if not changes:
            return
        with self.database.write() as connection:
            row = connection.execute(
                "SELECT fields FROM objects WHERE pk = ?", (item.pk,)
            ).fetchone()
            if row is None:
                raise Refused(404, "The object was deleted meanwhile.")
            values = json.dumps(paths.apply(json.loads(row["fields"]), changes))
            connection.execute("UPDATE objects SET fields = ? WHERE pk = ?", (values, item.pk))
            self.touch(item)

    def touch(self, item: Object) -> None:
        """Move last_modified of an object, and of the session that it belongs to."""
        with self.database.write() as connection:
            pks = [item.pk]
            if item.kind in PARTS and item.parent is not None:
                pks.append(item.parent)
            stamp = now()
            for pk in pks:
                connection.execute("UPDATE objects SET last_modified = ? WHERE pk = ?", (stamp, pk))

    def share(self, item: Object, project: str, label: str) -> None:
        with self.database.write() as connection:
            if self.labelled(item.kind, label, project):
                raise Refused(409, "The label is in use in that project.")
            connection.execute("INSERT INTO shares VALUES (?, ?, ?)", (item.pk, project, label))
            self.touch(item)

    def unshare(self, item: Object, project: str) -> None:
        with self.database.write() as connection:
            gone = connection.execute(
                "DELETE FROM shares WHERE object = ? AND project = ?", (item.pk, project)
            )
            if gone.rowcount:
                self.touch(item)

    def delete(self, item: Object) -> None:
        """Remove the rows of an object and of all below it; files are another matter."""
        with self.database.write() as connection:
            connection.execute("DELETE FROM objects WHERE pk = ?", (item.pk,))
            if item.kind == "project":
                connection.execute("DELETE FROM objects WHERE project = ?", (item.id,))
                connection.execute("DELETE FROM shares WHERE project = ?", (item.id,))
                connection.execute("DELETE FROM roles WHERE project = ?", (item.id,))
                connection.execute("DELETE FROM aliases WHERE project = ?", (item.id,))
                connection.execute("DELETE FROM configs WHERE project = ?", (item.id,))
                connection.execute("DELETE FROM custom_form_uses WHERE project = ?", (item.id,))
                drop_unused(connection)
            parent = self.by_pk(item.parent) if item.parent is not None else None
            if parent is not None and item.kind in ("scan", "assessor"):
                self.touch(parent)


def scan_order(identifier: str) -> tuple[int, str]:
    """Scan IDs in the order of their numbers: 2, 4, 10, 10-MR1."""
    digits = identifier.split("-", 1)[0]
    return (int(digits), identifier) if digits.isdecimal() else (1 << 40, identifier)
