"""The site's settings: /xapi/siteConfig."""

import json

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from localxnat import jsons
from localxnat.api import xapi
from localxnat.api.access import Archive, Who, archive, only_admin, signed_in
from localxnat.api.responses import refusal
from localxnat.errors import Refused
from localxnat.storage.settings import FOR_USERS, OPEN


def _values(request: Request, who: Who) -> dict[str, object]:
    """The settings that a user may read."""
    values = archive(request).store.settings.all()
    if who.user.admin:
        return values
    readable = OPEN if not who.login.id else OPEN | FOR_USERS
    return {name: value for name, value in values.items() if name in readable}


async def config(request: Request, who: Who) -> Response:
    """GET /xapi/siteConfig: all settings that the user may read; POST or PUT: some to change."""
    if request.method == "GET":
        return JSONResponse(await run_in_threadpool(_values, request, who))
    only_admin(who)
    changes = jsons.read_object(await request.body())
    await run_in_threadpool(_set, archive(request), changes)
    return Response(status_code=200)


def _set(base: Archive, changes: dict[str, object]) -> None:
    """Set settings; the administrator's address is that of the user `admin`, too."""
    base.store.settings.set(changes)
    if "adminEmail" in changes:
        address = str(base.store.settings.get("adminEmail"))
        base.auth.change_user("admin", {"email": address})


async def setting(request: Request, who: Who) -> Response:
    """GET, POST or PUT /xapi/siteConfig/{name}: one setting, as plain text or JSON."""
    name: str = request.path_params["name"]
    if request.method == "GET":
        values = await run_in_threadpool(_values, request, who)
        if name not in values:
            only_admin(who)
            raise Refused(404, "There is no setting of this name.")
        value = values[name]
        return PlainTextResponse(value if isinstance(value, str) else json.dumps(value))
    only_admin(who)
    text = (await request.body()).decode("utf-8", "replace")
    try:
        value = jsons.read(text)
    except Refused:
        value = text
    await run_in_threadpool(_set, archive(request), {name: value})
    return Response(status_code=200)


async def several(request: Request, who: Who) -> Response:
    """GET /xapi/siteConfig/values/{names}: some settings, their names with commas between."""
    values = await run_in_threadpool(_values, request, who)
    names = request.path_params["names"].split(",")
    return JSONResponse({name: values[name] for name in names if name in values})


async def build_info(request: Request) -> Response:
    """GET /xapi/siteConfig/buildInfo, which XNAT answers without a login, too."""
    return JSONResponse(xapi.build_info())


async def build_info_field(request: Request) -> Response:
    value = xapi.build_info().get(request.path_params["name"])
    if value is None:
        return refusal(404, "The build information has nothing of this name.")
    return PlainTextResponse(value)


async def uptime(request: Request, who: Who) -> Response:
    """GET /xapi/siteConfig/uptime[/display]: how long the server runs."""
    seconds = xapi.uptime()
    days, hours, minutes = seconds // 86400, seconds // 3600 % 24, seconds // 60 % 60
    parts = {"days": days, "hours": hours, "minutes": minutes, "seconds": seconds % 60}
    if request.url.path.endswith("/display"):
        shown = [f"{number} {name}" for name, number in parts.items() if number]
        return PlainTextResponse(", ".join(shown) or "0 seconds")
    return JSONResponse({name: f"{number:02d}" for name, number in parts.items()})


def routes() -> list[Route]:
    base, change = "/xapi/siteConfig", ["GET", "POST", "PUT"]
    return [
        Route(f"{base}/buildInfo", build_info),
        Route(f"{base}/buildInfo/{{name}}", build_info_field),
        Route(f"{base}/uptime", signed_in(uptime)),
        Route(f"{base}/uptime/display", signed_in(uptime)),
        Route(f"{base}/values/{{names}}", signed_in(several)),
        Route(base, signed_in(config), methods=change),
        Route(f"{base}/{{name}}", signed_in(setting), methods=change),
    ]
