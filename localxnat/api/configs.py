"""XNAT's configuration service: /data/config and /data/projects/{project}/config.

A tool keeps texts under paths, for the site or for a project. What is put replaces what is
there, as a new version unless it is unversioned; deleting disables.
"""

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from localxnat import jsons
from localxnat.api import query
from localxnat.api.access import Archive, Who, archive, only_admin, signed_in
from localxnat.api.query import Query
from localxnat.api.responses import Row, rows_as
from localxnat.api.targets import NOT_FOUND
from localxnat.errors import Refused
from localxnat.storage.configs import Change, Configs, Key, Version

_ENABLED = {"enabled": "enabled", "true": "enabled", "disabled": "disabled", "false": "disabled"}


async def handle(request: Request, who: Who) -> Response:
    """All requests to the configuration service."""
    base, asked = archive(request), query.parse(request.url.query)
    parts = request.path_params
    name, tool, path = (str(parts.get(key, "")) for key in ("project", "tool", "path"))
    key = await run_in_threadpool(_checked, base, who, request.method, Key(name, tool, path))
    if request.method == "GET":
        return await run_in_threadpool(_get, base, asked, key)
    if request.method == "DELETE":
        return await run_in_threadpool(set_status, base, who, key, "disabled", "")
    return await _put(request, base, who, asked, key)


def _checked(base: Archive, who: Who, method: str, key: Key) -> Key:
    """The key with the project's ID, if the user may do there what is asked."""
    if not key.project:
        if method != "GET":
            only_admin(who, "Only an administrator configures the site.")
        return key
    project = base.store.project(key.project)
    if project is None:
        raise Refused(404, NOT_FOUND)
    if method == "GET" and not base.auth.may(who.user, "list", project):
        raise Refused(404, NOT_FOUND)
    if not base.auth.may(who.user, "read" if method == "GET" else "delete", project):
        raise Refused(403, "The user has no right to this project's configuration.")
    return Key(project.id, key.tool, key.path)


# Reading -------------------------------------------------------------------------------------


def configs_of(base: Archive) -> Configs:
    """The configurations of an archive."""
    return Configs(base.store.database)


def _get(base: Archive, asked: Query, key: Key) -> Response:
    form, configs = asked.get("format"), configs_of(base)
    if not key.tool:
        tools = dict.fromkeys(row.tool for row in configs.newest(key.project, key.tool))
        return _found([{"tool": tool} for tool in tools], asked)
    if not key.path:
        return _found([_row(row) for row in configs.newest(key.project, key.tool)], asked)
    found = configs.versions(key)
    if not found and asked.flag("defaultToSiteWide"):
        found = configs.versions(Key("", key.tool, key.path))
    if asked.get("action").lower() == "gethistory":
        return _found([_row(row) for row in found], asked)
    version = asked.get("version")
    if version.isdecimal():
        found = [row for row in found if row.version == int(version)]
    contents, meta = asked.flag("contents"), asked.flag("meta")
    if contents and not meta:
        if not found or found[0].status == "disabled":
            return _found([], asked)
        return PlainTextResponse(found[0].contents)
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


def _row(version: Version) -> Row:
    return {
        "tool": version.tool,
        "path": version.path,
        "project": version.project,
        "user": version.user,
        "create_date": version.created,
        "reason": version.reason,
        "contents": version.contents,
        "unversioned": "true" if version.unversioned else "false",
        "version": str(version.version),
        "status": version.status,
    }


# Writing -------------------------------------------------------------------------------------


async def _put(request: Request, base: Archive, who: Who, asked: Query, key: Key) -> Response:
    if not key.path:
        raise Refused(400, "A configuration has a tool and a path.")
    status, contents = asked.get("status"), await _contents(request)
    if request.headers.get("content-type", "").startswith("application/json"):
        body = jsons.read_object(contents or "")
        status, contents = (jsons.as_text(body.get(one), one) for one in ("status", "contents"))
    if not status and not contents:
        raise Refused(400, "You must specify either a status or a configuration in the body.")
    if status and status.lower() not in _ENABLED:
        raise Refused(400, "The status is enabled or true, or disabled or false.")
    status, reason = _ENABLED.get(status.lower(), ""), asked.get("reason")
    if not contents:
        return await run_in_threadpool(set_status, base, who, key, status, reason)
    versioned = asked.get("unversioned").lower()
    unversioned = versioned == "true" if versioned else None
    change = Change(contents, status or "enabled", who.user.login, reason, unversioned)
    return await run_in_threadpool(_replace, base, key, change)


async def _contents(request: Request) -> str | None:
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        async with request.form() as form:
            files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
            if len(files) != 1:
                raise Refused(400, "Config contents are limited to a single file.")
            return (await files[0].read()).decode("utf-8", "replace")
    return (await request.body()).decode("utf-8", "replace") or None


def _replace(base: Archive, key: Key, change: Change) -> Response:
    return Response(status_code=201 if configs_of(base).replace(key, change) else 200)


def set_status(base: Archive, who: Who, key: Key, status: str, reason: str) -> Response:
    """Enable or disable a text; 404 where there is none."""
    if not configs_of(base).set_status(key, status, who.user.login, reason):
        raise Refused(404, "There is no configuration there.")
    return Response(status_code=200)


def routes() -> list[Route]:
    run, methods = signed_in(handle), ["GET", "PUT", "POST", "DELETE"]
    return [
        Route(f"{data}{where}/config{rest}", run, methods=methods)
        for data in ("/data", "/data/archive", "/REST")
        for where in ("", "/projects/{project}")
        for rest in ("", "/{tool}", "/{tool}/{path:path}")
    ]
