"""/xapi/custom-fields: what custom forms keep with projects, subjects, experiments and scans."""

import json

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from localxnat import jsons
from localxnat.api import address, query
from localxnat.api.access import Who, archive, signed_in
from localxnat.api.targets import NOT_FOUND, Call, require_found, resolve
from localxnat.errors import Refused
from localxnat.storage.store import Object

_KEY = "custom_fields"
_NAMED = ("keys", "fieldNames")
"""The parameters that name the fields to answer."""


async def handle(request: Request, who: Who) -> Response:
    """GET or PUT .../fields; GET or DELETE .../fields/{name}."""
    parts = address.segments(request.scope.get("raw_path") or request.url.path.encode())[2:]
    if "fields" not in parts:
        raise Refused(404, NOT_FOUND)
    cut = len(parts) - 1 - parts[::-1].index("fields")
    name = parts[cut + 1] if len(parts) > cut + 1 else None
    call = Call.of(archive(request), who, request.method, ["data", *parts[:cut]])
    body = jsons.read_object(await request.body()) if request.method == "PUT" else None
    asked = query.parse(request.url.query)
    wanted = [one for key, value in asked if key in _NAMED for one in value.split(",")]
    return await run_in_threadpool(_answer, call, name, body, wanted)


def _answer(
    call: Call, name: str | None, body: dict[str, object] | None, wanted: list[str]
) -> Response:
    item = _item(call)
    if item.kind == "reconstruction":
        raise Refused(400, "Unsupported Operation: there are no custom fields here.")
    if call.method == "GET":
        found = _fields(item)
        if name is None:
            if wanted:
                found = {key: found[key] for key in wanted if key in found}
            return JSONResponse(found)
        value = _one(found, name)
        return PlainTextResponse(value if isinstance(value, str) else json.dumps(value))
    # Of a project itself only those who own it change anything.
    call.require("delete" if item.kind == "project" else "edit", item)
    with call.store.database.write():
        fresh = _fields(call.store.by_pk(item.pk) or item)
        if body is not None:
            fresh |= body
        elif name is not None:
            _one(fresh, name)
            del fresh[name]
        call.store.set_fields(item, {_KEY: json.dumps(fresh) if fresh else None})
    return JSONResponse(fresh)


def _item(call: Call) -> Object:
    """The object that the address names; 403 for a project that cannot be read."""
    target = resolve(call)
    if len(call.address.steps) == 1 and call.address.last == "projects":
        project = target.project
        if project is None or not call.may("read", project):
            raise Refused(403, "The user has no right to this project.")
        return project
    require_found(target)
    return target.owner


def _fields(item: Object) -> dict[str, object]:
    return json.loads(item.fields.get(_KEY, "{}"))


def _one(found: dict[str, object], name: str) -> object:
    if found.get(name) is None:
        raise Refused(404, "The field does not exist.")
    return found[name]


def routes() -> list[Route]:
    run = signed_in(handle)
    return [Route("/xapi/custom-fields/{rest:path}", run, methods=["GET", "PUT", "DELETE"])]
