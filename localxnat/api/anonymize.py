"""/xapi/anonymize: the scripts of the site and of projects. They are kept, and never run."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from localxnat.api import configs
from localxnat.api.access import Archive, Who, archive, only_admin, signed_in
from localxnat.errors import Refused
from localxnat.storage.configs import Change, Key, Version

_SCRIPT, _ENABLED = "sitewideAnonymizationScript", "enableSitewideAnonymizationScript"
_DEFAULT = """version "6.1"
// Default XNAT anonymization script: what names the session in the headers is its address.
(0008,1030) := project
(0010,0010) := subject
(0010,0020) := session
"""


async def default(request: Request, who: Who) -> Response:
    return PlainTextResponse(_DEFAULT)


async def site(request: Request, who: Who) -> Response:
    """GET or PUT the script of the site, as plain text."""
    settings = archive(request).store.settings
    if request.method == "GET":
        return PlainTextResponse(str(await run_in_threadpool(settings.get, _SCRIPT) or _DEFAULT))
    only_admin(who)
    await run_in_threadpool(settings.set, {_SCRIPT: await _script(request)})
    return Response(status_code=200)


async def site_enabled(request: Request, who: Who) -> Response:
    """GET whether the script of the site is enabled; PUT: enable it, or not."""
    settings = archive(request).store.settings
    if request.method == "GET":
        return JSONResponse(bool(await run_in_threadpool(settings.get, _ENABLED)))
    only_admin(who)
    await run_in_threadpool(settings.set, {_ENABLED: _enable(request)})
    return Response(status_code=200)


def _enable(request: Request) -> bool:
    """XNAT takes the value from the query alone, and wants a body of JSON that it ignores."""
    if not request.headers.get("content-type", "").startswith("application/json"):
        raise Refused(415, "The body is no JSON.")
    return request.query_params.get("enable", "true").lower() == "true"


async def _script(request: Request) -> str:
    if not request.headers.get("content-type", "").startswith("text/plain"):
        raise Refused(415, "A script is plain text.")
    return (await request.body()).decode("utf-8", "replace")


async def project(request: Request, who: Who) -> Response:
    """GET or PUT a project's script: 204 where there is none, or none that is enabled."""
    script = await _script(request) if request.method == "PUT" else ""
    return await run_in_threadpool(_project, request, who, script)


def _project(request: Request, who: Who, script: str) -> Response:
    base = archive(request)
    key = _key(base, who, request)
    if request.method == "PUT":
        configs.configs_of(base).replace(key, Change(script, "enabled", who.user.login))
        return Response(status_code=200)
    newest = _enabled(base, key)
    return Response(status_code=204) if newest is None else PlainTextResponse(newest.contents)


async def project_enabled(request: Request, who: Who) -> Response:
    """GET whether a project's script is enabled; PUT: enable it, or not, once there is one."""
    enable = request.method == "PUT" and _enable(request)
    return await run_in_threadpool(_project_enabled, request, who, enable)


def _project_enabled(request: Request, who: Who, enable: bool) -> Response:
    base = archive(request)
    key = _key(base, who, request)
    if request.method == "GET":
        return JSONResponse(_enabled(base, key) is not None)
    if not configs.configs_of(base).versions(key):
        raise Refused(500, "Couldn't find the site configuration for tool anon and path script.")
    return configs.set_status(base, who, key, "enabled" if enable else "disabled", "")


def _enabled(base: Archive, key: Key) -> Version | None:
    """The newest version of a script, if it is enabled."""
    newest = next(iter(configs.configs_of(base).versions(key)), None)
    return newest if newest and newest.status == "enabled" else None


def _key(base: Archive, who: Who, request: Request) -> Key:
    """The key of a project's script, if the user may read it, or change it; XNAT fails
    where there is no such project."""
    found = base.store.project(request.path_params["project"])
    if found is None:
        raise Refused(500, "There was an error in the request.")
    if not base.auth.may(who.user, "delete" if request.method == "PUT" else "read", found):
        raise Refused(403, "The user has no right to this project's script.")
    return Key(found.id, "anon", "script")


def routes() -> list[Route]:
    base, both = "/xapi/anonymize", ["GET", "PUT"]
    one = f"{base}/projects/{{project}}"
    return [
        Route(f"{base}/default", signed_in(default)),
        Route(f"{base}/site", signed_in(site), methods=both),
        Route(f"{base}/site/enabled", signed_in(site_enabled), methods=both),
        Route(one, signed_in(project), methods=both),
        Route(f"{one}/enabled", signed_in(project_enabled), methods=both),
    ]
