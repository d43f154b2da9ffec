"""Requests that a page of another site lets a browser send: they change nothing here."""

from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from localxnat.api.responses import refusal

_READING = ("GET", "HEAD", "OPTIONS")


class Origins:
    """Middleware that answers 403 to a change that another site's page asks for.

    A browser sends the login of its user with it, and says where the page is from: `Origin`, which
    is `null` for an uploaded page in its sandbox. Programs send no such header.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] not in _READING and _foreign(scope):
            await refusal(403, "The request comes from another site.")(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _foreign(scope: Scope) -> bool:
    headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
    origin = headers.get(b"origin")
    return origin is not None and urlsplit(origin).netloc != headers.get(b"host")
