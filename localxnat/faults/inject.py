"""Faults injected into requests and their answers; `localxnat.faults.rules` says which."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from localxnat.api.responses import refusal
from localxnat.faults.connections import reset
from localxnat.faults.rules import End, Fault, Faults
from localxnat.storage.auth import TOO_MANY, Auth

LOGIN_PAGE = (
    "<!DOCTYPE html>\n<html><head><title>XNAT</title></head><body>"
    '<form name="form1" method="post" action="/login"></form></body></html>'
)
Sender = Callable[[Message], Awaitable[None]]


class Injector:
    """Middleware that injects the faults of the rules that fit."""

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
            await self._inject(fault, scope, receive, send)

    async def _inject(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        if fault.delay:
            await asyncio.sleep(fault.delay)
        instead = _instead(fault)
        if instead is not None:
            await self._answer(instead, fault, scope, receive, send)
            return
        login = Request(scope).cookies.get("JSESSIONID", "")
        if fault.expire == "before":
            self._auth.close(login)
        if fault.twice:
            messages = await _body(receive)
            await self._app(scope, _replay(messages, receive), _swallow)
            receive = _replay(messages, receive)
        send = _changed_answer(fault, scope, send)
        if fault.expire == "during":
            send = self._expiring(send, login)
        with suppress(_Cut):  # uvicorn closes a connection whose answer is not complete
            await self._app(scope, receive, send)

    async def _answer(
        self, instead: Response, fault: Fault, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Another answer than that of the archive, which has the request nevertheless or not."""
        if fault.done:
            await self._app(scope, receive, _swallow)
        else:
            # A proxy has taken all of the request, too, before it says that it is of no use.
            await _body(receive)
        await instead(scope, receive, send)

    def _expiring(self, send: Send, login: str) -> Sender:
        """The login ends between the head of the answer and its body."""

        async def expire(message: Message) -> None:
            if message["type"] == "http.response.body":
                self._auth.close(login)
            await send(message)

        return expire


class _Cut(Exception):  # noqa: N818 - not an error of the server, but asked for
    """The answer stops here."""


def _instead(fault: Fault) -> Response | None:
    if fault.status is not None:
        response = refusal(fault.status, "The server is unwell, as it was asked to be.")
        if fault.retry_after is not None:
            response.headers["Retry-After"] = str(fault.retry_after)
        if fault.retry_date is not None:
            when = datetime.now(UTC) + timedelta(seconds=fault.retry_date)
            response.headers["Retry-After"] = format_datetime(when, usegmt=True)
        return response
    if fault.full:
        return refusal(401, TOO_MANY)
    if fault.login_page == 302:
        return RedirectResponse("/app/template/Login.vm", 302)
    if fault.login_page == 200:
        return Response(LOGIN_PAGE, media_type="text/html")
    return None


def _changed_answer(fault: Fault, scope: Scope, send: Send) -> Send:
    """The way of the answer, so that it arrives slowly, in part or with other files."""
    if fault.trickle is not None:
        send = _trickled(send, fault.trickle)
    if fault.truncate is not None:
        send = _truncated(scope, send, fault.truncate, fault.end or "close")
    if fault.digest or fault.stale:
        send = _with_files(send, fault)
    return send


async def _swallow(message: Message) -> None:
    """Take the answer of a request that nobody sees."""


async def _body(receive: Receive) -> list[Message]:
    messages = [await receive()]
    while messages[-1].get("more_body", False):
        messages.append(await receive())
    return messages


def _replay(messages: list[Message], then: Receive) -> Receive:
    """The body of a request once more."""
    left = iter(messages)

    async def receive() -> Message:
        message = next(left, None)
        return await then() if message is None else message

    return receive


def _trickled(send: Send, rate: float) -> Sender:
    """The body at so many bytes a second, a tenth of a second's at a time."""

    async def trickle(message: Message) -> None:
        body = message.get("body", b"")
        size = max(1, int(rate / 10))
        for start in range(0, len(body), size):
            piece = body[start : start + size]
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            await asyncio.sleep(len(piece) / rate)
        if message["type"] != "http.response.body" or not message.get("more_body", False):
            await send({**message, "body": b""} if body else message)

    return trickle


def _truncated(scope: Scope, send: Send, limit: int, end: End) -> Sender:
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
        broken = end in ("close", "reset")
        await send({"type": "http.response.body", "body": body, "more_body": broken})
        if end == "reset":
            await asyncio.sleep(0.05)  # what was sent arrives before the reset does
            reset(scope)
        raise _Cut

    return cut


def _with_files(send: Send, fault: Fault) -> Sender:
    """Change what a JSON listing says of the files."""
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
        body = _changed(held, fault)
        headers = [one for one in start["headers"] if one[0].lower() != b"content-length"]
        headers.append((b"content-length", str(len(body)).encode()))
        await send({**start, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return change


def _changed(listing: bytes, fault: Fault) -> bytes:
    try:
        answer = json.loads(listing)
        rows = answer["ResultSet"]["Result"]
    except (ValueError, KeyError, TypeError):
        return listing
    if fault.digest:
        for row in rows:
            row["digest"] = "" if fault.digest == "blank" else "0" * 32
    if fault.stale and rows:
        last = rows[-1]
        gone = {name: f"{last[name]}.gone" for name in ("Name", "URI") if name in last}
        rows.append({**last, **gone})
        answer["ResultSet"]["totalRecords"] = str(len(rows))
    return json.dumps(answer).encode()
