"""/xapi/dicomscp: the definitions of DICOM receivers. They are kept; nothing listens for them."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from localxnat import jsons
from localxnat.api.access import Who, archive, only_admin, signed_in
from localxnat.errors import Refused
from localxnat.storage.registry import Document, Registry

_IDENTIFIERS = {
    "dicomObjectIdentifier": "Default DICOM object identifier (ClassicDicomObjectIdentifier)"
}
_DEFAULTS: Document = {
    "aeTitle": "XNAT",
    "port": 8104,
    "identifier": "dicomObjectIdentifier",
    "label": "",
    "enabled": True,
    "customProcessing": False,
    "directArchive": False,
    "anonymizationEnabled": True,
    "whitelistEnabled": False,
    "whitelist": [],
    "routingExpressionsEnabled": False,
}


def _typed(body: Document) -> Document:
    """The values that a body has of a receiver, each of the type that it has by default."""
    return {name: _like(_DEFAULTS.get(name), value, name) for name, value in body.items()}


def _like(default: object, value: object, name: str) -> object:
    if isinstance(default, bool):
        return jsons.as_flag(value, name)
    if isinstance(default, int):
        return jsons.as_whole(value, name)
    if isinstance(default, list):
        return [jsons.as_text(one, name) for one in jsons.as_list(value, name)]
    return jsons.as_text(value, name) if isinstance(default, str) else value


def _registry(request: Request) -> Registry:
    """The receivers; XNAT's own is among them from the start, here disabled as none listens."""
    found = Registry(archive(request).store.database, "receiver")
    found.start_with(_DEFAULTS | {"enabled": False})
    return found


async def receivers(request: Request, who: Who) -> Response:
    """GET: all receivers; POST: a new one, 200 as in XNAT, which does not look at the port."""
    if request.method == "GET":
        return JSONResponse([_shown(one) for one in await run_in_threadpool(_all, request)])
    only_admin(who)
    body = _typed(jsons.read_object(await request.body()))
    return JSONResponse(_shown(await run_in_threadpool(_add, request, body)))


def _all(request: Request) -> list[Document]:
    return _registry(request).all()


def _add(request: Request, body: Document) -> Document:
    if body.get("identifier") not in _IDENTIFIERS:
        raise Refused(400, "There is no DICOM object identifier of this name.")
    new, registry = _DEFAULTS | body, _registry(request)
    with registry.transaction():
        _only_one(registry, new, 0)
        return registry.add(new)


def _only_one(registry: Registry, new: Document, own: int) -> None:
    """409 for a second receiver that is enabled at a title and a port."""
    for other in registry.all():
        same = all(other[name] == new[name] for name in ("aeTitle", "port", "enabled"))
        if new["enabled"] and same and other["id"] != own:
            raise Refused(409, "A receiver is enabled at this title and port.")


async def receiver(request: Request, who: Who) -> Response:
    """GET, PUT (what the body has changes, the rest stays) or DELETE of one receiver."""
    only_admin(who)
    number = int(request.path_params["number"])
    body = _typed(jsons.read_object(await request.body())) if request.method == "PUT" else {}
    return await run_in_threadpool(_one, request, number, body)


async def enabled(request: Request, who: Who) -> Response:
    """GET: whether a receiver is enabled; PUT .../{flag}: enable or disable it."""
    only_admin(who)
    number = int(request.path_params["number"])
    if request.method == "GET":
        return JSONResponse((await run_in_threadpool(_found, request, number))["enabled"])
    flag = request.path_params["flag"].lower() == "true"
    return await run_in_threadpool(_one, request, number, {"enabled": flag})


def _found(request: Request, number: int, absent: int = 404) -> Document:
    found = _registry(request).get(number)
    if found is None:
        raise Refused(absent, f"There is no DICOM SCP instance with the ID {number}.")
    return found


def _one(request: Request, number: int, body: Document) -> Response:
    if request.method == "GET":
        return JSONResponse(_shown(_found(request, number)))
    registry = _registry(request)
    with registry.transaction():
        if request.method == "DELETE":
            _found(request, number)
            registry.remove(number)
            return Response(status_code=200)
        # XNAT fails where it would change a receiver that it does not have.
        changed = _found(request, number, absent=500) | body | {"id": number}
        _only_one(registry, changed, number)
        registry.replace(changed)
    return JSONResponse(_shown(changed))


def _shown(receiver: Document) -> Document:
    return receiver | {"disabled": 0}


async def identifiers(request: Request, who: Who) -> Response:
    return JSONResponse(_IDENTIFIERS)


def routes() -> list[Route]:
    base = "/xapi/dicomscp"
    return [
        Route(base, signed_in(receivers), methods=["GET", "POST"]),
        Route(f"{base}/identifiers", signed_in(identifiers)),
        Route(f"{base}/{{number:int}}", signed_in(receiver), methods=["GET", "PUT", "DELETE"]),
        Route(f"{base}/{{number:int}}/enabled", signed_in(enabled)),
        Route(f"{base}/{{number:int}}/enabled/{{flag}}", signed_in(enabled), methods=["PUT"]),
    ]
