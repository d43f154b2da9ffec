"""The size of a body that is no file: what handlers read as a whole is small."""

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from localxnat.api import address
from localxnat.api.responses import refusal
from localxnat.errors import Refused

MAX_BODY = 16 << 20
"""XML documents, forms, settings. Files are streamed and have no limit."""
_IMPORT, _CACHE = ["data", "services", "import"], ["data", "user", "cache", "resources"]
MESSAGE = "The body is larger than the request can have."


class Limits:
    """Middleware that answers 413 to a large body that is no file."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or _streamed(scope):
            await self._app(scope, receive, send)
            return
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > MAX_BODY:
            await refusal(413, MESSAGE)(scope, receive, send)
            return
        size = 0

        async def counted() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > MAX_BODY:
                raise HTTPException(413, MESSAGE)
            return message

        await self._app(scope, counted, send)


def _streamed(scope: Scope) -> bool:
    """Whether a request carries files, which go to the disk as they come."""
    try:
        parts = address.segments(scope.get("raw_path") or scope["path"].encode())
        return parts == _IMPORT or parts[:4] == _CACHE or address.parse(parts).names_files
    except Refused:
        return False
