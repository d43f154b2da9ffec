"""The doctor's judgements one by one: certificates, clocks, versions, rights, disks, programs."""

import os
import re
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from coil.archive.login import Address
from coil.doctor import disk, machine, programs, rights, server
from coil.doctor.checks import Check, run
from coil.doctor.disk import Trial
from coil.doctor.findings import LIMIT, OK, PROBLEM, UNKNOWN, Finding, as_record, verdict
from coil.doctor.machine import Load
from coil.doctor.programs import Program
from coil.doctor.rights import User
from coil.doctor.server import Reached
from coil.errors import DataError
from coil.report import doctor_text
from coil.units import SESSION_MEMORY

CHECKOUT = Path(__file__).resolve().parents[3]
NOW = datetime(2026, 5, 1, tzinfo=UTC)


def states(found: Iterator[Finding] | list[Finding]) -> list[str]:
    return [one.state for one in found]


# Findings and checks -----------------------------------------------------------------------------


def test_a_check_that_breaks_is_a_line_and_the_others_go_on() -> None:
    def breaks() -> list[Finding]:
        raise KeyError("Doe^Jane")

    def refused() -> list[Finding]:
        raise DataError("the table is empty; fill it")

    checks = [
        Check("Data", "one", breaks, "study"),
        Check("Data", "two", refused),
        Check("Data", "three", lambda: [Finding("Data", "three", OK, "well")]),
    ]
    broken, told, well = run(checks, 2)
    assert (broken.state, broken.project) == (UNKNOWN, "study")
    assert "KeyError" in broken.text and "Doe" not in broken.line
    assert (told.state, told.text, told.remedy) == (PROBLEM, "the table is empty", "fill it")
    assert well.state == OK


def test_a_record_counts_and_does_not_name() -> None:
    found = [Finding("Data", "labels", LIMIT, "2 have none", names=["Doe"])]
    record = as_record(found)
    assert record.counts == {LIMIT: 1}
    assert "Doe" not in repr(record) + repr(found)
    assert verdict(found) == "all will work, 1 with a limit or not known"


def test_text_of_the_archive_cannot_steer_the_terminal() -> None:
    text = doctor_text.render([Finding("Server", "plugins", OK, "a\x1b[2Jb\nc")])
    assert "a?[2Jb?c" in text


def test_several_projects_are_told_apart_and_one_needs_no_name() -> None:
    one = Finding("Login", "rights", OK, "fine", project="oslo")
    assert "oslo" not in doctor_text.render([one])
    other = Finding("Login", "rights", OK, "fine", project="berlin")
    assert "oslo: fine" in doctor_text.render([one, other])


# Server ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("days", "state"), [(400, OK), (20, LIMIT)])
def test_a_certificate_that_ends_soon_is_told(days: int, state: str) -> None:
    end = (NOW + timedelta(days=days, hours=1)).strftime("%b %d %H:%M:%S %Y GMT")
    found = server.days_left({"notAfter": end}, NOW, "ca.pem")
    assert found.state == state
    assert f"good for {days} days" in found.text


@pytest.mark.parametrize(
    ("code", "reason", "remedy"),
    [
        (9, "certificate is not yet valid", "renew"),
        (10, "certificate has expired", "renew"),
        (62, "Hostname mismatch, certificate is not valid for 'localhost'.", "name in"),
        (64, "IP address mismatch, certificate is not valid for '127.0.0.1'.", "name in"),
        (18, "self-signed certificate", "archive.ca_bundle"),
    ],
)
def test_a_certificate_that_is_refused_has_its_remedy(code: int, reason: str, remedy: str) -> None:
    error = ssl.SSLCertVerificationError()
    error.verify_code, error.verify_message = code, reason
    found = server.untrusted(error)
    assert found.state == PROBLEM
    assert remedy in found.remedy


@pytest.fixture
def signed_by_nobody(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The address of a server that only shakes hands, and its certificate, good for two days."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=nobody -addext"
    files = ["-keyout", str(key), "-out", str(certificate)]
    options = [*command.split(), "subjectAltName=IP:127.0.0.1", *files]
    subprocess.run(options, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            try:
                while True:
                    plain = listener.accept()[0]
                    try:
                        context.wrap_socket(plain, server_side=True).close()
                    except OSError:
                        plain.close()
            except OSError:  # the test is over
                return

        threading.Thread(target=serve, daemon=True).start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}", certificate


def test_a_real_certificate_is_looked_at(
    signed_by_nobody: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    url, certificate = signed_by_nobody
    (refused,) = server.certificate(Address(url))
    assert (refused.state, "self-signed" in refused.text) == (PROBLEM, True)
    (short,) = server.certificate(Address(url, str(certificate)))
    assert (short.state, "trusted by certificate.pem" in short.text) == (LIMIT, True)
    named = url.replace("127.0.0.1", "localhost")
    (other,) = server.certificate(Address(named, str(certificate)))
    assert (other.state, "write the name" in other.remedy) == (PROBLEM, True)
    (absent,) = server.certificate(Address(url, "/nowhere/ca.pem"))
    assert (absent.state, "is not there" in absent.text) == (PROBLEM, True)
    assert list(server.certificate(Address("http://127.0.0.1"))) == []


def test_the_clocks_are_compared_by_the_date_of_an_answer() -> None:
    date = format_datetime(NOW + timedelta(seconds=90), usegmt=True)
    ahead = server.skew(date, NOW.timestamp())
    assert ahead is not None
    assert abs(ahead - 90) < 1
    (found,) = server.clock(Reached(0.1, ahead))
    assert (found.state, "s ahead of this machine's" in found.text) == (LIMIT, True)
    assert states(server.clock(Reached(0.1, -2.0))) == [OK]
    assert states(server.clock(Reached(0.1, server.skew("yesterday", 0)))) == [UNKNOWN]


@pytest.mark.parametrize(
    ("address", "leads_to", "state"),
    [
        ("https://xnat.example.org", "", OK),
        ("http://127.0.0.1:8080", "", OK),
        ("http://xnat.example.org", "", LIMIT),
        ("http://xnat.example.org", "https://xnat.example.org", LIMIT),
    ],
)
def test_an_address_that_is_unsafe_or_leads_elsewhere_is_told(
    address: str, leads_to: str, state: str
) -> None:
    (found,) = server.address(address, Reached(0.1, 0, leads_to))
    assert found.state == state
    assert leads_to in found.line


# Rights ------------------------------------------------------------------------------------------


def test_the_servers_own_list_counts_more_than_groups() -> None:
    listed = {"read": {"P"}, "edit": set[str](), "delete": set[str]()}
    assert User(["Administrator"], ["P_owner"], listed).may("P") == {"read"}


@pytest.mark.parametrize(
    ("user", "may"),
    [
        (User(groups=["P_owner"]), {"read", "edit", "delete"}),
        (User(groups=["P_member"]), {"read", "edit"}),
        (User(groups=["P_collaborator"]), {"read"}),
        (User(roles=["Administrator"]), {"read", "edit", "delete"}),
        (User(groups=["PP_owner"]), None),
    ],
)
def test_without_that_list_groups_and_roles_tell(user: User, may: set[str] | None) -> None:
    assert user.may("P") == may


def test_a_project_that_is_listed_though_its_data_are_hidden_is_told() -> None:
    found = rights.rights(True, set())
    assert (found.state, "not its data" in found.text) == (LIMIT, True)


def test_roles_that_the_server_does_not_tell_are_not_called_none() -> None:
    assert [one.text for one in rights.roles(User())] == ["not told"]
    assert [one.text for one in rights.roles(User([], []))] == ["none; in 0 project groups"]


def test_rights_that_nobody_tells_are_to_be_tried() -> None:
    found = rights.rights(True, None, "push (reports)")
    assert (found.state, found.remedy) == (UNKNOWN, "--config doctor=write tries it")


@pytest.mark.parametrize(
    ("user", "kind"),
    [("jane", "user and password"), ("3f0e8a52-1c2d-4e5f-8a9b-0c1d2e3f4a5b", "alias token")],
)
def test_the_kind_of_login_is_told_and_not_whose(
    monkeypatch: pytest.MonkeyPatch, user: str, kind: str
) -> None:
    monkeypatch.setenv("XNAT_USER", user)
    monkeypatch.setenv("XNAT_PASS", "secret")
    (found,) = rights.kind(Address("https://xnat.example.org"))
    assert found.text.startswith(kind)
    assert user not in found.line


def test_a_login_of_netrc_and_none_at_all_are_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("XNAT_USER", "XNAT_PASS"):
        monkeypatch.delenv(name, raising=False)
    netrc = tmp_path / "netrc"
    monkeypatch.setenv("NETRC", str(netrc))
    address = Address("https://xnat.example.org")
    assert states(rights.kind(address)) == [LIMIT]
    netrc.write_text("machine xnat.example.org login jane password secret\n")
    netrc.chmod(0o600)
    assert [one.text for one in rights.kind(address)] == ["user and password of ~/.netrc"]


# Machine -----------------------------------------------------------------------------------------


def test_memory_is_compared_with_what_the_rules_ask_for() -> None:
    asked = [
        tuple(map(int, found))
        for path in (CHECKOUT / "rules").glob("*.smk")
        for found in re.findall(r"mem_mb=grows\((\d+), (\d+)\)", path.read_text())
    ]
    assert max(asked) < SESSION_MEMORY
    assert "grows(*SESSION_MEMORY)" in (CHECKOUT / "rules" / "anonymize.smk").read_text()
    assert states(machine.memory(Load(largest=2_000_000_000), 16_000_000_000)) == [OK]
    assert states(machine.memory(Load(largest=10_000_000_000), 16_000_000_000)) == [PROBLEM]


def test_space_is_compared_with_the_largest_session(tmp_path: Path) -> None:
    load = Load(largest=10_000_000_000, total=100_000_000_000)
    assert states(machine.space(tmp_path, load, 20_000_000_000)) == [PROBLEM]
    assert states(machine.space(tmp_path, load, 50_000_000_000)) == [LIMIT]
    assert states(machine.space(tmp_path, load, 500_000_000_000)) == [OK]


def test_bytes_are_written_as_people_do() -> None:
    assert [machine.size(n) for n in (0, 8770, 82_700_000_000, 5 * 10**12)] == [
        "0 B", "8.77 kB", "82.7 GB", "5 TB",
    ]  # fmt: skip


def test_what_a_file_system_cannot_do_is_tried_and_nothing_stays(tmp_path: Path) -> None:
    def fails(place: Path) -> bool:
        (place / "left").touch()
        raise OSError

    trials = {"locks": Trial(fails, LIMIT, "none", "other"), "rename": disk.TRIALS["rename"]}
    assert [(one.what, one.line) for one in disk.tried(tmp_path, trials)] == [
        ("locks", "none; other")
    ]
    assert list(tmp_path.iterdir()) == []


def test_zones_on_one_file_system_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "private").mkdir()
    assert list(disk.file_systems(tmp_path).values()) == [["private", "quarantine", "results"]]


def test_a_program_that_lacks_is_told_with_what_does_not_work_without_it() -> None:
    there = Program("python3", "nothing runs", True)
    absent = Program("no-such-program", "no series is converted", True)
    widening = Program("no-such-scheduler", "for jobs elsewhere")
    found = {one.what: one for one in programs.look(False, (there, absent, widening))}
    assert (found["no-such-program"].state, found["programs"].state) == (PROBLEM, OK)
    assert "no series is converted" in found["no-such-program"].text
    assert "no-such-scheduler (for jobs elsewhere)" in found["not here"].text
    assert "no-such-program" not in [one.what for one in programs.look(True, (absent, there))]


def test_a_program_that_does_not_start_counts_as_absent(tmp_path: Path, monkeypatch) -> None:
    broken = tmp_path / "broken-program"
    broken.write_text("#!/no/such/interpreter\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert programs.version(Program("broken-program", "")) is None
