"""Faults on demand: what a real server does to its clients on a bad day, at the asked moment.

Rules come from a file (`serve --faults FILE`) or by PUT to /localxnat/faults, as a JSON list:

    [{"path": "/scans/ALL/files.*format=zip", "fault": {"truncate": 10000, "end": "close"}},
     {"path": "^/data/experiments", "times": 2, "fault": {"status": 503, "retry_after": 1}}]

The first rule that fits a request and has times left applies to it.
"""

import asyncio
import json
import re
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from localxnat.access import Who, signed_in
from localxnat.auth import Auth
from localxnat.errors import Refused
from localxnat.responses import refusal

LOGIN_PAGE = (
    "<!DOCTYPE html>\n<html><head><title>XNAT</title></head><body>"
    '<form name="form1" method="post" action="/login"></form></body></html>'
)
_KEYS = {"method", "path", "skip", "times", "fault"}
_FAULTS: dict[str, Callable[[Any], bool]] = {
    "status": lambda value: isinstance(value, int) and 400 <= value <= 599,
    "retry_after": lambda value: isinstance(value, int | str),
    "delay": lambda value: isinstance(value, int | float) and value >= 0,
    "truncate": lambda value: isinstance(value, int) and value >= 0,
    "end": lambda value: value in ("close", "clean", "short"),
    "login_page": lambda value: value in (200, 302),
    "expire": lambda value: value in ("before", "during"),
    "digest": lambda value: value in ("blank", "wrong"),
    "twice": lambda value: value is True,
}


@dataclass
class Rule:
    """Which requests a fault strikes: those that fit, after `skip` of them, `times` times.

    `path` is a pattern searched in the path with its query; `times` 0 is for ever. Faults:

    - `status` (with `retry_after`): this status, and nothing is done;
    - `delay`: so many seconds later;
    - `truncate`: only so many bytes of the body; `end` says how: the connection is closed
      (`close`), or the answer seems whole, chunked (`clean`) or by its length (`short`);
    - `login_page`: the page with 200, or a redirect to it;
    - `expire`: the caller's login ends, before the answer or while it is sent;
    - `digest`: those of a file listing are blank or wrong;
    - `twice`: the request is done before it is done, so that what it makes exists already.
    """

    path: str
    fault: dict[str, Any]
    method: str = ""
    skip: int = 0
    times: int = 1
    struck: int = field(default=0, init=False)

    def fits(self, method: str, target: str) -> bool:
        """Whether the rule applies to this request; counts it."""
        if self.method and self.method != method:
            return False
        if not re.search(self.path, target):
            return False
        if self.skip:
            self.skip -= 1
            return False
        if self.times and self.struck >= self.times:
            return False
        self.struck += 1
        return True


class Faults:
    """The rules of a server."""

    def __init__(self, rules: list[Rule] | None = None) -> None:
        self.rules = rules or []
        self._lock = threading.Lock()

    @classmethod
    def read(cls, path: Path) -> "Faults":
        """The rules of a file. Raises Refused when they are none."""
        return cls(parse(path.read_bytes()))

    def find(self, method: str, target: str) -> dict[str, Any] | None:
        with self._lock:
            return next((rule.fault for rule in self.rules if rule.fits(method, target)), None)


def parse(text: bytes) -> list[Rule]:
    """Rules from JSON; 400 with what is wrong for anything that is not."""
    try:
        entries = json.loads(text)
    except ValueError:
        raise Refused(400, "The faults are no JSON.") from None
    if not isinstance(entries, list):
        raise Refused(400, "The faults are no list.")
    return [_rule(entry) for entry in entries]


def _rule(entry: Any) -> Rule:
    if not isinstance(entry, dict) or not isinstance(entry.get("path"), str):
        raise Refused(400, "A fault has a path, a pattern for requests.")
    fault = entry.get("fault")
    if not isinstance(fault, dict) or not fault:
        raise Refused(400, "A fault says what happens (fault).")
    unknown = (set(entry) - _KEYS) | (set(fault) - set(_FAULTS))
    wrong = [name for name, check in _FAULTS.items() if name in fault and not check(fault[name])]
    if unknown or wrong:
        raise Refused(400, f"A fault has an unknown key or value: {sorted(unknown) + wrong}.")
    try:
        re.compile(entry["path"])
    except re.error:
        raise Refused(400, "The path of a fault is no regular expression.") from None
    return Rule(**entry)


class FaultyServer:
    """Middleware that lets the rules strike."""

    def __init__(self, app: ASGIApp, faults: Faults, auth: Auth) -> None:
        self._app = app
        self._faults = faults
        self._auth = auth

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] == "/localxnat/faults":
            await self._app(scope, receive, send)
            return
        raw_path = scope.get("raw_path", b"").decode("latin-1")
        text = scope.get("query_string", b"").decode("latin-1")
        target = f"{raw_path}?{text}" if text else raw_path
        fault = self._faults.find(scope["method"], target)
        if fault is None:
            await self._app(scope, receive, send)
        else:
            await self._strike(fault, scope, receive, send)

    async def _strike(
        self, fault: dict[str, Any], scope: Scope, receive: Receive, send: Send
    ) -> None:
        if "delay" in fault:
            await asyncio.sleep(fault["delay"])
        instead = _instead(fault)
        if instead is not None:
            await instead(scope, receive, send)
            return
        login = Request(scope).cookies.get("JSESSIONID", "")
        if fault.get("expire") == "before":
            self._auth.close(login)
        if "twice" in fault:
            await self._app(scope, receive, _swallow)
        if "truncate" in fault:
            send = _truncated(send, fault["truncate"], fault.get("end", "close"))
        if "digest" in fault:
            send = _with_digests(send, fault["digest"])
        with suppress(_Cut):  # uvicorn closes a connection whose answer is not complete
            await self._app(scope, receive, send)
        if fault.get("expire") == "during":
            self._auth.close(login)


class _Cut(Exception):  # noqa: N818 - not an error of the server, but asked for
    """The answer stops here."""


def _instead(fault: dict[str, Any]) -> Response | None:
    if "status" in fault:
        response = refusal(fault["status"], "The server is unwell, as it was asked to be.")
        if "retry_after" in fault:
            response.headers["Retry-After"] = str(fault["retry_after"])
        return response
    if fault.get("login_page") == 302:
        return RedirectResponse("/app/template/Login.vm", 302)
    if fault.get("login_page") == 200:
        return Response(LOGIN_PAGE, media_type="text/html")
    return None


async def _swallow(message: Message) -> None:
    """Where the answer of a request goes that nobody sees."""


def _truncated(send: Send, limit: int, end: str) -> Callable[[Message], Awaitable[None]]:
    left = limit

    async def cut(message: Message) -> None:
        nonlocal left
        if message["type"] == "http.response.start":
            if end in ("clean", "short"):
                headers = [one for one in message["headers"] if one[0].lower() != b"content-length"]
                if end == "short":
                    headers.append((b"content-length", str(limit).encode()))
                message = {**message, "headers": headers}
            await send(message)
            return
        body = message.get("body", b"")[:left]
        left -= len(body)
        if left > 0 and message.get("more_body", False):
            await send({**message, "body": body})
            return
        await send({"type": "http.response.body", "body": body, "more_body": end == "close"})
        raise _Cut

    return cut


def _with_digests(send: Send, how: str) -> Callable[[Message], Awaitable[None]]:
    """Change the digests of a JSON listing; blank and wrong ones are as long as it takes."""
    start: Message | None = None
    held = b""

    async def change(message: Message) -> None:
        nonlocal start, held
        if message["type"] == "http.response.start":
            start = message
            return
        held += message.get("body", b"")
        if message.get("more_body", False) or start is None:
            return
        digest = b"" if how == "blank" else b"0" * 32
        body = re.sub(rb'("digest":\s*")[0-9a-f]*"', rb"\g<1>" + digest + b'"', held)
        headers = [one for one in start["headers"] if one[0].lower() != b"content-length"]
        headers.append((b"content-length", str(len(body)).encode()))
        await send({**start, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return change


def routes(faults: Faults) -> list[Route]:
    """GET, PUT and DELETE /localxnat/faults, for administrators."""

    async def handle(request: Request, who: Who) -> Response:
        if not who.user.admin:
            raise Refused(403, "Only an administrator may do this.")
        if request.method == "PUT":
            faults.rules = parse(await request.body())
        if request.method == "DELETE":
            faults.rules = []
        return JSONResponse([vars(rule) for rule in faults.rules])

    return [Route("/localxnat/faults", signed_in(handle), methods=["GET", "PUT", "DELETE"])]
