"""Where a redirect leads with a login, and what a server hears that it leads to."""

import base64
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from coil.archive.client import Address, connect
from coil.archive.login import close_all
from coil.errors import ArchiveError, ConfigError
from coil.workspace import Workspace
from tests.support.archives import self_signed

USER, PASSWORD = "someone", "a secret that must stay one"
ALIAS = "0b8bd2a7-0f5d-4b0a-9d3a-2d8a6b1f0c11"
NOTHING = (200, {}, '{"ResultSet":{"Result":[]}}')
SESSION = "0123456789ABCDEF0123456789ABCDEF"


class Heard:
    """A server that notes all that it is sent, and answers `status` with `headers` and `body`.

    `plan` are other answers, by the beginning of `METHOD path`; at what `silent` begins it waits.
    """

    def __init__(self, host: str, status: int = 200) -> None:
        self.status, self.headers, self.body = status, dict[str, str](), SESSION
        who = f"User '{USER}' is logged in"
        self.plan: dict[str, tuple[int, dict[str, str], str]] = {"GET /data/auth": (200, {}, who)}
        self.silent = "never"
        self.requests: list[str] = []
        self.everything = ""
        heard = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                line = f"{self.command} {self.path}"
                heard.requests.append(line)
                heard.everything += f"{line}\n{self.headers}\n{sent.decode()}"
                usual = (heard.status, heard.headers, heard.body)
                fitting = (heard.plan[key] for key in heard.plan if line.startswith(key))
                status, headers, body = next(fitting, usual)
                if self.path.startswith(heard.silent):
                    time.sleep(0.3)
                self.send_response(status)
                for key, value in (headers | {"Content-Length": str(len(body))}).items():
                    self.send_header(key, value)
                self.end_headers()
                with suppress(BrokenPipeError):  # a client that did not want to wait
                    self.wfile.write(body.encode())

        for name in ("do_GET", "do_PUT", "do_DELETE"):
            setattr(Handler, name, Handler.answer)
        setattr(Handler, "log_message", lambda *_: None)  # noqa: B010
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://{host}:{self.server.server_port}"

    def redirects(self, to: str, status: int = 302) -> None:
        self.status, self.headers, self.body = status, {"Location": to}, ""


@contextmanager
def heard(host: str = "127.0.0.1", certificate: tuple[Path, Path] | None = None) -> Iterator[Heard]:
    server = Heard(host)
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        server.server.socket = context.wrap_socket(server.server.socket, server_side=True)
        server.url = server.url.replace("http:", "https:")
    threading.Thread(target=server.server.serve_forever, args=(0.05,), daemon=True).start()
    yield server
    server.server.shutdown()
    server.server.server_close()


@pytest.fixture
def here() -> Iterator[Heard]:
    with heard() as server:
        yield server


@pytest.fixture
def elsewhere() -> Iterator[Heard]:
    """The same machine by another name is another host."""
    with heard("localhost") as server:
        yield server


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XNAT_USER", USER)
    monkeypatch.setenv("XNAT_PASS", PASSWORD)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))


def look(address: Address) -> None:
    with connect(address) as archive:
        archive.rows("/data/projects")


def assert_nothing_was_told(server: Heard) -> None:
    basic = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    told = server.everything.replace("+", " ")
    for secret in (USER, PASSWORD, basic, ALIAS, SESSION, "Cookie", "Authorization"):
        assert secret.lower() not in told.lower()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_login_that_is_sent_to_another_host_stays_here(
    here: Heard, elsewhere: Heard, status: int
) -> None:
    here.redirects(f"{elsewhere.url}/data/services/auth", status)
    with pytest.raises(ArchiveError, match=f"it redirects to {elsewhere.url}"):
        look(Address(here.url))
    assert_nothing_was_told(elsewhere)


def test_an_alias_token_stays_here_as_well(
    here: Heard, elsewhere: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XNAT_USER", ALIAS)
    here.redirects(f"{elsewhere.url}/")
    with pytest.raises(ArchiveError, match="it redirects to"):
        look(Address(here.url))
    assert_nothing_was_told(elsewhere)


def test_the_login_page_of_a_university_is_for_browsers(here: Heard, elsewhere: Heard) -> None:
    here.plan["GET /data/projects"] = NOTHING
    here.plan["GET /data"] = (200, {}, SESSION)
    here.plan["GET /"] = (302, {"Location": elsewhere.url}, "")
    look(Address(here.url))
    assert "PUT /data/services/auth" in here.requests
    assert_nothing_was_told(elsewhere)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_question_that_is_sent_to_another_host_does_not_show_the_login(
    here: Heard, elsewhere: Heard, status: int
) -> None:
    here.plan["GET /data/projects"] = (status, {"Location": f"{elsewhere.url}/data"}, "")
    with pytest.raises(ArchiveError, match=r"redirects to|log in again"):
        look(Address(here.url))
    assert_nothing_was_told(elsewhere)


def test_the_end_of_a_login_is_told_to_no_other_host(
    here: Heard, elsewhere: Heard, tmp_path: Path
) -> None:
    here.plan["GET /data/projects"] = NOTHING
    here.plan["DELETE"] = (307, {"Location": f"{elsewhere.url}/data/JSESSION"}, "")
    look(Address.of({"server": here.url}, tmp_path))
    close_all(tmp_path)
    assert here.requests[-1] == "DELETE /data/JSESSION"
    assert_nothing_was_told(elsewhere)


def test_a_password_that_came_by_https_does_not_go_on_by_http(here: Heard, tmp_path: Path) -> None:
    certificate = self_signed(tmp_path)
    with heard(certificate=certificate) as secured:
        secured.redirects(f"{here.url}/", 307)
        with pytest.raises(ArchiveError, match=f"it redirects to {here.url}"):
            look(Address(secured.url, str(certificate[0])))
    assert_nothing_was_told(here)


def test_from_http_to_https_of_the_host_the_password_goes_by_https_only(
    here: Heard, tmp_path: Path
) -> None:
    certificate = self_signed(tmp_path)
    with heard(certificate=certificate) as secured:
        secured.plan["GET /data/projects"] = NOTHING
        here.redirects(f"{secured.url}/")
        look(Address(here.url, str(certificate[0])))
        assert "PUT /data/services/auth" in secured.requests
    assert_nothing_was_told(here)


# What is no refusal ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body"),
    [(503, "<html>Service Unavailable</html>"), (200, "<html>Down for maintenance</html>")],
)
def test_a_server_in_maintenance_has_not_refused_the_login(
    here: Heard, status: int, body: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("urllib3.util.retry.Retry.sleep", lambda *_: None)
    here.status, here.body = status, body
    with pytest.raises(ArchiveError, match=r"not available: .*maintenance") as told:
        look(Address(here.url))
    assert told.value.retry
    assert "refused" not in str(told.value)


def test_a_server_that_is_too_busy_for_a_moment_is_asked_again(
    here: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("urllib3.util.retry.Retry.sleep", lambda *_: None)
    here.plan["GET /data/projects"] = (429, {}, "")
    with pytest.raises(ArchiveError, match=r"not available now \(429\)"):
        look(Address(here.url))
    assert here.requests.count("GET /data/projects?format=json") == 6


def test_a_netrc_that_cannot_be_read_is_named_with_its_line_and_not_quoted(
    here: Heard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XNAT_USER")
    monkeypatch.delenv("XNAT_PASS")
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine 127.0.0.1 login {USER}\n pasword {PASSWORD}\n")
    with pytest.raises(ConfigError, match=rf"{netrc}, line \d: not of the form") as told:
        look(Address(here.url))
    assert PASSWORD not in str(told.value) and "\n" not in str(told.value)


def test_a_server_that_says_nothing_is_called_slow(
    here: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coil.archive.client.TIMEOUT", (1, 0.05))
    monkeypatch.setattr("urllib3.util.retry.Retry.sleep", lambda *_: None)
    here.silent = "/data/projects"
    with pytest.raises(ArchiveError, match="slow: it has not answered"):
        look(Address(here.url))


def test_to_end_a_login_at_a_server_that_is_gone_takes_no_time(tmp_path: Path) -> None:
    with heard() as here:
        here.plan["GET /data/projects"] = NOTHING
        look(Address.of({"server": here.url}, tmp_path))
    begun = time.monotonic()
    close_all(tmp_path)
    assert time.monotonic() - begun < 3
    assert not list((Workspace(tmp_path).logins).glob("*.json"))


@pytest.mark.parametrize("status", [301, 308])
def test_an_archive_that_has_moved_has_not_ended_the_login(here: Heard, status: int) -> None:
    there = f"{here.url}/xnat/data/projects"
    here.plan["GET /data/projects"] = (status, {"Location": there}, "")
    with pytest.raises(ArchiveError, match=f"has moved to {there}; set archive.server"):
        look(Address(here.url))
    assert sum(one.startswith("PUT /data/services/auth") for one in here.requests) == 1


def test_a_guest_of_a_second_server_does_not_show_it_the_login_of_the_first(here: Heard) -> None:
    here.plan["GET /data/projects"] = NOTHING
    look(Address(here.url, login="XNAT_TO"))
    told = here.everything
    assert "GET /data/projects?format=json" in here.requests
    assert USER not in told and PASSWORD.split()[1] not in told and "Authorization" not in told


def test_a_server_whose_address_holds_a_user_is_refused_without_quoting_it() -> None:
    with pytest.raises(ConfigError, match="holds a user; write the address alone") as told:
        Address.of({"server": f"https://{USER}:secret@xnat.example.org"})
    assert USER not in str(told.value) and "secret" not in str(told.value)


def test_a_netrc_at_home_is_not_named_by_the_home_folder(
    here: Heard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("XNAT_USER", "XNAT_PASS", "NETRC"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".netrc").write_text("machin\n")
    with pytest.raises(ConfigError, match=r"^~/\.netrc, line \d: not of the form"):
        look(Address(here.url))
