"""Logins that end, what the site tells whom, and requests from other sites' pages."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from localxnat.storage.auth import Auth
from localxnat.storage.database import Database
from localxnat.testing import Server, running
from localxnat.tests.support import Raw


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("localxnat") / "root") as started:
        yield started


@pytest.fixture(scope="module")
def raw(server: Server) -> Raw:
    return Raw(server)


def user(server: Server, name: str) -> Raw:
    """A new user, whose password is the name, as one who asks."""
    Raw(server)("POST", "/xapi/users", json={"username": name, "password": name})
    found = Raw(server)
    found.session.auth = (name, name)
    return found


def log_in(server: Server, name: str, password: str) -> dict[str, str]:
    form = {"username": name, "password": password}
    answer = requests.put(f"{server.url}/data/services/auth", data=form, timeout=20)
    assert answer.status_code == 200, answer.text
    return {"JSESSIONID": answer.text}


def token(who: Raw) -> tuple[str, str]:
    made = who("GET", "/data/services/tokens/issue").json()
    return made["alias"], made["secret"]


def status(server: Server, **how: object) -> int:
    return requests.get(f"{server.url}/data/auth", timeout=20, **how).status_code  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [None, "text/plain", "application/octet-stream"])
def test_a_login_needs_no_content_type(server: Server, kind: str | None) -> None:
    headers = {"Content-Type": kind} if kind else {}
    body = b"username=admin&password=admin"
    url = f"{server.url}/data/services/auth"
    answer = requests.put(url, data=body, headers=headers, timeout=20)
    assert (answer.status_code, len(answer.text)) == (200, 32)


def test_a_disabled_user_gets_in_by_no_token_either(server: Server, raw: Raw) -> None:
    name = "tokenless"
    user(server, name)
    raw("PUT", f"/xapi/users/{name}/enabled/false")
    made = raw("GET", f"/data/services/tokens/issue/user/{name}").json()
    assert status(server, auth=(made["alias"], made["secret"])) == 401


def test_an_old_password_ends_wherever_the_new_one_was_set(tmp_path: Path) -> None:
    database = Database(tmp_path / "localxnat.sqlite3")
    here, elsewhere = Auth(database), Auth(database)
    here.add_user("reader", "old")
    assert here.check("reader", "old")
    elsewhere.set_password("reader", "new")
    assert here.check("reader", "old") is None
    assert here.check("reader", "new")


@pytest.mark.parametrize("ending", ["disabled", "password"])
def test_logins_and_tokens_end_with_what_opened_them(server: Server, raw: Raw, ending: str) -> None:
    name = f"ends_{ending}"
    who = user(server, name)
    cookies, alias = log_in(server, name, name), token(who)
    assert (status(server, cookies=cookies), status(server, auth=alias)) == (200, 200)
    if ending == "disabled":
        raw("PUT", f"/xapi/users/{name}/enabled/false")
    else:
        raw("PUT", f"/xapi/users/{name}", json={"password": "another"})
    assert (status(server, cookies=cookies), status(server, auth=alias)) == (401, 401)
    assert status(server, auth=(name, name)) == 401
    # What the token was stays nothing when the user may log in again.
    raw("PUT", f"/xapi/users/{name}/enabled/true")
    assert status(server, auth=alias) == 401


def test_ending_a_users_logins_tells_which_ended(server: Server, raw: Raw) -> None:
    user(server, "several")
    opened = {log_in(server, "several", "several")["JSESSIONID"] for _ in range(2)}
    assert set(raw("DELETE", "/xapi/users/active/several").json()) == opened
    assert raw("DELETE", "/xapi/users/active/several").json() == []


def test_a_token_that_is_none_is_not_found(raw: Raw) -> None:
    alias, secret = token(raw)
    path = "/data/services/tokens/validate"
    assert raw("GET", f"{path}/{alias}/{secret}").json() == {"valid": "admin"}
    assert raw("GET", f"{path}/{alias}/wrong").status_code == 404
    assert raw("GET", f"{path}/none/wrong").status_code == 404


def test_the_list_of_users_is_for_all_where_the_site_does_not_restrict_it(
    server: Server, raw: Raw
) -> None:
    who = user(server, "curious")
    assert who("GET", "/data/users").status_code == 403
    raw("POST", "/xapi/siteConfig", json={"restrictUserListAccessToAdmins": False})
    assert "admin" in {row["login"] for row in who.rows("/data/users")}


def test_settings_are_told_to_those_whom_they_concern(server: Server, raw: Raw) -> None:
    who = user(server, "settled")
    everything, some = raw("GET", "/xapi/siteConfig").json(), who("GET", "/xapi/siteConfig").json()
    assert {"siteId", "checksums"} <= some.keys() < everything.keys()
    assert "adminEmail" not in some
    assert who("GET", "/xapi/siteConfig/siteId").text == "LOCAL"
    assert who("GET", "/xapi/siteConfig/adminEmail").status_code == 403
    assert who("GET", "/xapi/siteConfig/values/siteId,adminEmail").json() == {"siteId": "LOCAL"}
    assert who("POST", "/xapi/siteConfig", json={"siteId": "X"}).status_code == 403
    assert requests.get(f"{server.url}/xapi/siteConfig", timeout=20).status_code == 401


@pytest.mark.parametrize("origin", ["https://elsewhere.example", "null", "http://127.0.0.1:1"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/data/projects/STOLEN"),
        ("POST", "/xapi/users"),
        ("DELETE", "/data/JSESSION"),
        ("DELETE", "/data/projects/OURS"),
        ("PUT", "/localxnat/faults"),
    ],
)
def test_a_page_of_another_site_changes_nothing(
    server: Server, raw: Raw, method: str, path: str, origin: str
) -> None:
    raw("PUT", "/data/projects/OURS")
    cookies = log_in(server, "admin", "admin")
    body = '{"username": "thief", "password": "x"}'
    url, headers = server.url + path, {"Origin": origin}
    answer = requests.request(method, url, cookies=cookies, headers=headers, data=body, timeout=20)
    assert answer.status_code == 403
    assert status(server, cookies=cookies) == 200
    projects = {row["ID"] for row in raw.rows("/data/projects")}
    assert "OURS" in projects and "STOLEN" not in projects
    own = {"Origin": server.url}
    made = requests.put(f"{server.url}/data/projects/OWN", cookies=cookies, headers=own, timeout=20)
    assert made.status_code in (200, 201)


def test_a_server_that_is_told_another_password_ends_what_the_old_one_opened(
    tmp_path: Path,
) -> None:
    with running(tmp_path / "root", password="first") as started:
        who = Raw(started)
        alias = token(who)
    with running(tmp_path / "root", password="second") as started:
        assert status(started, auth=alias) == 401
        assert status(started, auth=("admin", "second")) == 200
