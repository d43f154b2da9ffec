"""Answers that are made while they are sent, in a thread of their own each."""

import asyncio
import threading
from collections.abc import AsyncIterator, Generator
from contextlib import closing

from starlette.responses import StreamingResponse

AHEAD = 3


def stream(
    pieces: Generator[bytes], media_type: str, headers: dict[str, str] | None = None
) -> StreamingResponse:
    """An answer of pieces, a few of which are made ahead of the client."""
    return StreamingResponse(_made_ahead(pieces), media_type=media_type, headers=headers)


async def _made_ahead(pieces: Generator[bytes]) -> AsyncIterator[bytes]:
    """The pieces, made in one thread while earlier ones are sent; an error in it comes here.

    One thread, and not the next free one for each piece: making and sending overlap, and a
    slow client keeps nobody else waiting for a thread.
    """
    loop = asyncio.get_running_loop()
    ready: asyncio.Queue[bytes | BaseException | None] = asyncio.Queue()
    slots = threading.Semaphore(AHEAD)
    gone = threading.Event()

    def tell(item: bytes | BaseException | None) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(ready.put_nowait, item)

    def make() -> None:
        try:
            with closing(pieces):
                for piece in pieces:
                    slots.acquire()
                    if gone.is_set():
                        return
                    tell(piece)
        except BaseException as error:
            tell(error)
        else:
            tell(None)

    threading.Thread(target=make, daemon=True, name="stream").start()
    try:
        while (item := await ready.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
            slots.release()
    finally:
        gone.set()
        slots.release()
