"""The users of the site, and the tokens that stand for them: /data/users, /xapi/users, tokens."""

import re

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from localxnat import jsons
from localxnat.api import accounts
from localxnat.api.access import Who, archive, only_admin, signed_in
from localxnat.api.responses import rows_as
from localxnat.errors import Refused
from localxnat.jsons import as_text
from localxnat.storage.auth import Auth, Profile

_TAKEN = ("username", "profiles", "active", "current", "guest")  # words of the interface
_NAMES = {"firstName": "firstname", "lastName": "lastname", "email": "email"}
_LOGIN = re.compile(r"[A-Za-z0-9_.@-]{1,255}")


def _shown(profile: Profile, *, enabled: bool = True) -> dict[str, object]:
    return {
        "username": profile.login,
        "firstName": profile.firstname,
        "lastName": profile.lastname,
        "email": profile.email,
        "enabled": enabled,
        "verified": True,
    }


async def listing(request: Request, who: Who) -> Response:
    """GET /data/users, as XNAT's old interface has it; for all users, if the site lets them."""
    if archive(request).store.settings.get("restrictUserListAccessToAdmins"):
        only_admin(who)
    profiles = await run_in_threadpool(archive(request).auth.users)
    rows = [
        {
            "xdat_user_id": str(number),
            "login": profile.login,
            "firstname": profile.firstname,
            "lastname": profile.lastname,
            "email": profile.email,
        }
        for number, profile in enumerate(profiles, start=1)
    ]
    return rows_as(rows, request.query_params.get("format", ""))


async def users(request: Request, who: Who) -> Response:
    """GET /xapi/users: the names; POST: a new user from a JSON profile with a password."""
    only_admin(who)
    auth = archive(request).auth
    if request.method == "GET":
        return JSONResponse([one.login for one in await run_in_threadpool(auth.users)])
    profile = await _json(request)
    login, password = (as_text(profile.get(one), one) for one in ("username", "password"))
    if not _LOGIN.fullmatch(login) or login in _TAKEN or not password:
        raise Refused(400, "A user has a username (letters, digits, . _ @ -) and a password.")
    names = {one: as_text(profile.get(one), one) for one in _NAMES}

    def add() -> None:
        auth.add_user(
            login,
            password,
            firstname=names["firstName"],
            lastname=names["lastName"],
            email=names["email"],
        )

    await run_in_threadpool(add)
    return JSONResponse({"username": login}, 201)


async def username(request: Request, who: Who) -> Response:
    """GET /xapi/users/username: the caller's own name."""
    return PlainTextResponse(who.user.login)


async def profiles(request: Request, who: Who) -> Response:
    """GET /xapi/users/profiles: all users."""
    only_admin(who)
    found = await run_in_threadpool(archive(request).auth.users)
    return JSONResponse([_shown(profile) for profile in found])


async def user(request: Request, who: Who) -> Response:
    """GET or DELETE /xapi/users/{login}; PUT changes names, the address and the password."""
    auth, login = archive(request).auth, request.path_params["login"]
    if login != who.user.login or request.method == "DELETE":
        only_admin(who)
    if await run_in_threadpool(auth.profile, login) is None:
        raise Refused(404, "There is no user of this name.")
    if request.method == "DELETE":
        if login == who.user.login:
            raise Refused(400, "Nobody can delete themselves.")
        await run_in_threadpool(auth.remove_user, login)
        return Response(status_code=200)
    if request.method == "PUT":
        await run_in_threadpool(_change, auth, login, await _json(request))
    profile = await run_in_threadpool(auth.profile, login)
    if profile is None:
        raise Refused(404, "There is no user of this name.")
    return JSONResponse(_shown(profile, enabled=auth.enabled(login)))


def _change(auth: Auth, login: str, profile: dict[str, object]) -> None:
    changes: dict[str, str | int] = {
        name: as_text(profile[key], key) for key, name in _NAMES.items() if key in profile
    }
    password = as_text(profile.get("password"), "password")
    if not changes and not password:
        raise Refused(400, "Names, the address and the password are what can be changed here.")
    auth.change_user(login, changes)
    if password:
        auth.set_password(login, password)


async def _json(request: Request) -> dict[str, object]:
    return jsons.read_object(await request.body())


# Tokens --------------------------------------------------------------------------------------


async def issue(request: Request, who: Who) -> Response:
    """GET /data/services/tokens/issue: an alias and a secret that work as name and password."""
    auth = archive(request).auth
    if not who.login.id:
        raise Refused(401, "A guest has no token.")
    target = who.user
    if login := request.path_params.get("login"):
        only_admin(who)
        found = await run_in_threadpool(auth.user, login)
        if found is None:
            raise Refused(404, "There is no user of this name.")
        target = found
    return JSONResponse(await run_in_threadpool(auth.issue_token, target))


async def validate(request: Request, who: Who) -> Response:
    """GET .../tokens/validate/{alias}/{secret}: whose it is; 404 if it is nobody's."""
    path = request.path_params
    login = await run_in_threadpool(
        archive(request).auth.validate_token, path["alias"], path["secret"]
    )
    if login is None:
        raise Refused(404, "There is no such token.")
    return JSONResponse({"valid": login})


async def invalidate(request: Request, who: Who) -> Response:
    """GET .../tokens/invalidate/{alias}/{secret}: the end of a token."""
    path = request.path_params
    await run_in_threadpool(archive(request).auth.invalidate_token, path["alias"], path["secret"])
    return PlainTextResponse("")


def routes() -> list[Route]:
    tokens = "/data/services/tokens"
    return [
        Route("/data/users", signed_in(listing)),
        Route("/xapi/users", signed_in(users), methods=["GET", "POST"]),
        Route("/xapi/users/username", signed_in(username)),
        Route("/xapi/users/profiles", signed_in(profiles)),
        *accounts.routes(),
        Route("/xapi/users/{login}", signed_in(user), methods=["GET", "PUT", "DELETE"]),
        Route(f"{tokens}/issue", signed_in(issue)),
        Route(f"{tokens}/issue/user/{{login}}", signed_in(issue)),
        Route(f"{tokens}/validate/{{alias}}/{{secret}}", signed_in(validate)),
        Route(f"{tokens}/invalidate/{{alias}}/{{secret}}", signed_in(invalidate)),
    ]
