"""How requests travel: what is tried again, where a redirect may lead, what failures are called.

Everything that shows user, password or a login goes through here, and no request follows a
redirect by itself. One leads to the same server, or from http to https of the same host, and
nowhere else: whoever answers there would get the password.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from http.cookiejar import DefaultCookiePolicy
from typing import TypeVar
from urllib.parse import SplitResult, urljoin, urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter

from coil.errors import ArchiveError

BUSY = (429, 502, 503, 504)
"""The statuses of a server or a gateway under load, or in maintenance."""
REDIRECTS = (301, 302, 303, 307, 308)
LOGGED_OUT = (302, 303, 307)
"""Redirects that are only sent to those who have no login, or whose login ended."""
TIMEOUT = (15, 300)
"""Seconds until a server is reached, and until it says something."""

# Only requests that may be repeated are; a server that is slow is not asked much more often.
RETRIES = urllib3.Retry(
    total=5,
    read=2,
    backoff_factor=0.5,
    backoff_jitter=0.5,
    status_forcelist=BUSY,
    allowed_methods=("GET", "HEAD"),
    raise_on_status=False,
    retry_after_max=300,
)
_PORTS = {"http": 80, "https": 443}
S = TypeVar("S", bound=requests.Session)


def http_session(retries: urllib3.Retry | None = None) -> requests.Session:
    """A session for requests; the caller says with each whose they are."""
    http = requests.sessions.Session()  # `requests.Session` is another while somebody logs in
    # Else ~/.netrc would log in once more with each request, and a cookie of a refusal stay.
    http.auth = _as_it_is
    http.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    return with_retries(http, RETRIES if retries is None else retries)


def with_retries(http: S, retries: urllib3.Retry) -> S:
    """The session, which repeats requests so."""
    for scheme in ("http://", "https://"):
        http.mount(scheme, HTTPAdapter(max_retries=retries))
    return http


def first_page(
    http: requests.Session,
    server: str,
    ca_bundle: str | None,
    timeout: tuple[float, float] = TIMEOUT,
) -> requests.Response:
    """The head of a server's answer to anybody; its body is not read, no redirect followed."""
    return http.get(
        f"{server}/", verify=ca_bundle, timeout=timeout, stream=True, allow_redirects=False
    )


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def redirect(answer: requests.Response) -> str | None:
    """Where an answer redirects to, if that may be followed; None for no redirect.

    Raises `ArchiveError`, naming the host, where it leads elsewhere.
    """
    if answer.status_code not in REDIRECTS or not (target := answer.headers.get("Location")):
        return None
    here, there = urlsplit(answer.url), urlsplit(urljoin(answer.url, target))
    if _may_follow(here, there):
        return there.geturl()
    raise ArchiveError(
        f"{here.scheme}://{here.netloc}: it redirects to {there.scheme}://{_host(there)}, where "
        "the login is not shown; if that is the archive, set archive.server to its address"
    )


def _may_follow(here: SplitResult, there: SplitResult) -> bool:
    if not here.hostname or here.hostname != there.hostname or there.username:
        return False
    if (here.scheme, there.scheme) == ("http", "https"):
        return True
    return here.scheme == there.scheme and _port(here) == _port(there)


def _port(url: SplitResult) -> int | None:
    return url.port or _PORTS.get(url.scheme)


def _host(url: SplitResult) -> str:
    """Host and port; what stands before them may be a user's."""
    return url.netloc.rpartition("@")[2]


@contextmanager
def explained(server: str, timeout: tuple[float, float] = TIMEOUT) -> Iterator[None]:
    """Tell of requests' errors in one line; theirs quote paths."""
    try:
        yield
    except requests.exceptions.SSLError:
        raise ArchiveError(
            f"{server}: its certificate is not trusted; set archive.ca_bundle"
        ) from None
    except requests.RequestException as error:
        if is_slow(error):
            raise ArchiveError(
                f"{server}: slow: it has not answered within {timeout[1]} s; try again when it is "
                "less busy, then ask its administrator"
            ) from None
        raise ArchiveError(
            f"{server}: no server answers there; check archive.server or XNAT_HOST and the "
            "network, then try again"
        ) from None


def is_slow(error: requests.RequestException) -> bool:
    """Whether a server was reached, and said nothing for too long."""
    cause = error.args[0] if error.args else None
    cause = getattr(cause, "reason", cause)  # that of the last try
    slow = isinstance(cause, urllib3.exceptions.ReadTimeoutError)
    return slow or isinstance(error, requests.exceptions.ReadTimeout)
