"""Projects: who knows of them, and which are listed to whom."""

from collections.abc import Iterator

import pytest

from localxnat.testing import Server, running
from localxnat.tests.support import Raw

ACCESS = ("private", "protected", "public")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("localxnat") / "root") as started:
        raw = Raw(started)
        for name in ("outsider", "member", "owner"):
            raw("POST", "/xapi/users", json={"username": name, "password": name})
        for access in ACCESS:
            path = f"/data/projects/{access}"
            raw("PUT", path)
            raw("PUT", f"{path}/accessibility/{access}")
            raw("PUT", f"{path}/users/Members/member")
            raw("PUT", f"{path}/subjects/S/experiments/E_{access}?xsiType=xnat:mrSessionData")
            raw("PUT", f"{path}/subjects/S")
            raw("PUT", f"{path}/subjects/S/experiments/E_{access}?xsiType=xnat:mrSessionData")
        raw("PUT", "/data/projects/private/users/Owners/owner")
        yield started


@pytest.fixture(scope="module")
def raw(server: Server) -> Raw:
    return Raw(server)


def who(server: Server, name: str) -> Raw:
    found = Raw(server)
    found.session.auth = (name, name)
    return found


# Who knows of them ---------------------------------------------------------------------------


def test_a_protected_project_is_listed_to_all_and_read_by_its_own(server: Server) -> None:
    outsider = who(server, "outsider")
    assert {row["ID"] for row in outsider.rows("/data/projects")} >= {"protected", "public"}
    assert "private" not in {row["ID"] for row in outsider.rows("/data/projects")}
    assert outsider("GET", "/data/projects/protected").status_code == 200
    for below in ("subjects", "experiments", "subjects/S"):
        assert outsider("GET", f"/data/projects/protected/{below}").status_code == 404
    for change in ("accessibility/public", "subjects/NEW", "users/Owners/outsider"):
        assert outsider("PUT", f"/data/projects/protected/{change}").status_code == 403
        assert outsider("PUT", f"/data/projects/private/{change}").status_code in (404, 422)


def test_an_outsider_finds_no_session_to_rename(server: Server, raw: Raw) -> None:
    outsider = who(server, "outsider")
    path = "/data/projects/private/subjects/S/experiments/E_private"
    assert outsider("PUT", f"{path}?label=mine").status_code == 404
    (row,) = raw.rows("/data/projects/private/experiments", columns="ID,label")
    assert outsider("PUT", f"/data/experiments/{row['ID']}?label=mine").status_code == 404
    assert row["label"] == "E_private"


def test_a_private_projects_config_is_hidden_and_not_to_be_written(server: Server) -> None:
    outsider, path = who(server, "outsider"), "/data/projects/private/config/tool/path"
    assert outsider("GET", path).status_code == 404
    assert outsider("PUT", path, data="x").status_code == 403


# Lists ---------------------------------------------------------------------------------------


def ids(found: list[dict[str, str]]) -> set[str]:
    return {row["id"] for row in found} & set(ACCESS)


@pytest.mark.parametrize(
    ("user", "query", "expected"),
    [
        ("outsider", "accessible=true", {"protected", "public"}),
        ("outsider", "accessible=false", {"protected", "public"}),
        ("member", "accessible=true", set(ACCESS)),
        ("member", "accessible=false", set()),
        ("member", "data=writable", set(ACCESS)),
        ("outsider", "data=readable", {"public"}),
        ("outsider", "data=writable", set()),
        ("owner", "owner=true", {"private"}),
        ("member", "owner=true", set()),
        ("member", "member=true", set(ACCESS)),
        ("member", "permissions=edit&dataType=xnat:mrSessionData", set(ACCESS)),
        ("member", "permissions=delete&dataType=xnat:mrSessionData", set()),
        ("owner", "permissions=delete&dataType=xnat:mrSessionData", {"private"}),
        ("outsider", "permissions=read&dataType=xnat:mrSessionData", {"public"}),
        ("outsider", "permissions=edit", set()),
    ],
)
def test_projects_are_listed_by_what_may_be_done_there(
    server: Server, user: str, query: str, expected: set[str]
) -> None:
    asked = dict(part.split("=") for part in query.split("&"))
    assert ids(who(server, user).rows("/data/projects", **asked)) == expected


@pytest.mark.parametrize(("user", "some"), [("member", True), ("outsider", False)])
def test_a_project_tells_of_which_types_objects_may_be_made(
    server: Server, user: str, some: bool
) -> None:
    rows = who(server, user).rows("/data/projects/public", creatableTypes="true")
    names = {row["element_name"] for row in rows}
    assert {"xnat:subjectData", "xnat:mrSessionData"} <= names if some else names == set()


@pytest.mark.parametrize("query", ["permissions=fly", "data=edible"])
def test_a_word_that_is_none_fails(server: Server, query: str) -> None:
    assert who(server, "member")("GET", f"/data/projects?{query}").status_code == 500


@pytest.mark.parametrize(
    ("user", "restrict", "expected"),
    [
        ("member", "edit", set(ACCESS)),
        ("member", "delete", set()),
        ("owner", "delete", {"private"}),
    ],
)
def test_a_listing_is_restricted_to_where_more_may_be_done(
    server: Server, user: str, restrict: str, expected: set[str]
) -> None:
    rows = who(server, user).rows("/data/projects", restrict=restrict)
    assert {row["ID"] for row in rows} & set(ACCESS) == expected


def test_projects_where_something_can_be_made_are_listed_by_their_names(server: Server) -> None:
    path = "/data/projects"
    member = who(server, "member").rows(path, creatableTypes="true")
    assert {row["id"] for row in member} == set(ACCESS)
    assert set(member[0]) == {"id", "name", "description", "secondary_id"}
    assert who(server, "outsider").rows(path, creatableTypes="true") == []


def test_types_are_offered_to_those_who_can_make_objects_of_them(server: Server) -> None:
    base = "/xapi/access/displays"
    member, outsider = who(server, "member"), who(server, "outsider")
    assert "createable" in member("GET", base).json()
    made = {row["elementName"]: row for row in member("GET", f"{base}/creatable").json()}
    assert made["xnat:mrSessionData"]["plural"] == "MR Sessions"
    assert outsider("GET", f"{base}/createable").json() == []
    found = {row["elementName"] for row in outsider("GET", f"{base}/browseable").json()}
    assert found == {"xnat:projectData", "xnat:subjectData", "xnat:mrSessionData"}
    assert outsider("GET", f"{base}/nonsense").status_code == 400


def test_types_that_are_searched_have_the_names_that_people_read(server: Server) -> None:
    rows = who(server, "outsider").rows("/data/search/elements")
    found = {row["ELEMENT_NAME"]: row for row in rows}
    names = {kind: found[f"xnat:{kind}"]["SINGULAR"] for kind in ("mrSessionData", "subjectData")}
    assert names == {"mrSessionData": "MR Session", "subjectData": "Subject"}
    assert found["xnat:otherDicomSessionData"]["PLURAL"] == "Other Sessions"
    open_to_all = [name for name, row in found.items() if row["SECURED"] == "false"]
    assert open_to_all == ["xnat:investigatorData"]
