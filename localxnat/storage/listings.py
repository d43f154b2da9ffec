"""The queries of listings, a few hundred objects at a time: objects, shares and catalogs by key.

Each function is one query, whatever the number of keys.
"""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from localxnat.storage.database import AMONG, Database
from localxnat.storage.store import Object, Share


class Guest(NamedTuple):
    """An object's key, and the label that it has where it is shared; empty for its own."""

    pk: int
    label: str = ""


class Catalog(NamedTuple):
    """Columns of a resource, as text, and the key of the object that has it."""

    owner: int
    values: tuple[str, ...]


def experiments(
    database: Database,
    kinds: Sequence[str],
    *,
    subject: int | None = None,
    project: str | None = None,
    shared: bool = False,
) -> list[int]:
    """The keys of experiments, all or those of a subject and of a project.

    Parameters
    ----------
    kinds
        `experiment`, `assessor` or both.
    subject
        the key of what they belong to.
    project
        the ID of the project that owns them or, with `shared`, that they are shared into.
    """
    where, values = _of(kinds), list[object]()
    if subject is not None:
        where, values = f"parent = ? AND {where}", [subject]
    if project is not None:
        into = " OR pk IN (SELECT object FROM shares WHERE project = ?)" if shared else ""
        where, values = f"{where} AND (project = ?{into})", [*values, project]
        values += [project] if shared else []
    rows = _rows(database, f"SELECT pk FROM objects WHERE {where} ORDER BY pk", values)
    return [pk for (pk,) in rows]


def _of(kinds: Sequence[str]) -> str:
    """A condition on the kind; literal, so that SQLite sees which index it may use."""
    return f"kind IN ({', '.join(repr(kind) for kind in kinds)})"


def guests(database: Database, kinds: Sequence[str], project: str) -> list[Guest]:
    """The objects of these kinds that are shared into a project, with their labels there."""
    statement = (
        "SELECT pk, shares.label FROM shares JOIN objects ON pk = object"
        f" WHERE shares.project = ? AND {_of(kinds)} ORDER BY pk"
    )
    return [Guest(*row) for row in _rows(database, statement, [project])]


def count_scans(database: Database, sessions: Iterable[int]) -> int:
    """The number of scans that these sessions have together."""
    statement = f"SELECT COUNT(*) FROM objects WHERE kind = 'scan' AND parent IN {AMONG}"
    return _rows(database, statement, [_list(sessions)])[0][0]


def shares(database: Database, pks: Iterable[int]) -> list[tuple[int, Share]]:
    """The keys of objects with the projects that they are shared into, and their labels there."""
    statement = f"SELECT object, project, label FROM shares WHERE object IN {AMONG}"
    rows = _rows(database, statement, [_list(pks)])
    return [(pk, Share(project, label)) for pk, project, label in rows]


def labels_in(database: Database, project: str, pks: Iterable[int]) -> list[Guest]:
    """Those of these objects that are shared into a project."""
    statement = f"SELECT object, label FROM shares WHERE project = ? AND object IN {AMONG}"
    return [Guest(*row) for row in _rows(database, statement, [project, _list(pks)])]


def catalogs(database: Database, owners: Iterable[int], columns: Sequence[str]) -> list[Catalog]:
    """Columns of the resources of objects; empty what a catalog does not know.

    One that was never refreshed does not know how many files it has.
    """
    texts = ", ".join(f"COALESCE(CAST({name} AS TEXT), '')" for name in columns)
    statement = f"SELECT owner, {texts} FROM resources WHERE owner IN {AMONG} ORDER BY id"
    rows = _rows(database, statement, [_list(owners)])
    return [Catalog(row[0], row[1:]) for row in rows]


def children(database: Database, parents: Iterable[int], kind: str) -> list[Object]:
    """The objects of a kind that belong to these."""
    statement = f"SELECT * FROM objects WHERE parent IN {AMONG} AND kind = ?"
    return _objects(_rows(database, statement, [_list(parents), kind]))


def objects(database: Database, pks: Iterable[int | None]) -> dict[int, Object]:
    """Objects by their keys; those that are there."""
    wanted = {pk for pk in pks if pk is not None}
    statement = f"SELECT * FROM objects WHERE pk IN {AMONG}"
    return {one.pk: one for one in _objects(_rows(database, statement, [_list(wanted)]))}


def _list(pks: Iterable[int]) -> str:
    return json.dumps(list(pks))


def _rows(database: Database, statement: str, values: Sequence[object]) -> list[sqlite3.Row]:
    """The rows of a query; plain tuples in truth, as there are many."""
    cursor = database.connection.cursor()
    cursor.row_factory = None
    return cursor.execute(statement, values).fetchall()


def _objects(rows: list[sqlite3.Row]) -> list[Object]:
    """The objects of rows, their fields parsed in one go: one at a time takes twice as long."""
    values = json.loads(f"[{','.join([row[7] for row in rows])}]")
    return [
        Object(pk, kind, name, label, parent, project, xsi_type, made, changed, user, fields)
        for (pk, kind, name, label, parent, project, xsi_type, _, made, changed, user), fields
        in zip(rows, values, strict=True)
    ]  # fmt: skip
