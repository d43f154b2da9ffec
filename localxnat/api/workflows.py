"""/data/workflows: records of what is done to objects. Clients keep them; nothing is launched."""

from urllib.parse import unquote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from localxnat.api import bodies, documents, query
from localxnat.api.access import Who, archive, signed_in
from localxnat.api.items import Item
from localxnat.errors import Refused
from localxnat.model import types
from localxnat.storage.registry import Document, Registry

_TYPE = "wrk:workflowData"
_KEY = "wrk_workflowData_id"
# What tells one record from another, and what a new one has beside.
_WHICH = ("pipeline_name", "launch_time", "ID")
_OWNER = "insert_user"


async def handle(request: Request, who: Who) -> Response:
    """GET or PUT a record, by its number or by pipeline, launch time and object's ID."""
    asked = query.parse(request.url.query)
    document = await bodies.object_document(request, asked)
    values = _fields(asked, document.changes | document.identity if document else {})
    return await run_in_threadpool(_answer, request, who, asked.get("format"), values)


def _fields(asked: query.Query, read: dict[str, str | None]) -> Document:
    """The fields that a request gives, in the schema's spelling."""
    known, found = types.fields_of(_TYPE), {}
    pairs = [*((name, value) for name, value in asked), *read.items()]
    for path, value in pairs:
        name = path.removeprefix(f"{_TYPE}/").lower()
        if name in known and value is not None:
            # Some clients escape the blank of a time twice.
            found[known[name].name] = unquote(value) if name.endswith("launch_time") else value
    return found


def _answer(request: Request, who: Who, form: str, values: Document) -> Response:
    registry = Registry(archive(request).store.database, "workflow")
    number = request.path_params.get("number")
    if request.method == "PUT":
        with registry.transaction():
            _keep(registry, who, _find(registry, number, values), values)
        return Response(status_code=200)
    found = _find(registry, number, values)
    if found is None:
        raise Refused(404, "Unable to find the specified workflow.")
    item = _item(found)
    if form == "json":
        return JSONResponse({"items": [item]})
    return Response(documents.to_xml(item), media_type="text/xml")


def _find(registry: Registry, number: int | None, values: Document) -> Document | None:
    if number is not None:
        found = registry.get(number)
        if found is None:
            raise Refused(404, "Unable to find the specified workflow.")
        return found
    names = (*_WHICH, "scan_id")
    wanted = [values.get(name, "") for name in names]
    matching = (one for one in registry.all() if [one.get(name, "") for name in names] == wanted)
    return next(matching, None)


def _keep(registry: Registry, who: Who, found: Document | None, values: Document) -> None:
    """Change a record, which is for who made it and administrators, or make it."""
    if found is not None:
        if found[_OWNER] != who.user.login and not who.user.admin:
            raise Refused(403, "You are not allowed to make changes to this workflow.")
        registry.replace(found | values)
        return
    if not all(values.get(name) for name in (*_WHICH, "data_type")):
        raise Refused(400, "ID, launch_time, data_type and pipeline_name are all required.")
    registry.add({**values, _OWNER: who.user.login})


def _item(found: Document) -> Item:
    fields = {name: value for name, value in found.items() if name not in ("id", _OWNER)}
    return {
        "children": [],
        "meta": {"xsi:type": _TYPE, "isHistory": False},
        "data_fields": {_KEY: found["id"], **fields},
    }


def routes() -> list[Route]:
    run, methods = signed_in(handle), ["GET", "PUT"]
    return [
        Route(f"{data}/workflows{rest}", run, methods=methods)
        for data in ("/data", "/data/archive", "/REST")
        for rest in ("", "/{number:int}")
    ]
