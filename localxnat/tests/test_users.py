"""Who may do what in localxnat: roles, accessibility, users, alias tokens."""

from collections.abc import Callable, Iterator

import pytest
import requests
import xnat

from localxnat.testing import Server
from localxnat.tests.support import Raw

ROLES = ["owner", "member", "collaborator", "nobody"]
As = Callable[..., requests.Response]


@pytest.fixture(scope="module")
def people(raw: Raw) -> None:
    """Four users, and three projects in which the first three have roles."""
    for role in ROLES:
        profile = {"username": role, "password": f"{role}-secret", "email": f"{role}@example.org"}
        assert raw("POST", "/xapi/users", json=profile).status_code == 201
    for access in ("private", "protected", "public"):
        project = f"/data/projects/{access}"
        raw("PUT", project)
        assert raw("PUT", f"{project}/accessibility/{access}").status_code == 200
        raw("PUT", f"{project}/subjects/S")
        raw("PUT", f"{project}/subjects/S/experiments/E_{access}?xsiType=xnat:mrSessionData")
        for role in ROLES[:3]:
            path = f"{project}/users/{role.capitalize()}s/{role}"
            assert raw("PUT", path).status_code == 200


@pytest.fixture
def as_user(server: Server, people: None) -> Iterator[As]:
    session = requests.Session()

    def ask(user: str, method: str, path: str, **options: object) -> requests.Response:
        return requests.request(
            method,
            server.url + path,
            auth=(user, f"{user}-secret"),
            timeout=30,
            **options,  # type: ignore[arg-type]
        )

    yield ask
    session.close()


@pytest.mark.parametrize(
    ("user", "access", "read", "edit", "delete"),
    [
        ("owner", "private", 200, 200, 200),
        ("member", "private", 200, 200, 403),
        ("collaborator", "private", 200, 403, 403),
        ("nobody", "private", 404, 404, 404),
        ("nobody", "protected", 404, 404, 404),
        ("nobody", "public", 200, 403, 403),
    ],
)
def test_a_role_decides_what_a_user_may_do(
    raw: Raw, as_user: As, user: str, access: str, read: int, edit: int, delete: int
) -> None:
    made = f"/data/projects/{access}/subjects/S/experiments/Made"
    raw("PUT", f"{made}?xsiType=xnat:mrSessionData")
    assert as_user(user, "GET", f"{made}?format=json").status_code == read
    # What cannot be read is missing; of a protected project everybody knows.
    hidden = 403 if (user, access) == ("nobody", "protected") else edit
    assert as_user(user, "PUT", f"{made}?note=changed").status_code == hidden
    assert as_user(user, "PUT", f"{made}/resources/R_{user}").status_code == edit
    path = f"{made}/resources/U_{user}/files/x"
    # XNAT answers 200 to a file of one who may not edit, and keeps nothing.
    assert as_user(user, "PUT", path, data=b"x").status_code == (404 if edit == 404 else 200)
    assert raw("GET", path).status_code == (200 if edit == 200 else 404)
    assert as_user(user, "DELETE", made).status_code == delete


@pytest.mark.parametrize(
    ("user", "projects"),
    [
        ("collaborator", {"private", "protected", "public"}),
        ("nobody", {"protected", "public"}),
    ],
)
def test_listings_show_what_the_user_may_know(as_user: As, user: str, projects: set[str]) -> None:
    rows = as_user(user, "GET", "/data/projects?columns=ID").json()["ResultSet"]["Result"]
    # Other tests have projects on this server, too.
    assert {row["ID"] for row in rows} & {"private", "protected", "public"} == projects


def test_the_experiments_of_other_projects_stay_hidden(as_user: As) -> None:
    answer = as_user("nobody", "GET", "/data/experiments?columns=label,project")
    assert {row["project"] for row in answer.json()["ResultSet"]["Result"]} == {"public"}
    assert as_user("nobody", "GET", "/data/projects/private/experiments").status_code == 404
    assert as_user("nobody", "GET", "/data/projects/protected/experiments").status_code == 404


def test_a_protected_project_is_known_but_not_its_data(as_user: As) -> None:
    assert as_user("nobody", "GET", "/data/projects/protected?format=json").status_code == 200
    assert as_user("nobody", "GET", "/data/projects/protected/subjects").status_code == 404


def test_whoever_makes_a_project_owns_it(as_user: As) -> None:
    assert as_user("nobody", "PUT", "/data/projects/Mine").status_code == 201
    assert as_user("nobody", "PUT", "/data/projects/Mine/subjects/A").status_code == 201
    assert as_user("owner", "PUT", "/data/projects/Mine").status_code == 403
    assert as_user("nobody", "DELETE", "/data/projects/Mine").status_code == 200


def test_only_owners_give_roles_and_set_accessibility(as_user: As) -> None:
    path = "/data/projects/private/users/Members/nobody"
    assert as_user("member", "PUT", path).status_code == 403
    assert (
        as_user("member", "PUT", "/data/projects/private/accessibility/public").status_code == 403
    )
    assert as_user("owner", "PUT", path).status_code == 200
    assert as_user("nobody", "GET", "/data/projects/private/subjects").status_code == 200
    assert as_user("owner", "DELETE", path).status_code == 200
    assert as_user("nobody", "GET", "/data/projects/private/subjects").status_code == 404


def test_only_administrators_see_and_make_users(as_user: As) -> None:
    assert as_user("owner", "GET", "/data/users").status_code == 403
    assert as_user("owner", "POST", "/xapi/users", json={}).status_code == 403


def test_a_session_shared_into_a_readable_project_is_readable(raw: Raw, as_user: As) -> None:
    path = "/data/projects/private/subjects/S/experiments/Shared"
    identifier = raw("PUT", f"{path}?xsiType=xnat:mrSessionData").text
    item = f"/data/experiments/{identifier}?format=json"
    assert as_user("nobody", "GET", item).status_code == 404
    raw("PUT", f"/data/experiments/{identifier}/projects/public")
    assert as_user("nobody", "GET", item).status_code == 200


def test_the_pages_show_only_what_the_user_may_read(as_user: As) -> None:
    assert as_user("nobody", "GET", "/app/projects/private").status_code == 404
    assert "private" not in as_user("nobody", "GET", "/").text


def test_xnatpy_manages_users_and_roles(server: Server, people: None) -> None:
    with xnat.connect(server.url, user="admin", password="admin", loglevel="ERROR") as connection:
        assert set(ROLES) <= set(connection.users)
        project = connection.projects["private"]
        assert project.users["member"].access_level == "Members"
        project.set_access("nobody", "Collaborators")
        project.users.clearcache()
        assert "nobody" in project.users
        project.remove_access(project.users["nobody"])
    with xnat.connect(
        server.url, user="owner", password="owner-secret", loglevel="ERROR"
    ) as connection:
        assert connection.projects["private"].access_level == "Owners"


def test_users_ask_who_they_are(as_user: As, raw: Raw) -> None:
    assert as_user("member", "GET", "/xapi/users/username").text == "member"
    assert as_user("member", "GET", "/xapi/users/profiles").status_code == 403
    names = [profile["username"] for profile in raw("GET", "/xapi/users/profiles").json()]
    assert {"admin", *ROLES} <= set(names)


def test_a_deleted_user_is_out_at_once(raw: Raw, server: Server) -> None:
    raw("POST", "/xapi/users", json={"username": "short", "password": "lived"})
    client = requests.Session()
    client.put(f"{server.url}/data/services/auth", data={"username": "short", "password": "lived"})
    assert client.get(f"{server.url}/data/projects").status_code == 200
    assert raw("DELETE", "/xapi/users/short").status_code == 200
    assert client.get(f"{server.url}/data/projects").status_code == 401


def test_a_changed_password_replaces_the_old_one(raw: Raw, server: Server) -> None:
    raw("POST", "/xapi/users", json={"username": "changing", "password": "old"})
    url = f"{server.url}/data/projects"
    assert requests.get(url, auth=("changing", "old")).status_code == 200
    raw("PUT", "/xapi/users/changing", json={"password": "new"})
    assert requests.get(url, auth=("changing", "old")).status_code == 401
    assert requests.get(url, auth=("changing", "new")).status_code == 200


# Alias tokens --------------------------------------------------------------------------------


def test_xnatpy_logs_in_with_an_alias_token(server: Server) -> None:
    with xnat.connect(server.url, user="admin", password="admin", loglevel="ERROR") as connection:
        token = connection.services.issue_token()
    with xnat.connect(
        server.url, user=token.alias, password=token.secret, loglevel="ERROR"
    ) as connection:
        assert connection.logged_in_user == "admin"
        assert "DEMO" in {project.id for project in connection.projects.values()}


def test_a_token_ends_when_it_is_invalidated(raw: Raw, server: Server) -> None:
    token = raw("GET", "/data/services/tokens/issue").json()
    login = (token["alias"], token["secret"])
    path = "/".join(login)
    assert requests.get(f"{server.url}/data/projects", auth=login).status_code == 200
    assert raw("GET", f"/data/services/tokens/validate/{path}").json() == {"valid": "admin"}
    assert raw("GET", f"/data/services/tokens/invalidate/{path}").status_code == 200
    assert requests.get(f"{server.url}/data/projects", auth=login).status_code == 401


def test_an_administrator_issues_tokens_for_others(raw: Raw, as_user: As, server: Server) -> None:
    path = "/data/services/tokens/issue/user/collaborator"
    token = raw("GET", path).json()
    answer = requests.get(f"{server.url}/data/auth", auth=(token["alias"], token["secret"]))
    assert answer.text == "User 'collaborator' is logged in"
    assert as_user("owner", "GET", path).status_code == 403
