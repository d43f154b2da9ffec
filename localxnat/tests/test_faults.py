"""localxnat's faults on demand: each strikes when asked, and only then."""

import time
from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest
import requests

from localxnat.__main__ import main
from localxnat.faults.rules import KINDS, Fault
from localxnat.testing import PACKAGE_ROOT, Server, running
from localxnat.tests.support import Raw

SCANS = "/data/experiments/LOCAL_E00001/scans"
ZIP = f"{SCANS}/ALL/files?format=zip"


@pytest.fixture(autouse=True)
def calm(server: Server) -> Iterator[None]:
    yield
    server.faults()


def test_a_fault_strikes_as_often_as_it_says(server: Server, raw: Raw) -> None:
    server.faults(
        {"path": "^/data/projects", "times": 2, "fault": {"status": 503, "retry_after": 7}}
    )
    answers = [raw("GET", "/data/projects") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [503, 503, 200]
    assert answers[0].headers["Retry-After"] == "7"


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_or_its_proxy_is_down_and_may_say_for_how_long(
    server: Server, raw: Raw, status: int
) -> None:
    server.faults(
        {"path": "^/data/projects", "fault": {"status": status}},
        {"path": "^/data/projects", "fault": {"status": status, "retry_after": 3}},
        {"path": "^/data/projects", "fault": {"status": status, "retry_date": 30}},
    )
    answers = [raw("GET", "/data/projects") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [status] * 3
    without, seconds, date = [answer.headers.get("Retry-After") for answer in answers]
    assert (without, seconds) == (None, "3")
    left = parsedate_to_datetime(str(date)) - datetime.now(UTC)
    assert 25 < left.total_seconds() <= 30


def test_a_gateway_fails_after_the_request_was_done(server: Server, raw: Raw, session: str) -> None:
    server.faults({"path": "/files/a", "fault": {"status": 504, "done": True}})
    path = f"{session}/resources/R/files/a"
    assert raw("PUT", path, data=b"arrived").status_code == 504
    assert raw("GET", path).content == b"arrived"


def test_a_large_upload_meets_a_server_that_is_down(server: Server, raw: Raw, session: str) -> None:
    server.faults({"path": "/files/a", "fault": {"status": 503}})
    path = f"{session}/resources/R/files/a"
    assert raw("PUT", path, data=bytes(5_000_000)).status_code == 503
    assert raw("GET", path).status_code == 404


def test_an_answer_comes_in_a_trickle(server: Server, raw: Raw) -> None:
    whole = raw("GET", "/data/projects").content
    server.faults({"path": "^/data/projects", "fault": {"trickle": 2 * len(whole)}})
    begin = time.monotonic()
    assert raw("GET", "/data/projects").content == whole
    assert time.monotonic() - begin >= 0.4


def test_a_connection_is_reset_in_the_middle(server: Server, raw: Raw) -> None:
    server.faults({"path": "format=zip", "fault": {"truncate": 100, "end": "reset"}})
    with raw("GET", ZIP, stream=True) as answer:
        assert answer.status_code == 200
        with pytest.raises(requests.exceptions.RequestException, match="reset"):
            answer.content  # noqa: B018 - it is read here
    assert raw("GET", ZIP).status_code == 200


def test_a_fault_waits_for_its_turn_and_its_method(server: Server, raw: Raw) -> None:
    rule = {"path": "^/data/projects", "method": "GET", "skip": 1, "fault": {"status": 502}}
    server.faults(rule)
    assert raw("HEAD", "/data/projects").status_code == 200
    statuses = [raw("GET", "/data/projects").status_code for _ in range(3)]
    assert statuses == [200, 502, 200]


def test_an_answer_is_late(server: Server, raw: Raw) -> None:
    server.faults({"path": "^/data/projects", "fault": {"delay": 0.5}})
    begin = time.monotonic()
    assert raw("GET", "/data/projects").status_code == 200
    assert time.monotonic() - begin >= 0.5


def test_a_stream_breaks_off(server: Server, raw: Raw) -> None:
    server.faults({"path": "format=zip", "fault": {"truncate": 100, "end": "close"}})
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        raw("GET", ZIP)


@pytest.mark.parametrize("end", ["clean", "short"])
def test_a_stream_ends_early_and_seems_whole(server: Server, raw: Raw, end: str) -> None:
    server.faults({"path": "format=zip", "fault": {"truncate": 100, "end": end}})
    answer = raw("GET", ZIP)
    assert (answer.status_code, len(answer.content)) == (200, 100)
    assert ("Content-Length" in answer.headers) is (end == "short")
    assert len(raw("GET", ZIP).content) > 100


def test_the_login_page_comes_with_200_or_as_a_redirect(server: Server, raw: Raw) -> None:
    server.faults({"path": "format=zip", "fault": {"login_page": 200}})
    answer = raw("GET", ZIP)
    assert (answer.status_code, answer.text[:9]) == (200, "<!DOCTYPE")
    server.faults({"path": "format=zip", "fault": {"login_page": 302}})
    assert raw("GET", ZIP, allow_redirects=False).status_code == 302


@pytest.mark.parametrize(("when", "first"), [("before", 401), ("during", 200)])
def test_a_login_ends_before_or_while_it_is_used(server: Server, when: str, first: int) -> None:
    client = requests.Session()
    form = {"username": "admin", "password": "admin"}
    client.put(f"{server.url}/data/services/auth", data=form)
    server.faults({"path": "format=zip", "fault": {"expire": when}})
    assert client.get(server.url + ZIP).status_code == first
    assert client.get(f"{server.url}/data/projects").status_code == 401


@pytest.mark.parametrize(("how", "digest"), [("blank", ""), ("wrong", "0" * 32)])
def test_digests_are_blank_or_wrong(server: Server, raw: Raw, how: str, digest: str) -> None:
    server.faults({"path": "/files", "fault": {"digest": how}})
    rows = raw.rows(f"{SCANS}/ALL/files")
    assert {row["digest"] for row in rows} == {digest}


def test_a_listing_is_stale_on_demand(server: Server, raw: Raw) -> None:
    path = f"{SCANS}/ALL/files"
    whole = raw.rows(path)
    server.faults({"path": "/files", "fault": {"stale": True}})
    *same, gone = raw.rows(path)
    assert same == whole
    assert raw("GET", gone["URI"]).status_code == 404


def test_an_upload_finds_the_file_that_another_has_just_put_there(
    server: Server, raw: Raw, session: str
) -> None:
    server.faults({"path": "/files/a", "method": "PUT", "fault": {"twice": True}})
    answer = raw("PUT", f"{session}/resources/R/files/a", data=b"mine")
    assert (answer.status_code, answer.json()) == (200, {"duplicates": ["a"]})
    assert raw("GET", f"{session}/resources/R/files/a").content == b"mine"


def test_a_resource_appears_between_check_and_create(
    server: Server, raw: Raw, session: str
) -> None:
    server.faults({"path": "/resources/R$", "method": "PUT", "fault": {"twice": True}})
    assert raw("PUT", f"{session}/resources/R").status_code == 409
    assert [row["label"] for row in raw.rows(f"{session}/resources")] == ["R"]


def test_a_stale_catalog_lists_what_no_zip_has(raw: Raw, server: Server, session: str) -> None:
    for name in ("stays", "goes"):
        raw("PUT", f"{session}/resources/R/files/{name}", data=name.encode())
    (gone,) = server.root.rglob("RESOURCES/R/goes")
    gone.unlink()
    path = f"{session}/resources/R/files"
    assert len(raw.rows(path)) == 2
    assert b"goes" not in raw("GET", f"{path}?format=tar").content
    assert raw("GET", f"{path}/goes").status_code == 404


def test_the_table_of_logins_is_full_after_a_thousand(server: Server) -> None:
    profile = {"username": "leaky", "password": "leaky"}
    Raw(server)("POST", "/xapi/users", json=profile)
    answers: list[requests.Response] = []
    with requests.Session() as client:
        for _ in range(1001):
            client.cookies.clear()
            answers.append(client.put(f"{server.url}/data/services/auth", data=profile))
    assert [done.status_code for done in answers] == [200] * 1000 + [401]
    assert "Maximum number of sessions" in answers[-1].text


def test_the_table_of_logins_is_full_on_demand(server: Server) -> None:
    server.faults({"path": "^/data/services/auth", "fault": {"full": True}})
    form = {"username": server.user, "password": server.password}
    answers = [requests.put(f"{server.url}/data/services/auth", data=form) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [401, 200]
    assert "Maximum number of sessions" in answers[0].text


def test_only_an_administrator_makes_faults(server: Server, raw: Raw) -> None:
    raw("POST", "/xapi/users", json={"username": "mere", "password": "mere"})
    client = Raw(server)
    client.session.auth = ("mere", "mere")
    assert client("PUT", "/localxnat/faults", json=[]).status_code == 403
    assert requests.get(f"{server.url}/localxnat/faults").status_code == 401


def test_faults_are_listed_with_how_often_they_struck_and_taken_back(
    server: Server, raw: Raw
) -> None:
    server.faults({"path": "^/data/projects", "times": 0, "fault": {"status": 502}})
    raw("GET", "/data/projects")
    (rule,) = raw("GET", "/localxnat/faults").json()
    assert (rule["struck"], rule["fault"]) == (1, {"status": 502})
    raw("DELETE", "/localxnat/faults")
    assert raw("GET", "/data/projects").status_code == 200


def test_faults_come_from_a_file(tmp_path: Path) -> None:
    rules = tmp_path / "faults.json"
    rules.write_text('[{"path": "^/data/projects", "fault": {"status": 504}}]')
    with running(tmp_path / "root", faults=rules) as started:
        raw = Raw(started)
        statuses = [raw("GET", "/data/projects").status_code for _ in range(2)]
    assert statuses == [504, 200]


def test_the_help_and_the_readme_name_every_fault(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["serve", "--help"])
    shown = capsys.readouterr().out
    readme = (PACKAGE_ROOT / "localxnat" / "README.md").read_text()
    assert set(KINDS) == {field.name for field in fields(Fault)}
    for name, kind in KINDS.items():
        assert f"  {name:<12} {kind.values}: {kind.happens}\n" in shown
        assert f"`{name}`" in readme or f'"{name}"' in readme


@pytest.mark.parametrize(
    "rules",
    ["no json", "{}", '[{"path": "("}]', '[{"path": "x", "fault": {"sttus": 503}}]',
     '[{"path": "x", "fault": {"status": 200}}]', '[{"path": "(", "fault": {"status": 503}}]',
     '[{"path": "x", "fault": {"end": "reset"}}]'],
)  # fmt: skip
def test_rules_that_are_none_are_refused(raw: Raw, rules: str) -> None:
    assert raw("PUT", "/localxnat/faults", data=rules).status_code == 400
