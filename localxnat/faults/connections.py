"""The open connections, so that one can be reset in the middle of an answer."""

import asyncio
import socket
import struct
from typing import ClassVar

from starlette.types import Scope
from uvicorn.protocols.http.h11_impl import H11Protocol


class Connection(H11Protocol):
    """uvicorn's protocol, which other parts of the server can find by the client's address."""

    open: ClassVar[dict[tuple[str, int], asyncio.BaseTransport]] = {}

    def connection_made(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, transport: asyncio.Transport
    ) -> None:
        super().connection_made(transport)
        self.open[transport.get_extra_info("peername")[:2]] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self.open.pop(self.transport.get_extra_info("peername")[:2], None)
        super().connection_lost(exc)


def reset(scope: Scope) -> None:
    """End a request's connection by RST, as a firewall or a crash does."""
    transport = Connection.open.get(tuple(scope["client"] or ())[:2])  # type: ignore[arg-type]
    if isinstance(transport, asyncio.Transport):
        linger = struct.pack("ii", 1, 0)
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        transport.abort()
