"""The archive's server: whether it answers, as what, with which certificate, and how fast."""

import json
import os
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import requests
import urllib3
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from coil.archive.client import Archive
from coil.archive.login import Address
from coil.archive.transport import explained, first_page, http_session, redirect
from coil.doctor.findings import LIMIT, OK, PROBLEM, UNKNOWN, Finding
from coil.errors import ArchiveError, RefusedError
from coil.words import plural

TIMEOUT = (4, 8)
SKEW = 60
"""Seconds by which two clocks may differ."""
SOON = 21
"""Days that a certificate should be good for."""
SLOW = 60
"""Seconds that a listing may take: it comes before every night's work."""
OLDEST = (1, 8)
_OUT_OF_TIME = (9, 10)
"""OpenSSL's codes (X509_V_ERR_, x509_vfy.h) for a certificate that is not valid yet, or no more."""
_OF_ANOTHER = (62, 64)
"""The same for one that is for another host, or another IP address."""


class Reached(NamedTuple):
    """An answer to anybody: how long it took, the server's clock less ours, where
    it leads to if not here."""

    seconds: float
    skew: float | None
    leads_to: str = ""


def reach(address: Address) -> Reached:
    """Ask for the first page, without a login. Raises `ArchiveError` where none answers."""
    begun = time.time()
    at_once = urllib3.Retry(0, redirect=False)
    with explained(address.server, TIMEOUT), http_session(at_once) as http:
        answer = first_page(http, address.server, address.ca_bundle, TIMEOUT)
        answer.close()
    took = time.time() - begun
    return Reached(took, skew(answer.headers.get("Date"), begun + took / 2), _leads_to(answer))


def _leads_to(answer: requests.Response) -> str:
    """The server that an answer redirects to, if it is another address of the same host."""
    try:
        there = urlsplit(redirect(answer) or answer.url)
    except ArchiveError:  # for browsers: a university's login, for example
        return ""
    here = urlsplit(answer.url)
    same = (there.scheme, there.netloc) == (here.scheme, here.netloc)
    return "" if same else f"{there.scheme}://{there.netloc}"


def skew(date: str | None, now: float) -> float | None:
    """By how many seconds a server's clock (its header Date) is ahead; None if it tells none.

    The header has whole seconds.
    """
    try:
        when = parsedate_to_datetime(date or "")
    except ValueError:
        return None
    return when.timestamp() + 0.5 - now


def address(server: str, reached: Reached) -> Iterator[Finding]:
    """Whether the server is at the address that the config names, and safely so."""
    host = urlsplit(server).hostname or ""
    if reached.leads_to:
        yield Finding(
            "Server", "address", LIMIT, f"{server} leads elsewhere",
            f"write {reached.leads_to} in archive.server, if that is the archive",
        )  # fmt: skip
    elif server.startswith("http:") and not _is_here(host):
        yield Finding(
            "Server", "address", LIMIT,
            f"{server} is plain http: password and images can be read on the way",
            "write https:// in archive.server, or ask for it",
        )  # fmt: skip
    else:
        yield Finding("Server", "address", OK, f"{server} answers in {reached.seconds:.2f} s")


def _is_here(host: str) -> bool:
    return host == "localhost" or host.startswith("127.") or host == "::1"


def clock(reached: Reached) -> Iterator[Finding]:
    """Whether the server's clock is ours."""
    ahead = reached.skew
    if ahead is None:
        yield Finding("Server", "clock", UNKNOWN, "the server does not tell its time")
    elif abs(ahead) > SKEW:
        direction = "ahead of" if ahead > 0 else "behind"
        yield Finding(
            "Server", "clock", LIMIT,
            f"it is {abs(ahead):.0f} s {direction} this machine's: logins and certificates may "
            "seem over",
            "set both by a time server (NTP)",
        )  # fmt: skip
    else:
        yield Finding("Server", "clock", OK, f"within {max(1, abs(ahead)):.0f} s of this machine's")


def certificate(address: Address, now: datetime | None = None) -> Iterator[Finding]:
    """Whether the server's certificate is trusted, and for how long; nothing for plain http."""
    parts = urlsplit(address.server)
    if parts.scheme != "https" or not parts.hostname:
        return
    bundle = trusted(address)
    if not Path(bundle).exists():
        yield Finding(
            "Server", "certificate", PROBLEM, f"the CA bundle {bundle} is not there",
            "correct archive.ca_bundle or REQUESTS_CA_BUNDLE",
        )  # fmt: skip
        return
    if requests.utils.get_environ_proxies(address.server):
        yield Finding("Server", "certificate", UNKNOWN, "the server is met through a proxy")
        return
    try:
        peer = _certificate(parts.hostname, parts.port or 443, bundle)
    except ssl.SSLCertVerificationError as error:
        yield untrusted(error)
        return
    yield days_left(peer, now or datetime.now(UTC), Path(bundle).name)


def trusted(address: Address) -> str:
    """The file or folder of the authorities that requests to the server trust."""
    variables = (os.environ.get(name) for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"))
    return address.ca_bundle or next(filter(None, variables), None) or DEFAULT_CA_BUNDLE_PATH


def _certificate(host: str, port: int, bundle: str) -> Mapping[str, object]:
    folder = Path(bundle).is_dir()
    context = ssl.create_default_context(
        cafile=None if folder else bundle, capath=bundle if folder else None
    )
    with (
        socket.create_connection((host, port), timeout=TIMEOUT[0]) as plain,
        context.wrap_socket(plain, server_hostname=host) as wrapped,
    ):
        return wrapped.getpeercert() or {}


def untrusted(error: ssl.SSLCertVerificationError) -> Finding:
    """A certificate that was refused, for OpenSSL's reason."""
    if error.verify_code in _OUT_OF_TIME:
        remedy = "ask the server's administrator to renew it, and look at this machine's clock"
    elif error.verify_code in _OF_ANOTHER:
        remedy = "write the name in archive.server that the certificate is for"
    else:
        remedy = "name the file of your authority in archive.ca_bundle"
    return Finding(
        "Server", "certificate", PROBLEM, f"it is not trusted ({error.verify_message})", remedy
    )


def days_left(certificate: Mapping[str, object], now: datetime, bundle: str) -> Finding:
    """For how long a certificate is good, by its `notAfter`."""
    end = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC)
    days = (end - now).days
    text = f"trusted by {bundle}, good for {days} days"
    if days < SOON:
        remedy = "ask the server's administrator to renew it in time"
        return Finding("Server", "certificate", LIMIT, text, remedy)
    return Finding("Server", "certificate", OK, text)


def version(archive: Archive) -> Iterator[Finding]:
    """Which XNAT it is."""
    try:
        text = str(ask(archive, "/xapi/siteConfig/buildInfo").get("version", ""))
    except RefusedError:
        text = ""
    known = [int(part) for part in text.split(".")[:2] if part.isdecimal()]
    if len(known) < 2:
        yield Finding("Server", "version", UNKNOWN, "the server does not tell its version")
    elif tuple(known) < OLDEST:
        yield Finding(
            "Server", "version", LIMIT, f"XNAT {text}: older than what is known to work",
            "ask the administrator for 1.8 or later",
        )  # fmt: skip
    else:
        yield Finding("Server", "version", OK, f"XNAT {text}")


def plugins(archive: Archive) -> Iterator[Finding]:
    """Which plugins it has; the workflow needs none."""
    try:
        installed = ask(archive, "/xapi/plugins")
    except RefusedError:
        yield Finding("Server", "plugins", OK, "not told; none is needed")
        return
    named = (_plugin(name, about) for name, about in sorted(installed.items()))
    yield Finding("Server", "plugins", OK, ", ".join(named) or "none, and none is needed")


def _plugin(name: str, about: object) -> str:
    number = about.get("version") if isinstance(about, dict) else ""
    return f"{name} {number}" if number else name


def ask(archive: Archive, path: str) -> dict[str, object]:
    """A JSON object of the archive's newer interface; `ArchiveError` if it is none."""
    with archive.stream(path) as chunks:
        data = b"".join(chunks)
    try:
        answer = json.loads(data)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise ArchiveError("the archive answered with something else than was asked for; try again")
    return answer


def listing_time(what: str, rows: int, seconds: float, project: str = "") -> Finding:
    """How long a listing took."""
    text = f"{what}: {plural(rows, 'row')} in {seconds:.2f} s"
    if seconds > SLOW:
        remedy = (
            "expect nights to begin so late, and ask the administrator whether it can be faster"
        )
        return Finding("Server", "listing", LIMIT, text, remedy, project)
    return Finding("Server", "listing", OK, text, project=project)
