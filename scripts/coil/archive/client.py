"""The connection to an XNAT, by the `xnat` client, with its failures put into words.

Only the client's raw requests are used (`no_parse_model`): one login instead of twenty
requests, and the workflow needs no class model of the server.
"""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests
import urllib3
import xnat
import xnat.exceptions
from requests.adapters import HTTPAdapter

from coil.errors import ArchiveError, RefusedError

# Gateways answer so under load; only requests that may be repeated are.
RETRIES = urllib3.Retry(
    total=5,
    backoff_factor=0.5,
    backoff_jitter=0.5,
    status_forcelist=(502, 503, 504),
    allowed_methods=("GET", "HEAD"),
    raise_on_status=False,
)
CHUNK = 1 << 20


@dataclass(frozen=True)
class Address:
    """Which server; login data are never part of it."""

    server: str
    ca_bundle: str | None = None

    @classmethod
    def of(cls, settings: dict[str, Any]) -> "Address":
        """The address in a project's `archive` settings, else the environment's XNAT_HOST."""
        server = settings.get("server") or os.environ.get("XNAT_HOST")
        if not server:
            raise ArchiveError(
                "no archive is named; set archive.server in the project's config or XNAT_HOST"
            )
        return cls(server.rstrip("/"), settings.get("ca_bundle"))

    @classmethod
    def noted(cls, place: dict[str, Any]) -> "Address":
        """The address in archive.json, as discovery left it."""
        return cls(place["server"], place["ca_bundle"])


class Archive:
    """An open connection; every method raises `ArchiveError` in place of requests' errors."""

    def __init__(self, connection: Any):
        self._connection = connection
        self._http: requests.Session = connection.interface

    def rows(self, path: str, absent_ok: bool = False, **query: str) -> list[dict[str, str]]:
        """The rows of a listing (XNAT's ResultSet); all values are texts.

        With `absent_ok` a listing of something that is not there has no rows.
        """
        accept = (200, 404) if absent_ok else (200,)
        response = self._send("GET", path, accept, params={**query, "format": "json"})
        if response.status_code == 404:
            return []
        try:
            return response.json()["ResultSet"]["Result"]
        except (ValueError, KeyError, TypeError):
            raise ArchiveError(
                "the archive answered a listing with something else; it may be overloaded or the "
                "login may have ended, try again"
            ) from None

    def exists(self, path: str) -> bool:
        """Whether the archive has something there that this login may read."""
        answer = self._send("GET", path, (200, 403, 404), params={"format": "json"})
        return answer.status_code == 200

    @contextmanager
    def stream(self, path: str, **query: str) -> Iterator[Iterator[bytes]]:
        """The bytes of an answer, in chunks; a stream that breaks off raises."""
        with self._send("GET", path, params=query, stream=True) as response:
            yield self._chunks(response)

    def _chunks(self, response: requests.Response) -> Iterator[bytes]:
        try:
            for number, chunk in enumerate(response.iter_content(CHUNK)):
                if number == 0 and chunk.lstrip()[:14].lower().startswith((b"<!doctype", b"<html")):
                    raise ArchiveError(
                        "the archive sent its login page in place of data; the login has ended, "
                        "try again"
                    )
                yield chunk
        except requests.RequestException:
            raise ArchiveError("the archive broke off a transfer; try again") from None

    def put(self, path: str, data: Any = None, **query: str) -> requests.Response:
        """Create or set something; the caller looks at the answer's body."""
        headers = {"Content-Type": "application/octet-stream"} if data is not None else {}
        with data.open("rb") if isinstance(data, Path) else nullcontext(data) as body:
            return self._send(
                "PUT", path, params=query, data=body, headers=headers, accept=(200, 201, 409)
            )

    def delete(self, path: str, **query: str) -> None:
        """Remove something."""
        self._send("DELETE", path, params=query)

    def _send(
        self, method: str, path: str, accept: tuple[int, ...] = (200,), **options: Any
    ) -> requests.Response:
        uri = self._connection._format_uri(path)
        options.setdefault("timeout", (15, 300))
        try:
            response = self._http.request(method, uri, allow_redirects=False, **options)
        except requests.RequestException:
            raise ArchiveError(
                "the archive does not answer; check the network and the server, then try again"
            ) from None
        if response.status_code not in accept:
            response.close()
            refused = response.status_code in (400, 403, 404, 417, 422)
            raise (RefusedError if refused else ArchiveError)(_explain(response.status_code))
        return response


@contextmanager
def connect(address: Address) -> Iterator[Archive]:
    """A connection to the archive, closed (and logged out) at the end whatever happens.

    User and password come from XNAT_USER and XNAT_PASS or from ~/.netrc.
    """
    if address.ca_bundle:
        os.environ["REQUESTS_CA_BUNDLE"] = address.ca_bundle
    _check_password(address.server)
    silent = logging.getLogger("coil-xnat-client")
    silent.addHandler(logging.NullHandler())
    silent.propagate = False
    try:
        connection = xnat.connect(
            address.server, no_parse_model=True, logger=silent, detect_redirect=True
        )
    except requests.exceptions.SSLError:
        raise ArchiveError(
            f"{address.server}: its certificate is not trusted; set archive.ca_bundle"
        ) from None
    except requests.RequestException:
        raise ArchiveError(
            f"{address.server}: no server answers there; check archive.server or XNAT_HOST and "
            "the network"
        ) from None
    except xnat.exceptions.XNATError:
        raise ArchiveError(
            f"{address.server}: the login was refused; check XNAT_USER and XNAT_PASS or ~/.netrc"
        ) from None
    for scheme in ("http://", "https://"):
        connection.interface.mount(scheme, HTTPAdapter(max_retries=RETRIES))
    try:
        yield Archive(connection)
    finally:
        _log_out(connection)


def _log_out(connection: Any) -> None:
    # A server that went away has forgotten the login, or will: nothing to tell.
    with suppress(requests.RequestException, xnat.exceptions.XNATError):
        connection.disconnect()


def _check_password(server: str) -> None:
    """The client asks for a missing password on the terminal, which a job does not have."""
    user, password = os.environ.get("XNAT_USER"), os.environ.get("XNAT_PASS")
    if user and not password and not requests.utils.get_netrc_auth(server):
        raise ArchiveError("XNAT_USER is set but XNAT_PASS is not; set both, or use ~/.netrc")


def part(name: str) -> str:
    """A label or ID as one segment of a path."""
    return quote(name, safe="")


def _explain(status: int) -> str:
    match status:
        case 301 | 302 | 401:
            return "the archive asks to log in again; check XNAT_USER and XNAT_PASS, then try again"
        case 403:
            return (
                "the archive refuses access (403); ask for the right to read and edit the project"
            )
        case 404:
            return "the archive has no such thing, or this login may not see it (404); check both"
        case 400 | 417 | 422:
            return f"the archive does not accept the request ({status}); check labels and IDs"
    return f"the archive answered with status {status}; try again, then ask its administrator"
