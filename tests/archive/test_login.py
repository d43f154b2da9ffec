"""The login that all jobs of a run share, and the cap on their connections."""

import multiprocessing
import os
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from coil.archive import signing, transport
from coil.archive.client import Address, connect
from coil.archive.locks import one_of
from coil.archive.login import close_all
from coil.errors import ArchiveError
from coil.workspace import Workspace
from localxnat.testing import Server, import_dicom, running
from localxnat.tests.support import Raw, write_study
from tests.support.archives import self_signed

PASSWORD = "a secret that must stay one"
LOGIN = "PUT /data/services/auth"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("login")
    import_dicom(folder / "root", "P", "S", "E", write_study(folder / "study"))
    with running(folder / "root", password=PASSWORD) as server:
        yield server


@pytest.fixture
def run(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Address:
    """The address in a run of its own, in `tmp_path`; no fault is left from a test before."""
    monkeypatch.setenv("XNAT_USER", server.user)
    monkeypatch.setenv("XNAT_PASS", server.password)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    server.faults()
    return Address.of({"server": server.url}, tmp_path)


def look(address: Address) -> int:
    """What a job does; the number of projects that it sees."""
    with connect(address) as archive:
        return len(archive.rows("/data/projects"))


def since(server: Server, before: int) -> list[str]:
    return server.requests()[before:]


def test_the_jobs_of_a_run_log_in_once(run: Address, server: Server) -> None:
    before = len(server.requests())
    for _ in range(5):
        assert look(run) == 1
    assert sum(line.startswith(LOGIN) for line in since(server, before)) == 1


def test_a_job_that_finds_a_login_asks_only_what_it_is_there_for(
    run: Address, server: Server
) -> None:
    look(run)
    before = len(server.requests())
    look(run)
    assert since(server, before) == ["GET /data/projects?format=json 200"]


def test_the_login_is_kept_for_its_owner_and_without_name_or_password(
    run: Address, tmp_path: Path
) -> None:
    look(run)
    (path,) = (Workspace(tmp_path).logins).glob("*.json")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert PASSWORD not in path.read_text()
    assert "admin" not in path.read_text()


def test_the_end_of_a_run_logs_out(run: Address, server: Server, tmp_path: Path) -> None:
    with connect(run) as archive:
        token = archive._login.token()
    close_all(tmp_path)
    assert not list((Workspace(tmp_path).logins).glob("*.json"))
    gone = Raw(server)
    gone.session.auth = None
    answer = gone("GET", "/data/projects", headers={"Cookie": f"JSESSIONID={token.session}"})
    assert answer.status_code == 401


def test_a_connection_without_a_run_logs_out_when_it_closes(run: Address, server: Server) -> None:
    look(Address(run.server))
    assert server.requests()[-1] == "DELETE /data/JSESSION 200"


def test_a_login_that_ended_is_made_anew_and_the_question_asked_again(
    run: Address, server: Server
) -> None:
    look(run)
    server.faults({"path": "/data/projects", "fault": {"expire": "before"}})
    assert look(run) == 1


@pytest.mark.parametrize("status", [200, 302])
def test_a_login_page_in_place_of_an_answer_leads_to_another_login(
    run: Address, server: Server, status: int
) -> None:
    look(run)
    server.faults({"path": "/data/projects", "fault": {"login_page": status}})
    before = len(server.requests())
    assert look(run) == 1
    assert sum(line.startswith(LOGIN) for line in since(server, before)) == 1


def test_many_jobs_whose_login_ended_make_one_between_them(run: Address, server: Server) -> None:
    address = Address(run.server, connections=8, logins=run.logins)
    found: list[int] = []
    with connect(address) as archive:
        old = archive._login.token()
    server.faults({"path": "/data/projects", "fault": {"expire": "before"}})
    look(address)
    before = len(server.requests())

    def work() -> None:
        with connect(address) as archive:
            archive._login._token = old  # as it read it before the login ended
            found.append(len(archive.rows("/data/projects")))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [1] * 8
    assert not any(line.startswith(LOGIN) for line in since(server, before))


def test_who_works_on_while_another_thread_logs_in_has_a_session_without_its_password() -> None:
    with signing._session_for_xnat(None) as client:
        client.auth = ("somebody", "pw")
        with transport.http_session() as http:
            assert http is not client


def test_who_writes_is_told_that_the_login_ended(run: Address, server: Server) -> None:
    look(run)
    server.faults({"path": "/data/projects/P", "method": "PUT", "fault": {"expire": "before"}})
    with (
        connect(run) as archive,
        pytest.raises(ArchiveError, match="ended the login while it was written to"),
    ):
        archive.put("/data/projects/P/resources/r")


def test_an_archive_that_ends_every_login_gets_a_clear_answer(run: Address, server: Server) -> None:
    server.faults({"path": "/data/projects", "times": 0, "fault": {"expire": "before"}})
    with pytest.raises(ArchiveError, match="asks to log in again"):
        look(run)


def test_an_alias_token_logs_in(
    run: Address, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = Raw(server)("GET", "/data/services/tokens/issue").json()
    monkeypatch.setenv("XNAT_USER", token["alias"])
    monkeypatch.setenv("XNAT_PASS", str(token["secret"]))
    assert look(run) == 1


def test_a_netrc_file_logs_in(
    run: Address, server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("XNAT_USER")
    monkeypatch.delenv("XNAT_PASS")
    host = server.url.removeprefix("http://").partition(":")[0]
    netrc = tmp_path / "netrc"
    netrc.write_text(f'machine {host} login admin password "{PASSWORD}"\n')
    netrc.chmod(0o600)
    assert look(run) == 1


def test_a_login_without_a_password_does_not_wait_for_one(
    run: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XNAT_PASS")
    with pytest.raises(ArchiveError, match="XNAT_PASS is not"):
        look(run)


def test_a_refused_password_is_told_in_a_line_that_does_not_hold_it(
    run: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XNAT_PASS", "not this one")
    with pytest.raises(ArchiveError, match="the login was refused") as told:
        look(run)
    assert "not this one" not in str(told.value)
    assert "\n" not in str(told.value)


@pytest.fixture
def secured(server: Server, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The server behind TLS: its address, and the certificate that nobody has signed."""
    certificate, key = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        behind = ("127.0.0.1", int(server.url.rpartition(":")[2]))
        threading.Thread(target=_serve_tls, args=(listener, context, behind), daemon=True).start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}", certificate


def _serve_tls(listener: socket.socket, context: ssl.SSLContext, behind: tuple[str, int]) -> None:
    while True:
        try:
            client = context.wrap_socket(listener.accept()[0], server_side=True)
        except ssl.SSLError:
            continue
        except OSError:  # the test is over
            return
        other = socket.create_connection(behind)
        for one, two in ((client, other), (other, client)):
            threading.Thread(target=_pass_on, args=(one, two), daemon=True).start()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


def test_a_certificate_that_nobody_signed_is_not_trusted(
    run: Address, secured: tuple[str, Path]
) -> None:
    with pytest.raises(ArchiveError, match=r"certificate is not trusted; set archive\.ca_bundle"):
        look(Address(secured[0], logins=run.logins))


def test_a_certificate_that_the_config_names_is_trusted_by_all_jobs(
    run: Address, secured: tuple[str, Path]
) -> None:
    address = Address(secured[0], str(secured[1]), logins=run.logins)
    assert look(address) == look(address) == 1


def test_to_trust_one_server_is_not_to_trust_the_next(
    run: Address, secured: tuple[str, Path]
) -> None:
    look(Address(secured[0], str(secured[1]), logins=run.logins))
    close_all(Path(run.logins or "").parents[1])
    with pytest.raises(ArchiveError, match="certificate is not trusted"):
        look(Address(secured[0], logins=run.logins))


def test_a_page_that_was_pushed_is_data_and_no_login_page(run: Address) -> None:
    resource = "/data/projects/P/resources/pages"
    with connect(run) as archive:
        archive.put(resource)
        archive.put(f"{resource}/files/report.html", data=b"<!DOCTYPE html><p>ours")
        with archive.stream(f"{resource}/files/report.html") as chunks:
            assert b"".join(chunks) == b"<!DOCTYPE html><p>ours"


def _hold(folder: Path, places: int, counts: "multiprocessing.Queue[int]") -> None:
    with one_of(folder, "x", places):
        (folder / f"held-{os.getpid()}").touch()
        counts.put(len(list(folder.glob("held-*"))))
        time.sleep(0.05)
        (folder / f"held-{os.getpid()}").unlink()


def test_no_more_processes_are_connected_than_the_config_allows(tmp_path: Path) -> None:
    counts: multiprocessing.Queue[int] = multiprocessing.Queue()
    jobs = [multiprocessing.Process(target=_hold, args=(tmp_path, 2, counts)) for _ in range(8)]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
    assert max(counts.get() for _ in jobs) == 2


def test_a_process_that_is_killed_gives_its_place_back(tmp_path: Path) -> None:
    def stay() -> None:
        with one_of(tmp_path, "x", 1):
            (tmp_path / "in").touch()
            time.sleep(60)

    job = multiprocessing.get_context("fork").Process(target=stay)
    job.start()
    while not (tmp_path / "in").exists():
        time.sleep(0.01)
    job.kill()
    job.join()
    with one_of(tmp_path, "x", 1):
        pass
