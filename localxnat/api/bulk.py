"""Experiments with their subjects, scans and resources, for listings of any length.

A few hundred experiments are read at a time, by a handful of queries whatever their number, so
that a listing takes neither a query a session nor memory for all of them.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from localxnat.api.listings import Line, about_scans
from localxnat.api.targets import Call, Target
from localxnat.storage.resources import Resource
from localxnat.storage.store import Object, scan_order

BATCH = 400
_AMONG = "(SELECT value FROM json_each(?))"
Pairs = list[tuple[Object, Resource | None]]


def experiments(call: Call, target: Target) -> Iterator[Line]:
    """A line for each experiment that a query is about, or for each of its scans and resources."""
    found = _chosen(call, target)
    check = not target.project and not call.user.admin
    with_scans, with_files = about_scans(call)
    readable = _Readable(call) if check else None
    for start in range(0, len(found), BATCH):
        batch = found[start : start + BATCH]
        things = _objects(call, [pk for pk, _, _ in batch])
        parents = _objects(call, [one.parent for one in things.values() if one.parent is not None])
        shares = _shares(call, batch[0][2][0], parents)
        allowed = readable.among(things) if readable else set(things)
        scans = _scans(call, list(allowed), with_files) if with_scans else {}
        for pk, here, share in batch:
            if pk not in allowed:  # or deleted meanwhile
                continue
            thing = things[pk]
            thing.label = here or thing.label
            parent = parents.get(thing.parent or 0)
            for scan, resource in scans.get(pk, [(None, None)]):
                yield Line(thing, parent, scan, resource, share, shares.get(thing.parent or 0))


def _chosen(call: Call, target: Target) -> list[tuple[int, str, tuple[str, str]]]:
    """The experiments asked for: their keys, another label for a share, the share's columns."""
    project = call.query.get("project")
    shared = next(
        (value for name, value in call.query if name.lower().endswith("sharing/share/project")),
        "",
    )
    owned = "SELECT pk FROM objects WHERE {} ORDER BY pk"
    guests = (
        "SELECT pk, shares.label FROM shares JOIN objects ON pk = object"
        " WHERE shares.project = ? AND kind = 'experiment'{} ORDER BY pk"
    )
    if target.subject:
        where, values = "parent = ? AND kind = 'experiment'", [str(target.subject.pk)]
        if target.project:
            where += " AND (project = ? OR pk IN (SELECT object FROM shares WHERE project = ?))"
            values += [target.project.id] * 2
    elif target.project:
        home = target.project.id
        here = _rows(call, guests.format(""), [home])
        return [
            *_keys(call, owned.format("project = ? AND kind = 'experiment'"), [home]),
            *((row[0], row[1], ("", "")) for row in here),
        ]
    elif shared:
        # A share's label is a column of its own; `label` stays the one at home.
        rows = _rows(call, guests.format(" AND objects.project != ?"), [shared, shared])
        return [(row[0], "", (shared, row[1])) for row in rows]
    elif project and "*" not in project and "," not in project:
        where, values = "project = ? AND kind = 'experiment'", [project]
    elif "assessor" in call.query.get("xsiType").lower():
        where, values = "kind IN ('experiment', 'assessor')", []
    else:
        where, values = "kind = 'experiment'", []
    return _keys(call, owned.format(where), values)


def _rows(call: Call, statement: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
    cursor = call.store.database.connection.cursor()
    cursor.row_factory = None  # plain tuples: there are many
    return cursor.execute(statement, values).fetchall()


def _keys(
    call: Call, statement: str, values: Sequence[object]
) -> list[tuple[int, str, tuple[str, str]]]:
    return [(row[0], "", ("", "")) for row in _rows(call, statement, values)]


def _shares(call: Call, project: str, things: dict[int, Object]) -> dict[int, tuple[str, str]]:
    """Those of the things that are shared into a project, with their label there."""
    if not project:
        return {}
    statement = (
        f"SELECT object, project, label FROM shares WHERE project = ? AND object IN {_AMONG}"
    )
    rows = _rows(call, statement, [project, json.dumps(list(things))])
    return {row[0]: (row[1], row[2]) for row in rows}


def _objects(call: Call, pks: list[int]) -> dict[int, Object]:
    rows = _rows(call, f"SELECT * FROM objects WHERE pk IN {_AMONG}", [json.dumps(pks)])
    return {thing.pk: thing for thing in _things(rows)}


def _things(rows: list[tuple[Any, ...]]) -> list[Object]:
    """The objects of rows, their fields parsed in one go: one at a time takes twice as long."""
    fields = json.loads(f"[{','.join([row[7] for row in rows])}]")
    return [
        Object(pk, kind, name, label, parent, project, xsi_type, made, changed, user, values)
        for (pk, kind, name, label, parent, project, xsi_type, _, made, changed, user, *_), values
        in zip(rows, fields, strict=True)
    ]  # fmt: skip


def _scans(call: Call, sessions: list[int], with_files: bool) -> dict[int, Pairs]:
    """Each session's scans in their order, with their resources; None for a scan without."""
    columns, join = ("objects.*, resources.*", "LEFT JOIN resources ON owner = objects.pk")
    if not with_files:
        columns, join = "objects.*", ""
    rows = _rows(
        call,
        f"SELECT {columns} FROM objects {join} WHERE parent IN {_AMONG} AND kind = 'scan'",
        [json.dumps(sessions)],
    )
    found: dict[int, Pairs] = {}
    for row, scan in zip(rows, _things(rows), strict=True):
        resource = Resource(*row[11:]) if with_files and row[11] else None
        found.setdefault(row[4], []).append((scan, resource))
    for pairs in found.values():
        pairs.sort(key=_order)
    return found


def _order(pair: tuple[Object, Resource | None]) -> tuple[tuple[int, str], int]:
    scan, resource = pair
    return scan_order(scan.id), resource.id if resource else 0


class _Readable:
    """Which experiments a user may read: those of readable projects, owning or shared into."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._projects: dict[str, bool] = {}

    def among(self, things: dict[int, Object]) -> set[int]:
        # An assessor goes where its session is shared.
        shared_as = {
            pk: one.parent if one.kind == "assessor" and one.parent else pk
            for pk, one in things.items()
        }
        homes: dict[int, set[str]] = {pk: set() for pk in shared_as.values()}
        shares = _rows(
            self._call,
            f"SELECT object, project FROM shares WHERE object IN {_AMONG}",
            [json.dumps(list(homes))],
        )
        for pk, project in shares:
            homes[pk].add(project)
        return {
            pk
            for pk, one in things.items()
            if any(self._may(name) for name in (one.project, *homes[shared_as[pk]]))
        }

    def _may(self, name: str) -> bool:
        if name not in self._projects:
            project = self._call.store.project(name)
            self._projects[name] = project is not None and self._call.auth.may(
                self._call.user, "read", project
            )
        return self._projects[name]
