"""To log in at an archive, and to end a login.

User and password come from the environment or from ~/.netrc, and are shown to one server only:
a request that bears them follows no redirect to another (see `coil.archive.transport`).
"""

import netrc
import os
import re
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3

from coil import cluster
from coil.archive import transport
from coil.archive.transport import (
    BUSY,
    REDIRECTS,
    TIMEOUT,
    explained,
    http_session,
    redirect,
)
from coil.errors import ArchiveError, ConfigError

HOPS = 5
"""So many redirects are followed."""

_SIGN_IN = "/data/services/auth"
_SESSION = "/data/JSESSION"
_TOKEN = re.compile(r"[\w.!~-]{8,128}", re.ASCII)
ALIAS = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
"""What the user of an alias token looks like: XNAT takes it with Basic auth only."""
_PAGE = re.compile(r"/(app|data)(/.*)?$|/login[^/]*$", re.IGNORECASE)


@dataclass(frozen=True)
class Token:
    """A login that the server gave: where it redirects to, and its JSESSIONID."""

    server: str
    session: str = field(repr=False)
    ca_bundle: str | None = None


def shown(token: Token) -> dict[str, Any]:
    """What shows the login with a request, and whom to trust with it."""
    return {
        "headers": {"Cookie": f"JSESSIONID={token.session}"},
        "verify": token.ca_bundle,
        "allow_redirects": False,
    }


def log_in(server: str, ca_bundle: str | None, variables: str) -> Token:
    """A new login; `variables` begins the names of the environment's with user and password.

    The user may be an alias token's. Raises `ArchiveError` where the server refuses, is not
    available or sends elsewhere, `ConfigError` for a ~/.netrc that cannot be read.
    """
    who = credentials(server, variables)
    # One login too many ends by itself; a server that is gone is told of soon.
    again = transport.RETRIES.new(allowed_methods=("GET", "PUT"), connect=2)
    with explained(server), http_session(again) as http:
        server = _settled(http, server, ca_bundle)
        answer = _ask(http, server, who, ca_bundle)
        for _ in range(HOPS):
            there = redirect(answer)
            if there is None or _is_login_page(there):
                break
            server = _base(there)
            answer = _ask(http, server, who, ca_bundle)
    return Token(server, _session(answer, server, who, variables), ca_bundle)


def log_out(token: Token) -> None:
    """End a login. A server that went away has forgotten it, or will: nothing to tell."""
    at_once = urllib3.Retry(0, redirect=False)
    with suppress(requests.RequestException), http_session(at_once) as http:
        http.delete(f"{token.server}{_SESSION}", **shown(token), timeout=(3, 5))


Who = tuple[str, str] | None


def _settled(http: requests.Session, server: str, ca_bundle: str | None) -> str:
    """Where the server is by its own redirects, found out before anything is shown to it.

    What its front page redirects to beyond that, such as the login of a university, is for
    browsers.
    """
    for _ in range(HOPS):
        options: dict[str, Any] = {"verify": ca_bundle, "timeout": TIMEOUT}
        with http.get(f"{server}/", allow_redirects=False, stream=True, **options) as answer:
            try:
                there = redirect(answer)
            except ArchiveError:
                return server
        found = _base(there) if there else server
        if found == server:
            return server
        server = found
    return server


def _base(place: str) -> str:
    """The server's address in that of one of its pages."""
    return _PAGE.sub("", place).rstrip("/")


def _ask(http: requests.Session, server: str, who: Who, ca_bundle: str | None) -> requests.Response:
    options: dict[str, Any] = {"verify": ca_bundle, "timeout": TIMEOUT, "allow_redirects": False}
    if who and not ALIAS.fullmatch(who[0]):
        data = {"username": who[0], "password": who[1]}
        return http.put(server + _SIGN_IN, data=data, **options)
    return http.get(server + _SESSION, auth=who, **options)


def _is_login_page(place: str) -> bool:
    path = urlsplit(place).path
    return "/app/" in path or "login" in path.lower()


def _session(answer: requests.Response, server: str, who: Who, variables: str) -> str:
    """The JSESSIONID that an answer to a login has."""
    status, text = answer.status_code, answer.text.strip()
    if status == 200 and _TOKEN.fullmatch(text):
        return text
    if status in BUSY or (status == 200 and "maintenance" in text.lower()):
        raise ArchiveError(
            f"{server}: not available: it answers a login with status {status}; it may be in "
            "maintenance or overloaded, try again later"
        )
    if status in (401, 403) or (status in REDIRECTS):
        raise ArchiveError(_refused(server, who, variables))
    raise ArchiveError(
        f"{server}: the login was answered with something else (status {status}); the server may "
        "be in maintenance or overloaded, try again, then check archive.server"
    )


def _refused(server: str, who: Who, variables: str) -> str:
    if who is None:
        return (
            f"{server}: it shows nothing without a login; set {variables}_USER and "
            f"{variables}_PASS, or write them to ~/.netrc"
        )
    return (
        f"{server}: the login was refused; check {variables}_USER and {variables}_PASS or "
        "~/.netrc, and with an administrator whether the user has too many logins open"
    )


def credentials(server: str, variables: str) -> Who:
    """User and password, or None: then the archive is asked as a guest."""
    names = f"{variables}_USER", f"{variables}_PASS"
    user, password = map(cluster.login().get, names)
    if user and password:
        return user, password
    noted = _noted(urlsplit(server).hostname or "")
    if noted and user in (None, "", noted[0]):
        return noted
    if user:
        raise ArchiveError(f"{names[0]} is set but {names[1]} is not; set both, or use ~/.netrc")
    return None


def _noted(host: str) -> Who:
    """What ~/.netrc, or the file that NETRC names, has for a host: it knows no ports.

    Its own error quotes what it did not expect, which may be a password.
    """
    places = [os.environ["NETRC"]] if os.environ.get("NETRC") else ["~/.netrc", "~/_netrc"]
    path = next((found for place in places if (found := Path(place).expanduser()).is_file()), None)
    if path is None:
        return None
    try:
        entry = netrc.netrc(path).authenticators(host)
    except netrc.NetrcParseError as error:
        raise ConfigError(
            f"{path}, line {error.lineno}: not of the form `machine HOST login USER password "
            "PASSWORD`; correct it, or set the login's environment variables"
        ) from None
    except (OSError, UnicodeError):
        raise ConfigError(f"{path}: cannot be read; correct its rights or its contents") from None
    return (entry[0] or entry[1] or "", entry[2] or "") if entry else None
