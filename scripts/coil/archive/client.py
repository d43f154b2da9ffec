"""The requests to an XNAT, with its failures put into words.

Plain requests with one login (see `coil.archive.login`); a job needs none of the twenty with
which a client of classes would learn the server's.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import IO, TypeVar
from urllib.parse import quote

import requests

from coil.archive import item, resultset
from coil.archive.item import Item
from coil.archive.locks import one_of
from coil.archive.login import Address, Login
from coil.archive.transport import (
    BUSY,
    LOGGED_OUT,
    REDIRECTS,
    TIMEOUT,
    explained,
    http_session,
    is_slow,
    redirect,
)
from coil.errors import ArchiveError, BrokenOffError, FailedError, RefusedError

__all__ = ["Address", "Archive", "connect", "part"]

CHUNK = 1 << 20
TRIES = 3
T = TypeVar("T")
Row = dict[str, str]


@contextmanager
def connect(address: Address) -> Iterator["Archive"]:
    """A connection to the archive; its login, if it is not shared, ends with it.

    Waits until fewer than `address.connections` are open.
    """
    waiting = nullcontext()
    if address.logins:
        waiting = one_of(Path(address.logins), address.key, address.connections)
    login = Login(address)
    with waiting:
        try:
            login.token()  # a server that is away is told of before any work
            with http_session() as http:
                yield Archive(login, http)
        finally:
            login.close()


class Archive:
    """An open connection; every method raises `ArchiveError` in place of requests' errors.

    A login that the archive has ended is made anew, once. What was only read is asked for
    again then; whoever writes gets the error, and has to look at what became of it.
    """

    def __init__(self, login: Login, http: requests.Session):
        self._login = login
        self._http = http

    def rows(self, path: str, absent_ok: bool = False, **query: str) -> list[Row]:
        """The rows of a listing (XNAT's ResultSet); all values are texts.

        With `absent_ok` a listing of something that is not there has no rows.
        """
        return self.listing(path, query, list, absent_ok)

    def listing(
        self,
        path: str,
        query: Mapping[str, str],
        take: Callable[[Iterable[Row]], T],
        absent_ok: bool = False,
    ) -> T:
        """The result of `take` for the rows of a listing, which it gets while they arrive.

        A listing that breaks off is asked for again, and `take` begins anew.
        """
        accept, query = (200, 404) if absent_ok else (200,), {**query, "format": "json"}
        left = TRIES
        while True:
            left -= 1
            try:
                with self._open(path, accept, query) as (status, chunks):
                    return take(resultset.rows(chunks) if status == 200 else ())
            except BrokenOffError:
                if not left:
                    raise

    def lists(self, path: str, **query: str) -> bool:
        """Whether the archive answers a listing that is asked for in this way.

        Of a type or a column that it does not know it says so (400), that it failed (500), or
        nothing at all; a listing that this login may not see raises as any other.
        """
        try:
            with self._open(path, (200,), {**query, "format": "json"}) as (_, chunks):
                return any(chunk.strip() for chunk in chunks)
        except RefusedError as error:
            if error.status in (403, 404):
                raise
            return False
        except FailedError:
            return False

    def exists(self, path: str) -> bool:
        """Whether the archive has something there that this login may read."""
        with self._send("GET", path, (200, 403, 404), params={"format": "json"}) as answer:
            return answer.status_code == 200

    def item(self, path: str) -> Item | None:
        """One object as XNAT's item JSON has it; None if this login finds none there."""
        with self._open(path, (200, 403, 404), {"format": "json"}) as (status, chunks):
            return item.read(b"".join(chunks)) if status == 200 else None

    @contextmanager
    def stream(self, path: str, chunk: int = CHUNK, **query: str) -> Iterator[Iterator[bytes]]:
        """The bytes of an answer, in chunks of that size; a stream that breaks off raises."""
        with self._open(path, (200,), query, chunk) as (_, chunks):
            yield chunks

    def put(
        self, path: str, data: bytes | Path | IO[bytes] | None = None, **query: str
    ) -> requests.Response:
        """Create or set something; the caller looks at the answer's body.

        A file is sent from the disk, piece by piece; an open one from where it stands.
        """
        with data.open("rb") if isinstance(data, Path) else nullcontext(data) as body:
            return self._send("PUT", path, (200, 201, 409), params=query, data=body)

    def delete(self, path: str, **query: str) -> None:
        """Remove something."""
        self._send("DELETE", path, params=query).close()

    @contextmanager
    def _open(
        self, path: str, accept: tuple[int, ...], query: dict[str, str], chunk: int = CHUNK
    ) -> Iterator[tuple[int, Iterator[bytes]]]:
        """The status and the chunks of an answer that is no login page."""
        for last in (False, True):
            with self._send("GET", path, accept, params=query, stream=True) as answer:
                chunks = _chunks(answer, chunk)
                first = next(chunks, b"")
                if path.endswith(".html") or answer.status_code != 200 or not _is_page(first):
                    yield answer.status_code, itertools.chain([first], chunks)
                    return
            if not last:
                self._login.renew()
        raise ArchiveError("the archive sends its login page in place of data; try again")

    def _send(
        self,
        method: str,
        path: str,
        accept: tuple[int, ...] = (200,),
        *,
        params: Mapping[str, str] | None = None,
        data: bytes | IO[bytes] | None = None,
        stream: bool = False,
    ) -> requests.Response:
        """The answer to a request, if it has one of the statuses to `accept`."""
        send = partial(self._send_once, method, path, params, data, stream)
        answer = send()
        if answer.status_code not in accept and _is_logged_out(answer):
            answer.close()
            self._login.renew()
            if method != "GET":
                raise ArchiveError("the archive ended the login while it was written to; try again")
            answer = send()
        if answer.status_code not in accept:
            answer.close()
            raise _error(answer)
        return answer

    def _send_once(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None,
        data: bytes | IO[bytes] | None,
        stream: bool,
    ) -> requests.Response:
        token = self._login.token()
        headers = {**token.headers}
        if data is not None:
            headers["Content-Type"] = "application/octet-stream"
        with explained(token.server):
            return self._http.request(
                method,
                token.server + path,
                params=params,
                data=data,
                headers=headers,
                stream=stream,
                timeout=TIMEOUT,
                verify=token.ca_bundle,
                allow_redirects=False,
            )


def part(name: str) -> str:
    """A label or ID as one segment of a path."""
    return quote(name, safe="")


def _chunks(answer: requests.Response, size: int) -> Iterator[bytes]:
    try:
        yield from answer.iter_content(size)
    except requests.RequestException as error:
        if is_slow(error):
            raise BrokenOffError(
                f"the archive is slow: a transfer stood still for {TIMEOUT[1]} s; try again"
            ) from None
        raise BrokenOffError("the archive broke off a transfer; try again") from None


def _is_page(first: bytes) -> bool:
    return first.lstrip()[:14].lower().startswith((b"<!doctype html", b"<html"))


def _is_logged_out(answer: requests.Response) -> bool:
    """Whether an answer says that the login has ended: 301 is an answer, but to a login page."""
    location = answer.headers.get("Location", "").lower()
    return answer.status_code in (401, *LOGGED_OUT) or (
        answer.status_code in REDIRECTS and "login" in location
    )


def _error(answer: requests.Response) -> ArchiveError:
    status = answer.status_code
    if status in (301, 308) and (target := redirect(answer)):
        moved = target.partition("?")[0]
        return ArchiveError(f"the archive has moved to {moved}; set archive.server to its address")
    if status in (400, 403, 404, 417, 422):
        return RefusedError(_explain(status), status)
    return (FailedError if status == 500 else ArchiveError)(_explain(status))


def _explain(status: int) -> str:
    match status:
        case 401 | 302 | 303 | 307:
            return "the archive asks to log in again; check XNAT_USER and XNAT_PASS, then try again"
        case 403:
            return (
                "the archive refuses access (403); ask for the right to read and edit the project"
            )
        case 404:
            return "the archive has no such thing, or this login may not see it (404); check both"
        case 400 | 417 | 422:
            return f"the archive does not accept the request ({status}); check labels and IDs"
        case 504:
            return "the archive is slow: a gateway before it waited in vain (504); try again later"
    if status in BUSY:
        return (
            f"the archive is not available now ({status}): it may be in maintenance or overloaded; "
            "try again later"
        )
    return f"the archive answered with status {status}; try again, then ask its administrator"
