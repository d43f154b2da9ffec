"""The web application: its routes, the access log, and how errors become answers."""

from typing import IO

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from localxnat.api import (
    address,
    anonymize,
    bodies,
    caches,
    configs,
    custom_fields,
    custom_forms,
    displays,
    document_uploads,
    limits,
    orders,
    origins,
    prearchive_api,
    query,
    reading,
    receivers,
    refresh,
    schemas,
    searches,
    services,
    site,
    statuses,
    subscriptions,
    uploads,
    users,
    vocabulary,
    workflows,
    writing,
    xapi,
)
from localxnat.api.access import (
    Archive,
    Who,
    archive,
    identify,
    log_in_by_form,
    signed_in,
    turn_away,
    with_cookies,
)
from localxnat.api.responses import refusal, rows_as
from localxnat.api.targets import Call
from localxnat.errors import Refused
from localxnat.faults import inject, rules
from localxnat.pages import front

ALL = ["GET", "HEAD", "PUT", "POST", "DELETE"]


# Handlers ------------------------------------------------------------------------------------


async def data(request: Request, who: Who) -> Response:
    """Everything below /data that is a project, a subject, an experiment or a part of one."""
    raw_path: bytes = request.scope.get("raw_path") or request.url.path.encode()
    asked = query.parse(request.url.query)
    is_folder, parts = request.url.path.endswith("/"), address.segments(raw_path)
    base = archive(request)
    call = Call.of(base, who, request.method, parts, asked, is_folder=is_folder)
    if request.method in ("PUT", "POST") and call.address.names_files:
        return await uploads.put_files(call, request)
    if request.method in ("PUT", "POST"):
        call.document = await bodies.object_document(request, call.query)
        return await run_in_threadpool(writing.put, call)
    if request.method == "DELETE":
        return await run_in_threadpool(writing.delete, call)
    return await run_in_threadpool(reading.get, call)


async def log_in(request: Request) -> Response:
    """PUT or POST /data/services/auth: a form with username and password."""
    try:
        who = await log_in_by_form(request)
    except Refused as refused:
        return refusal(refused.status, refused.message)
    if who is None:
        return refusal(401, "Login attempt failed. Please try again.")
    return with_cookies(PlainTextResponse(who.login.id), who, archive(request).auth)


async def jsession(request: Request) -> Response:
    """GET or POST: the login's ID, which keeps it open; DELETE: its end."""
    base = archive(request)
    if request.method == "DELETE":
        base.auth.close(request.cookies.get("JSESSIONID", ""))
        return PlainTextResponse("")
    try:
        who = await run_in_threadpool(identify, request)
    except Refused as refused:
        return refusal(refused.status, refused.message)
    if who is None:
        return PlainTextResponse("") if "JSESSIONID" not in request.cookies else turn_away(request)
    return with_cookies(PlainTextResponse(who.login.id), who, base.auth)


async def whoami(request: Request, who: Who) -> Response:
    return PlainTextResponse(f"User '{who.user.login}' is logged in")


async def elements(request: Request, who: Who) -> Response:
    rows = await run_in_threadpool(xapi.elements, archive(request).store)
    return rows_as(rows, request.query_params.get("format", ""))


async def element_fields(request: Request, who: Who) -> Response:
    rows = xapi.element_fields(request.path_params["name"])
    return rows_as(rows, request.query_params.get("format", ""))


async def access(request: Request, who: Who) -> Response:
    base = archive(request)
    return JSONResponse(await run_in_threadpool(xapi.access, base.store, base.auth, who.user))


async def absent(request: Request) -> Response:
    return refusal(404, "The server has not found anything matching the request URI.")


async def unrouted(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    if status == 413:
        return refusal(status, limits.MESSAGE)
    return refusal(status, "The server has not found anything matching the request.")


async def failed(request: Request, error: Exception) -> Response:
    return refusal(500, "The server failed; what it printed says why.")


def routes() -> list[Route]:
    """The interface. Paths of XNAT 1.6 that clients probe (/data/version) answer 404."""
    return [
        *front.routes(),
        *users.routes(),
        *services.routes(),
        *refresh.routes(),
        *statuses.routes(),
        *caches.routes(),
        *orders.routes(),
        *prearchive_api.routes(),
        *configs.routes(),
        *custom_fields.routes(),
        *custom_forms.routes(),
        *searches.routes(),
        *site.routes(),
        *vocabulary.routes(),
        *schemas.routes(),
        *workflows.routes(),
        *document_uploads.routes(),
        *displays.routes(),
        *anonymize.routes(),
        *receivers.routes(),
        *subscriptions.routes(),
        Route("/data/services/auth", log_in, methods=["PUT", "POST"]),
        Route("/data/JSESSION", jsession, methods=["GET", "POST", "DELETE"]),
        Route("/data/auth", signed_in(whoami)),
        *(Route(f"/data/{name}", absent) for name in ("version", "uptime", "buildInfo")),
        Route("/data/search/elements", signed_in(elements)),
        Route("/data/search/elements/{name}", signed_in(element_fields)),
        *searches.cached_routes(),
        Route("/xapi/access/projects", signed_in(access)),
        *(Route(f"/{name}/{{rest:path}}", signed_in(data), methods=ALL)
          for name in ("data", "REST", "archive")),
    ]  # fmt: skip


class AccessLog:
    """Middleware that writes `METHOD path status` for each request.

    The line is there before the client has the answer, so that who counts requests after an
    answer counts all of them. A request that gets no answer has status 0.
    """

    def __init__(self, app: ASGIApp, log: IO[str]) -> None:
        self._app = app
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        written = False

        async def watch(message: Message) -> None:
            nonlocal written
            if message["type"] == "http.response.start":
                written = True
                self._write(scope, message["status"])
            await send(message)

        try:
            await self._app(scope, receive, watch)
        finally:
            if not written:
                self._write(scope, 0)

    def _write(self, scope: Scope, status: int) -> None:
        raw_path = scope.get("raw_path", b"").decode("latin-1")
        # Alias tokens are in the path of some requests; their secrets stay out of the log.
        head, tokens, _ = raw_path.partition("/tokens/")
        raw_path = head + tokens.rstrip("/") if tokens else raw_path
        text = scope.get("query_string", b"").decode("latin-1")
        target = f"{raw_path}?{text}" if text else raw_path
        self._log.write(f"{scope['method']} {target} {status}\n")
        self._log.flush()


def make_app(
    base: Archive, log: IO[str] | None = None, faults: rules.Faults | None = None
) -> ASGIApp:
    """The application over an archive; `log` takes a line for each request.

    `faults` are those that it has from the start.
    """
    faults = faults or rules.Faults()
    app = Starlette(
        routes=[*rules.routes(faults), *routes()],
        exception_handlers={Exception: failed, HTTPException: unrouted},
    )
    app.state.archive = base
    guarded = origins.Origins(limits.Limits(app))
    faulty = inject.Injector(guarded, faults, base.auth)
    return AccessLog(faulty, log) if log else faulty
