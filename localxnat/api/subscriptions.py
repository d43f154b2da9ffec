"""/xapi/events: the event service's subscriptions. They are kept; no event sets off an action."""

from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from localxnat import jsons
from localxnat.api.access import Who, archive, only_admin, signed_in
from localxnat.errors import Refused
from localxnat.storage.registry import Document, Registry

_PREFERENCE = "eventServiceEnabled"
_PACKAGE = "org.nrg.xnat.eventservice"
_LOGGING = f"{_PACKAGE}.actions.EventServiceLoggingAction"
_TYPES = {
    "ProjectEvent": ["CREATED", "UPDATED", "DELETED"],
    "SubjectEvent": ["CREATED", "UPDATED", "DELETED", "SHARED"],
    "SessionEvent": ["CREATED", "UPDATED", "DELETED", "SHARED"],
    "ScanEvent": ["CREATED", "UPDATED", "DELETED"],
}
_ACTION: Document = {
    "action-key": f"{_LOGGING}:{_LOGGING}",
    "display-name": "Logging Action",
    "description": "Logs the events that it is subscribed to.",
    "attributes": {},
}


_READ: dict[str, Callable[[object, str], object]] = {
    "name": jsons.as_text,
    "active": jsons.as_flag,
    "act-as-event-user": jsons.as_flag,
    "attributes": jsons.as_object,
    "action-key": jsons.as_text,
    "event-filter": jsons.as_object,
}


def _types() -> list[Document]:
    return [
        {
            "type": f"{_PACKAGE}.events.{name}",
            "statuses": statuses,
            "display-name": name.removesuffix("Event"),
            "description": f"{name.removesuffix('Event')} was created or changed.",
            "event-scope": ["PROJECT", "SITE"],
            "is-xsi-type": True,
        }
        for name, statuses in _TYPES.items()
    ]


def _registry(request: Request) -> Registry:
    return Registry(archive(request).store.database, "subscription")


async def preferences(request: Request, who: Who) -> Response:
    """GET or PUT /xapi/events/prefs: whether the service is on. As in a new XNAT, it is not."""
    settings = archive(request).store.settings
    if request.method == "GET":
        return JSONResponse({"enabled": bool(await run_in_threadpool(settings.get, _PREFERENCE))})
    only_admin(who)
    body = jsons.read_object(await request.body())
    enabled = jsons.as_flag(body.get("enabled"), "enabled")
    await run_in_threadpool(settings.set, {_PREFERENCE: enabled})
    return Response(status_code=200)


async def actions(request: Request, who: Who) -> Response:
    return JSONResponse([_ACTION])


async def types(request: Request, who: Who) -> Response:
    return JSONResponse(_types())


async def listing(request: Request, who: Who) -> Response:
    """GET /xapi/events/subscriptions."""
    only_admin(who)
    return JSONResponse(await run_in_threadpool(_registry(request).all))


async def create(request: Request, who: Who) -> Response:
    """POST /xapi/events/subscription: 201, with the name and the number as plain text."""
    only_admin(who)
    body = _typed(jsons.read_object(await request.body()))
    return await run_in_threadpool(_create, request, who, body)


def _typed(body: Document) -> Document:
    """A subscription's values, each of its type."""
    return body | {name: read(body[name], name) for name, read in _READ.items() if name in body}


def _create(request: Request, who: Who, body: Document) -> Response:
    if not archive(request).store.settings.get(_PREFERENCE):
        return PlainTextResponse("Event Service disabled.", 405)
    problem = _problem(body)
    if problem:
        return PlainTextResponse(f"Subscription format failed to validate.\n{problem}", 424)
    kept = {"name": "", "active": True, "act-as-event-user": True, "attributes": {}, **body}
    kept |= {"subscription-owner": who.user.login, "valid": True}
    added = _registry(request).add(kept)
    return PlainTextResponse(f"{added['name']}:{added['id']}", 201)


def _problem(body: Document) -> str:
    if body.get("action-key") != _ACTION["action-key"]:
        return "There is no action of this key."
    asked = jsons.as_object(body.get("event-filter"), "event-filter").get("event-type")
    if asked not in [one["type"] for one in _types()]:
        return "There is no event of this type."
    return ""


async def one(request: Request, who: Who) -> Response:
    """GET or DELETE one subscription; POST .../activate and .../deactivate."""
    only_admin(who)
    return await run_in_threadpool(_one, request, int(request.path_params["number"]))


def _one(request: Request, number: int) -> Response:
    registry = _registry(request)
    if request.method == "GET":
        return JSONResponse(_found(registry, number))
    with registry.transaction():
        found = _found(registry, number)
        if request.method == "DELETE":
            registry.remove(number)
            return Response(status_code=204)
        registry.replace(found | {"active": request.url.path.endswith("/activate")})
    return Response(status_code=200)


def _found(registry: Registry, number: int) -> Document:
    found = registry.get(number)
    if found is None:
        raise Refused(404, f"Could not find entity with ID {number}")
    return found


def routes() -> list[Route]:
    base = "/xapi/events"
    single = f"{base}/subscription/{{number:int}}"
    return [
        Route(f"{base}/prefs", signed_in(preferences), methods=["GET", "PUT"]),
        *(Route(f"{base}/{name}", signed_in(actions)) for name in ("actions", "allactions")),
        Route(f"{base}/events", signed_in(types)),
        Route(f"{base}/subscriptions", signed_in(listing)),
        Route(f"{base}/subscription", signed_in(create), methods=["POST"]),
        Route(single, signed_in(one), methods=["GET", "DELETE"]),
        *(Route(f"{single}/{word}", signed_in(one), methods=["POST"])
          for word in ("activate", "deactivate")),
    ]  # fmt: skip
