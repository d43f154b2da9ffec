"""To log in at an archive, and to end a login.

The `xnat` client logs in. User and password come from the environment or from ~/.netrc, and are
shown to one server only: a request that bears them follows no redirect to another (see
`coil.archive.transport`).
"""

import logging
import netrc
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3

from coil.archive import transport
from coil.archive.credentials import login
from coil.archive.transport import (
    BUSY,
    REDIRECTS,
    TIMEOUT,
    explained,
    first_page,
    http_session,
    redirect,
    with_retries,
)
from coil.errors import ArchiveError, ConfigError
from coil.records.login import Token

HOPS = 5
"""So many redirects are followed."""

_SESSION = "/data/JSESSION"
# One login too many ends by itself; a server that is gone is told of soon.
_ONCE_MORE = transport.RETRIES.new(allowed_methods=("GET", "PUT"), connect=2)
_TOKEN = re.compile(r"[\w.!~-]{8,128}", re.ASCII)
ALIAS = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
"""The user of an alias token: XNAT takes it with Basic auth only."""
_PAGE = re.compile(r"/(app|data)(/.*)?$|/login[^/]*$", re.IGNORECASE)


def log_in(server: str, ca_bundle: str | None, variables: str) -> Token:
    """A new login; `variables` begins the names of the environment's with user and password.

    The user may be an alias token's. Raises `ArchiveError` where the server refuses, is not
    available or sends elsewhere, `ConfigError` for a ~/.netrc that cannot be read.
    """
    who = credentials(server, variables)
    with explained(server):
        server = _redirected(server, ca_bundle)
        session, answer = _ask(server, who, ca_bundle)
        for _ in range(HOPS):
            there = None if session else redirect(answer)
            if there is None or _is_login_page(there):
                break
            server = _base(there)
            session, answer = _ask(server, who, ca_bundle)
    if session is None:
        raise ArchiveError(_why_not(answer, server, who, variables))
    return Token(server, session, ca_bundle)


def log_out(token: Token) -> None:
    """End a login. A server that went away has forgotten it, or will: nothing to tell."""
    at_once = urllib3.Retry(0, redirect=False)
    with suppress(requests.RequestException), http_session(at_once) as http:
        http.delete(
            f"{token.server}{_SESSION}",
            headers=token.headers,
            verify=token.ca_bundle,
            timeout=(3, 5),
            allow_redirects=False,
        )


Who = tuple[str, str] | None


def _redirected(server: str, ca_bundle: str | None) -> str:
    """The server's address by its own redirects, found out before anything is shown to it.

    What its front page redirects to beyond that, such as the login of a university, is for
    browsers.
    """
    with http_session(_ONCE_MORE) as http:
        for _ in range(HOPS):
            with first_page(http, server, ca_bundle) as answer:
                try:
                    there = redirect(answer)
                except ArchiveError:
                    return server
            other = _base(there) if there else server
            if other == server:
                return server
            server = other
    return server


def _base(page: str) -> str:
    """The server's address in that of one of its pages."""
    return _PAGE.sub("", page).rstrip("/")


Outcome = tuple[str | None, requests.Response]
"""A JSESSIONID, None for none, and the last answer."""


def _ask(server: str, who: Who, ca_bundle: str | None) -> Outcome:
    """The outcome of a login that follows no redirect."""
    if who is not None:
        return _connect(server, *who, ca_bundle)
    # Without a user the client would look for one in the environment, be it another server's.
    with http_session(_ONCE_MORE) as http:
        answer = http.get(
            server + _SESSION, verify=ca_bundle, timeout=TIMEOUT, allow_redirects=False
        )
    return _id_in(answer.text.strip() if answer.status_code == 200 else ""), answer


def _connect(server: str, user: str, password: str, ca_bundle: str | None) -> Outcome:
    """The same by the `xnat` client."""
    import xnat  # half a second, and one job of a run logs in

    silent = logging.getLogger("coil-xnat-client")
    silent.addHandler(logging.NullHandler())
    silent.propagate = False
    with _session_for_xnat(ca_bundle) as http:
        try:
            # `cli`: it must not log out when it lets go of the connection.
            connection = xnat.connect(
                server,
                user=user,
                password=password,
                no_parse_model=True,
                detect_redirect=False,
                logger=silent,
                cli=True,
                pilot_timeout=TIMEOUT,
            )
        except requests.RequestException:
            raise
        except Exception:  # the client's own, and whatever a page in place of a login makes of it
            return None, http.last()
        session = _id_in(str(connection.jsession))
        connection.disconnect()
    return session, http.last()


def _id_in(text: str) -> str | None:
    return text if _TOKEN.fullmatch(text) else None


class _ClientSession(requests.Session):
    """The session that the client sends its requests with: it follows no redirect.

    It keeps what the last of them led to, for the client's own errors tell it from no other.
    """

    outcome: requests.Response | requests.RequestException
    trusted: str | None = None

    def last(self) -> requests.Response:
        """The last answer; raises what came in place of it."""
        if isinstance(self.outcome, requests.RequestException):
            raise self.outcome
        return self.outcome

    def get_redirect_target(self, resp: requests.Response) -> None:
        """None: where it leads, `redirect` has to judge first."""

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        """As any session, but for what is kept; what ends a login that failed is none of it."""
        if self.trusted:  # whatever the environment says
            options["verify"] = self.trusted
        try:
            answer = super().send(request, **options)
        except requests.RequestException as error:
            self._keep(request, error)
            raise
        self._keep(request, answer)
        return answer

    def _keep(
        self,
        request: requests.PreparedRequest,
        outcome: requests.Response | requests.RequestException,
    ) -> None:
        if request.method != "DELETE":
            self.outcome = outcome


@contextmanager
def _session_for_xnat(ca_bundle: str | None) -> Iterator[_ClientSession]:
    """A session of `requests` that the package xnat uses for as long as the block lasts.

    It takes none as an argument. `ca_bundle` has the certificates that the session trusts.
    """
    http = with_retries(_ClientSession(), _ONCE_MORE)
    http.trusted = ca_bundle
    plain, requests.Session = requests.Session, lambda: http  # type: ignore[misc,assignment]
    try:
        yield http
    finally:
        requests.Session = plain  # type: ignore[misc]
        http.close()


def _is_login_page(page: str) -> bool:
    path = urlsplit(page).path
    return "/app/" in path or "login" in path.lower()


def _why_not(answer: requests.Response, server: str, who: Who, variables: str) -> str:
    """The reason and the remedy, by the last answer to a login without success."""
    status, text = answer.status_code, answer.text
    if status in BUSY or (status == 200 and "maintenance" in text.lower()):
        return (
            f"{server}: not available: it answers a login with status {status}; it may be in "
            "maintenance or overloaded, try again later"
        )
    if status in (401, 403, *REDIRECTS) or (status == 200 and who is None):
        return _refused(server, who, variables)
    return (
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
    user, password = map(login().get, names)
    if user and password:
        return user, password
    of_netrc = _of_netrc(urlsplit(server).hostname or "")
    if of_netrc and user in (None, "", of_netrc[0]):
        return of_netrc
    if user:
        raise ArchiveError(f"{names[0]} is set but {names[1]} is not; set both, or use ~/.netrc")
    return None


def _of_netrc(host: str) -> Who:
    """The user and password that ~/.netrc, or the file of NETRC, has for a host: it knows no ports.

    Its own error quotes what it did not expect, which may be a password. Errors name the file as
    it is written here: the home folder may tell whose it is.
    """
    paths = [os.environ["NETRC"]] if os.environ.get("NETRC") else ["~/.netrc", "~/_netrc"]
    path = next((path for path in paths if Path(path).expanduser().is_file()), None)
    if path is None:
        return None
    try:
        entry = netrc.netrc(Path(path).expanduser()).authenticators(host)
    except netrc.NetrcParseError as error:
        raise ConfigError(
            f"{path}, line {error.lineno}: not of the form `machine HOST login USER password "
            "PASSWORD`; correct it, or set the login's environment variables"
        ) from None
    except (OSError, UnicodeError):
        raise ConfigError(f"{path}: cannot be read; correct its rights or its contents") from None
    return (entry[0] or entry[1] or "", entry[2] or "") if entry else None
