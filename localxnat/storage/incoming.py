"""Files on their way in: written under `.incoming`, with their digest taken meanwhile."""

import asyncio
import hashlib
import os
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from starlette.concurrency import run_in_threadpool

PIECE = 1 << 20


@dataclass
class Arrived:
    """A file under `.incoming`, with the MD5 that was taken while it was written."""

    temporary: Path
    path: str
    size: int
    digest: str


class Incoming:
    """A new file under `.incoming`, written in pieces."""

    def __init__(self, folder: Path) -> None:
        self.temporary = folder / f"{os.getpid()}-{uuid.uuid4().hex}"
        self._stream = self.temporary.open("xb")
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._size = 0

    def write(self, data: bytes) -> int:
        self._stream.write(data)
        self._md5.update(data)
        self._size += len(data)
        return len(data)

    def finish(self, path: str) -> Arrived:
        self._stream.close()
        return Arrived(self.temporary, path, self._size, self._md5.hexdigest())

    def drop(self) -> None:
        self._stream.close()
        self.temporary.unlink(missing_ok=True)

    async def fill(self, pieces: AsyncIterator[bytes]) -> int:
        """Write what comes, the next piece being received meanwhile; how many bytes it was."""
        held: list[bytes] = []
        waiting = size = 0
        writing: asyncio.Task[int] | None = None
        try:
            async for piece in pieces:
                held.append(piece)
                waiting += len(piece)
                size += len(piece)
                if waiting >= PIECE:
                    if writing is not None:
                        await writing
                    data = b"".join(held)
                    writing = asyncio.create_task(run_in_threadpool(self.write, data))
                    held, waiting = [], 0
        finally:
            if writing is not None:
                await writing
        await run_in_threadpool(self.write, b"".join(held))
        return size
