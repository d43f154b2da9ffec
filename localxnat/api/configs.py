"""XNAT's configuration service: /data/config and /data/projects/{project}/config.

A tool keeps texts under paths, for the site or for a project. What is put replaces what is
there, as a new version unless it is unversioned; deleting disables.
"""

import sqlite3
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from localxnat import jsons
from localxnat.api import query
from localxnat.api.access import Archive, Who, archive, signed_in
from localxnat.api.listings import Row
from localxnat.api.query import Query
from localxnat.api.responses import rows_as
from localxnat.api.targets import NOT_FOUND
from localxnat.errors import Refused
from localxnat.storage.store import now

_ENABLED = {"enabled": "enabled", "true": "enabled", "disabled": "disabled", "false": "disabled"}


@dataclass(frozen=True)
class Place:
    """Whose configuration it is: a project's ("" for the site's), a tool's, under a path."""

    project: str
    tool: str
    path: str


async def handle(request: Request, who: Who) -> Response:
    """All requests to the configuration service."""
    base, asked = archive(request), query.parse(request.url.query)
    parts = request.path_params
    name, tool, path = (str(parts.get(key, "")) for key in ("project", "tool", "path"))
    place = await run_in_threadpool(_place, base, who, request.method, Place(name, tool, path))
    if request.method == "GET":
        return await run_in_threadpool(_get, base, asked, place)
    if request.method == "DELETE":
        return await run_in_threadpool(set_status, base, who, place, "disabled", "")
    return await _put(request, base, who, asked, place)


def _place(base: Archive, who: Who, method: str, place: Place) -> Place:
    """The place with the project's ID, if the user may do there what is asked."""
    if not place.project:
        if method != "GET" and not who.user.admin:
            raise Refused(403, "Only an administrator configures the site.")
        return place
    project = base.store.project(place.project)
    if project is None:
        raise Refused(404, NOT_FOUND)
    if method == "GET" and not base.auth.may(who.user, "list", project):
        raise Refused(404, NOT_FOUND)
    if not base.auth.may(who.user, "read" if method == "GET" else "delete", project):
        raise Refused(403, "The user has no right to this project's configuration.")
    return Place(project.id, place.tool, place.path)


# Reading -------------------------------------------------------------------------------------


def versions(base: Archive, place: Place) -> list[sqlite3.Row]:
    """All versions of a text, the newest first."""
    return base.store.database.connection.execute(
        "SELECT * FROM configs WHERE project = ? AND tool = ? AND path = ? ORDER BY id DESC",
        (place.project, place.tool, place.path),
    ).fetchall()


def _newest(base: Archive, place: Place) -> list[sqlite3.Row]:
    """The newest version of each text of a project or of one of its tools."""
    where, values = ("AND tool = ?", (place.tool,)) if place.tool else ("", ())
    return base.store.database.connection.execute(
        "SELECT * FROM configs WHERE id IN (SELECT MAX(id) FROM configs WHERE project = ?"
        f" {where} GROUP BY tool, path) ORDER BY tool, path",
        (place.project, *values),
    ).fetchall()


def _get(base: Archive, asked: Query, place: Place) -> Response:
    form = asked.get("format")
    if not place.tool:
        tools = dict.fromkeys(row["tool"] for row in _newest(base, place))
        return _found([{"tool": tool} for tool in tools], asked)
    if not place.path:
        return _found([_row(row) for row in _newest(base, place)], asked)
    found = versions(base, place)
    if not found and asked.flag("defaultToSiteWide"):
        found = versions(base, Place("", place.tool, place.path))
    if asked.get("action").lower() == "gethistory":
        return _found([_row(row) for row in found], asked)
    version = asked.get("version")
    if version.isdecimal():
        found = [row for row in found if row["version"] == int(version)]
    contents, meta = asked.flag("contents"), asked.flag("meta")
    if contents and not meta:
        if not found or found[0]["status"] == "disabled":
            return _found([], asked)
        return PlainTextResponse(found[0]["contents"])
    rows = [_row(row) for row in found[:1]]
    if meta and not contents:
        for row in rows:
            row["contents"] = ""
    return _found(rows, asked) if not rows else rows_as(rows, form)


def _found(rows: list[Row], asked: Query) -> Response:
    if not rows and asked.flag("accept-not-found"):
        return Response(status_code=204)
    if not rows:
        raise Refused(404, "There is no configuration there.")
    return rows_as(rows, asked.get("format"))


def _row(row: sqlite3.Row) -> Row:
    return {
        "tool": row["tool"],
        "path": row["path"],
        "project": row["project"],
        "user": row["user"],
        "create_date": row["created"],
        "reason": row["reason"],
        "contents": row["contents"],
        "unversioned": "true" if row["unversioned"] else "false",
        "version": str(row["version"]),
        "status": row["status"],
    }


# Writing -------------------------------------------------------------------------------------


async def _put(request: Request, base: Archive, who: Who, asked: Query, place: Place) -> Response:
    if not place.path:
        raise Refused(400, "A configuration has a tool and a path.")
    status, contents = asked.get("status"), await _contents(request)
    if request.headers.get("content-type", "").startswith("application/json"):
        given = _object(contents or "")
        status, contents = given.get("status", ""), given.get("contents")
    if not status and not contents:
        raise Refused(400, "You must specify either a status or a configuration in the body.")
    if status and status.lower() not in _ENABLED:
        raise Refused(400, "The status is enabled or true, or disabled or false.")
    status, reason = _ENABLED.get(status.lower(), ""), asked.get("reason")
    if not contents:
        return await run_in_threadpool(set_status, base, who, place, status, reason)
    versioned = asked.get("unversioned").lower()
    unversioned = versioned == "true" if versioned else None
    return await run_in_threadpool(
        replace, base, who, place, contents, status or "enabled", reason, unversioned
    )


async def _contents(request: Request) -> str | None:
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        async with request.form() as form:
            files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
            if len(files) != 1:
                raise Refused(400, "Config contents are limited to a single file.")
            return (await files[0].read()).decode("utf-8", "replace")
    return (await request.body()).decode("utf-8", "replace") or None


def _object(text: str) -> dict[str, str]:
    return {name: str(value) for name, value in jsons.read_object(text).items()}


def replace(
    base: Archive,
    who: Who,
    place: Place,
    contents: str,
    status: str,
    reason: str,
    unversioned: bool | None,
) -> Response:
    with base.store.database.write():
        before = next(iter(versions(base, place)), None)
        if before and (before["contents"], before["status"]) == (contents, status):
            return Response(status_code=200)
        keep = bool(before["unversioned"]) if before and unversioned is None else bool(unversioned)
        version = before["version"] + 1 if before and not keep else 1
        if keep:
            _forget(base, place)
        _insert(base, who, place, contents, keep, version, status, reason)
    return Response(status_code=200 if before else 201)


def set_status(base: Archive, who: Who, place: Place, status: str, reason: str) -> Response:
    with base.store.database.write():
        before = next(iter(versions(base, place)), None)
        if before is None:
            raise Refused(404, "There is no configuration there.")
        if before["status"] != status:
            kept, version = bool(before["unversioned"]), before["version"] + 1
            _insert(base, who, place, before["contents"], kept, version, status, reason)
    return Response(status_code=200)


def _forget(base: Archive, place: Place) -> None:
    base.store.database.connection.execute(
        "DELETE FROM configs WHERE project = ? AND tool = ? AND path = ?",
        (place.project, place.tool, place.path),
    )


def _insert(
    base: Archive,
    who: Who,
    place: Place,
    contents: str,
    unversioned: bool,
    version: int,
    status: str,
    reason: str,
) -> None:
    base.store.database.connection.execute(
        "INSERT INTO configs (project, tool, path, contents, unversioned, version, status, user,"
        " created, reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            place.project,
            place.tool,
            place.path,
            contents,
            int(unversioned),
            version,
            status,
            who.user.login,
            now(),
            reason,
        ),
    )


def routes() -> list[Route]:
    run, methods = signed_in(handle), ["GET", "PUT", "POST", "DELETE"]
    return [
        Route(f"{data}{where}/config{rest}", run, methods=methods)
        for data in ("/data", "/data/archive", "/REST")
        for where in ("", "/projects/{project}")
        for rest in ("", "/{tool}", "/{tool}/{path:path}")
    ]
