"""Administrators change users: enabled or not, site roles, groups, open logins."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from localxnat.api.access import Archive, Who, archive, only_admin, signed_in
from localxnat.errors import Refused
from localxnat.storage.auth import ROLES

_ADMINISTRATOR = "Administrator"


async def _known(request: Request, who: Who, *, own: bool = False) -> tuple[Archive, str]:
    """The user in the path, for administrators; with `own` for the user, too."""
    base, login = archive(request), str(request.path_params["login"])
    if not (own and login == who.user.login):
        only_admin(who)
    if await run_in_threadpool(base.auth.user, login) is None:
        raise Refused(404, "There is no user of this name.")
    return base, login


async def active(request: Request, who: Who) -> Response:
    """GET /xapi/users/active: who is logged in, and how often."""
    only_admin(who)
    counts = archive(request).auth.open_logins()
    return JSONResponse({name: {"sessions": [], "count": n} for name, n in counts.items()})


async def active_user(request: Request, who: Who) -> Response:
    """GET or DELETE /xapi/users/active/{login}: a user's logins; ends them and tells their IDs."""
    base, login = await _known(request, who, own=True)
    if request.method == "DELETE":
        return JSONResponse(base.auth.end(login))
    return JSONResponse({"sessions": [], "count": base.auth.open_logins().get(login, 0)})


async def enabled(request: Request, who: Who) -> Response:
    """GET /xapi/users/{login}/enabled; PUT .../enabled/{true or false}."""
    base, login = await _known(request, who)
    if request.method == "PUT":
        flag = request.path_params["flag"].lower() == "true"
        await run_in_threadpool(base.auth.enable, login, flag)
    return JSONResponse(await run_in_threadpool(base.auth.enabled, login))


async def roles(request: Request, who: Who) -> Response:
    """GET /xapi/users/{login}/roles; PUT or DELETE .../roles/{role}."""
    base, login = await _known(request, who, own=request.method == "GET")
    if request.method != "GET":
        if request.path_params["role"] != _ADMINISTRATOR:
            raise Refused(404, "There is no role of this name.")
        if login == who.user.login:
            raise Refused(400, "Nobody changes their own role.")
        change: dict[str, str | int] = {"admin": int(request.method == "PUT")}
        await run_in_threadpool(base.auth.change_user, login, change)
    user = await run_in_threadpool(base.auth.user, login)
    return JSONResponse([_ADMINISTRATOR] if user and user.admin else [])


async def groups(request: Request, who: Who) -> Response:
    """GET /xapi/users/{login}/groups; PUT or DELETE .../groups/{project}_{role}."""
    base, login = await _known(request, who, own=request.method == "GET")
    if request.method != "GET":
        name, _, role = request.path_params["group"].rpartition("_")
        project = await run_in_threadpool(base.store.project, name)
        if project is None or role not in ROLES:
            raise Refused(404, "There is no group of this name.")
        kept = role if request.method == "PUT" else None
        await run_in_threadpool(base.auth.set_role, login, project.id, kept)
    return JSONResponse(await run_in_threadpool(base.auth.groups, login))


def routes() -> list[Route]:
    user, change = "/xapi/users/{login}", ["PUT", "DELETE"]
    return [
        Route("/xapi/users/active", signed_in(active)),
        Route("/xapi/users/active/{login}", signed_in(active_user), methods=["GET", "DELETE"]),
        Route(f"{user}/enabled", signed_in(enabled)),
        Route(f"{user}/enabled/{{flag}}", signed_in(enabled), methods=["PUT"]),
        Route(f"{user}/roles", signed_in(roles)),
        Route(f"{user}/roles/{{role}}", signed_in(roles), methods=change),
        Route(f"{user}/groups", signed_in(groups)),
        Route(f"{user}/groups/{{group}}", signed_in(groups), methods=change),
    ]
