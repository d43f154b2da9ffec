"""One login at the archive for all jobs of a run.

XNAT counts the logins of a user, and a thousand forgotten ones lock the person out. So the
first who needs one logs in and leaves the server's session ID in a file of mode 0600; every
other job uses that. When the archive has ended it, one of them logs in anew. The main
process closes it at the end of the invocation, however that ends.
"""

import hashlib
import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any

import requests
import urllib3
import xnat
import xnat.exceptions
from requests.adapters import HTTPAdapter

from coil import cluster, files
from coil.archive.locks import locked
from coil.errors import ArchiveError

# Gateways answer so under load; only requests that may be repeated are.
RETRIES = urllib3.Retry(
    total=5,
    backoff_factor=0.5,
    backoff_jitter=0.5,
    status_forcelist=(502, 503, 504),
    allowed_methods=("GET", "HEAD"),
    raise_on_status=False,
    retry_after_max=300,
)
FOLDER = Path("private") / ".logins"
"""Where a run keeps its logins, below the folder where snakemake works."""


@dataclass(frozen=True)
class Address:
    """Which server, and how to meet it; user and password are never part of it.

    `logins` is the folder for the run's shared login; without it a connection has a login
    of its own, closed with it. At most `connections` hold one at once. `login` begins the names
    of the environment's variables with user and password.
    """

    server: str
    ca_bundle: str | None = None
    connections: int = 4
    logins: str | None = None
    login: str = "XNAT"

    @classmethod
    def of(cls, settings: dict[str, Any], root: Path | None = None) -> "Address":
        """The address in a project's `archive` settings, else the environment's XNAT_HOST.

        `root` is where snakemake works; its jobs share a login then.
        """
        server = settings.get("server") or os.environ.get("XNAT_HOST")
        if not server:
            raise ArchiveError(
                "no archive is named; set archive.server in the project's config or XNAT_HOST"
            )
        return cls(
            server.rstrip("/"),
            settings.get("ca_bundle"),
            settings.get("connections", cls.connections),
            str(root / FOLDER) if root else None,
        )

    @classmethod
    def noted(cls, place: dict[str, Any]) -> "Address":
        """The address in archive.json, as discovery left it."""
        return cls(place["server"], place["ca_bundle"], place["connections"], place["logins"])

    @property
    def key(self) -> str:
        """A name for the server that a file can have."""
        return hashlib.sha256(self.server.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Token:
    """A login that the server gave: where it redirects to, and its JSESSIONID."""

    server: str
    session: str = field(repr=False)
    ca_bundle: str | None = None


class Login:
    """The login of one connection, shared with others or not."""

    def __init__(self, address: Address):
        self._address = address
        self._token: Token | None = None

    def token(self) -> Token:
        """The login, made if there is none yet."""
        self._token = self._token or self._shared() or self.renew()
        return self._token

    def renew(self) -> Token:
        """Another login than the last, which the server has ended.

        Of all jobs that find so, the first logs in; the others take what it got.
        """
        ended, path = self._token, self._path
        if path is None:
            self._token = log_in(self._address)
            return self._token
        with locked(path.with_suffix(".lock")):
            self._token = self._shared()
            if self._token in (None, ended):
                self._token = log_in(self._address)
                files.write_json(path, asdict(self._token), 0o600)
        return self._token

    def close(self) -> None:
        """End a login that nobody shares."""
        if self._path is None and self._token:
            log_out(self._token)

    @property
    def _path(self) -> Path | None:
        folder = self._address.logins
        return Path(folder) / f"{self._address.key}.json" if folder else None

    def _shared(self) -> Token | None:
        return _read(self._path) if self._path else None


def log_in(address: Address) -> Token:
    """A new login. User and password come from the environment or from ~/.netrc.

    The user may be an alias token's. Raises `ArchiveError` where the server refuses.
    """
    credentials = _credentials(address)
    silent = logging.getLogger("coil-xnat-client")
    silent.addHandler(logging.NullHandler())
    silent.propagate = False
    with explained(address.server), _trusted(address.ca_bundle):
        try:
            # `cli`: the client must not log out when it lets go of the connection.
            connection = xnat.connect(
                address.server,
                **credentials,
                no_parse_model=True,
                logger=silent,
                detect_redirect=True,
                cli=True,
            )
        except xnat.exceptions.XNATError:
            raise ArchiveError(
                f"{address.server}: the login was refused; check {address.login}_USER and "
                f"{address.login}_PASS or ~/.netrc, and with an administrator whether the user "
                "has too many logins open"
            ) from None
        except requests.RequestException:
            raise
        except Exception:  # whatever a page in place of a login makes of the client
            raise ArchiveError(
                f"{address.server}: the login was answered with something else; the server may "
                "be overloaded, try again"
            ) from None
    token = Token(connection._effective_uri, connection.jsession, address.ca_bundle)
    connection.disconnect()
    return token


def log_out(token: Token) -> None:
    """End a login. A server that went away has forgotten it, or will: nothing to tell."""
    with suppress(requests.RequestException), http_session() as http:
        http.delete(f"{token.server}/data/JSESSION", **shown(token), timeout=(5, 10))


def close_all(root: Path) -> None:
    """End the logins that the jobs of the run in `root` shared."""
    for path in sorted((root / FOLDER).glob("*.json")):
        with locked(path.with_suffix(".lock")):
            token = _read(path)
            path.unlink(missing_ok=True)
        if token:
            log_out(token)


def http_session() -> requests.Session:
    """What sends requests; the caller gives it `shown(token)` with each."""
    http = requests.Session()
    # Else ~/.netrc would log in once more with each request, and a cookie of a refusal stay.
    http.auth = _as_it_is
    http.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    for scheme in ("http://", "https://"):
        http.mount(scheme, HTTPAdapter(max_retries=RETRIES))
    return http


def shown(token: Token) -> dict[str, Any]:
    """What shows the login with a request, and whom to trust with it."""
    return {"headers": {"Cookie": f"JSESSIONID={token.session}"}, "verify": token.ca_bundle}


@contextmanager
def explained(server: str) -> Iterator[None]:
    """Tell of requests' errors in one line; theirs quote paths."""
    try:
        yield
    except requests.exceptions.SSLError:
        raise ArchiveError(
            f"{server}: its certificate is not trusted; set archive.ca_bundle"
        ) from None
    except requests.RequestException:
        raise ArchiveError(
            f"{server}: no server answers there; check archive.server or XNAT_HOST and the "
            "network, then try again"
        ) from None


@contextmanager
def _trusted(ca_bundle: str | None) -> Iterator[None]:
    """Let the client trust `ca_bundle`, which it only takes from the environment."""
    before = os.environ.get("REQUESTS_CA_BUNDLE")
    if ca_bundle:
        os.environ["REQUESTS_CA_BUNDLE"] = ca_bundle
    try:
        yield
    finally:
        os.environ.pop("REQUESTS_CA_BUNDLE", None)
        if before is not None:
            os.environ["REQUESTS_CA_BUNDLE"] = before


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _read(path: Path) -> Token | None:
    try:
        return Token(**json.loads(path.read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def _credentials(address: Address) -> dict[str, Any]:
    """User and password, or nothing: then the archive is asked as a guest.

    The client would look for the port, too, in ~/.netrc, which only knows hosts, and would
    ask for a missing password on the terminal, which a job does not have.
    """
    variables = f"{address.login}_USER", f"{address.login}_PASS"
    user, password = map(cluster.login().get, variables)
    if user and password:
        return {"user": user, "password": password}
    noted = requests.utils.get_netrc_auth(address.server)
    if noted and user in (None, "", noted[0]):
        return {"user": noted[0], "password": noted[1]}
    if user:
        raise ArchiveError(
            f"{variables[0]} is set but {variables[1]} is not; set both, or use ~/.netrc"
        )
    return {}
