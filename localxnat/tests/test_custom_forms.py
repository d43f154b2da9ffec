"""Custom forms, as XNAT 1.8 and later has them: their definitions, and what is filled in."""

import json
import uuid
from typing import Any

import pytest

from localxnat.testing import Server
from localxnat.tests.support import Raw

SUBJECT = "xnat:subjectData"


@pytest.fixture(scope="module")
def project(raw: Raw) -> str:
    raw("PUT", "/data/projects/FORMS")
    raw("PUT", "/data/projects/FORMS/subjects/S")
    raw("PUT", "/data/projects/FORMS/accessibility/protected")
    return "FORMS"


@pytest.fixture(scope="module")
def member(server: Server, raw: Raw, project: str) -> Raw:
    raw("POST", "/xapi/users", json={"username": "formsmember", "password": "secret"})
    raw("PUT", f"/data/projects/{project}/users/Members/formsmember")
    found = Raw(server)
    found.session.auth = ("formsmember", "secret")
    return found


@pytest.fixture(scope="module")
def outsider(server: Server, raw: Raw) -> Raw:
    raw("POST", "/xapi/users", json={"username": "formsoutsider", "password": "secret"})
    found = Raw(server)
    found.session.auth = ("formsoutsider", "secret")
    return found


def submission(datatype: str, project: str | None = None, title: str = "Scores") -> dict[str, Any]:
    return {
        "submission": {
            "data": {
                "formTitle": title,
                "formType": "form",
                "zIndex": 10,
                "xnatDatatype": {"label": datatype, "value": datatype},
                "isThisASiteWideConfiguration": "no" if project else "yes",
                "xnatProject": [{"label": project, "value": project}] if project else [],
            }
        },
        "builder": {
            "display": "form",
            "components": [{"key": "total", "type": "number", "label": "Total"}],
        },
    }


def test_a_form_is_saved_listed_and_found_by_its_type(raw: Raw, project: str) -> None:
    made = raw("PUT", "/xapi/customforms/save", json=submission(SUBJECT, project))
    assert made.status_code == 201
    identifier = str(uuid.UUID(made.text))
    listed = raw("GET", f"/xapi/customforms?projectId={project}").json()
    (form,) = [one for one in listed if one["formUUID"] == identifier]
    assert (form["scope"], form["path"], form["hasData"]) == (
        "Project", f"datatype/{SUBJECT}", False)  # fmt: skip
    assert [(use["entityId"], use["status"]) for use in form["appliesToList"]] == [
        (project, "enabled")
    ]
    (container,) = json.loads(form["contents"])["components"]
    assert container["key"] == identifier
    assert [component["key"] for component in container["components"]] == ["total"]
    query = f"xsiType={SUBJECT}&projectId={project}&appendPrevNextButtons=false"
    shown = raw("GET", f"/xapi/customforms/element?{query}").json()
    assert identifier in [one["key"] for one in shown["components"]]
    nothing = f"xsiType=xnat:ctSessionData&projectId={project}&appendPrevNextButtons=false"
    assert raw("GET", f"/xapi/customforms/element?{nothing}").status_code == 404


def test_what_is_filled_in_lies_in_the_custom_fields_under_the_forms_uuid_and_in_no_variable(
    raw: Raw, project: str
) -> None:
    identifier = raw("PUT", "/xapi/customforms/save", json=submission(SUBJECT, project)).text
    path = f"/xapi/custom-fields/projects/{project}/subjects/S/fields"
    raw("PUT", path, json={identifier: {"total": 12}})
    assert raw("GET", path).json()[identifier] == {"total": 12}
    column, variables = f"{SUBJECT}/custom_fields", f"{SUBJECT}/fields/field/name"
    (row,) = raw.rows(f"/data/projects/{project}/subjects", columns=f"{column},{variables}")
    assert row[variables.lower()] == ""
    assert json.loads(row[column.lower()])[identifier] == {"total": 12}
    forms = raw("GET", "/xapi/customforms").json()
    assert [one["hasData"] for one in forms if one["formUUID"] == identifier] == [True]


def test_a_form_is_disabled_enabled_and_deleted(raw: Raw) -> None:
    identifier = raw("PUT", "/xapi/customforms/save", json=submission("xnat:projectData")).text

    def form() -> dict[str, Any] | None:
        found = raw("GET", "/xapi/customforms").json()
        return next((one for one in found if one["formUUID"] == identifier), None)

    held = form()
    assert held and held["scope"] == "Site"
    for action, status in (("disable", "disabled"), ("enable", "enabled")):
        done = raw("POST", f"/xapi/customforms/{action}", json=held["appliesToList"])
        assert done.status_code == 200
        changed = form()
        assert changed and changed["appliesToList"][0]["status"] == status
    assert raw("DELETE", "/xapi/customforms", json=held["appliesToList"]).status_code == 200
    assert form() is None


def test_only_an_administrator_defines_forms_and_their_titles_have_no_markup(
    raw: Raw, member: Raw, project: str
) -> None:
    form = submission(SUBJECT, project)
    assert member("PUT", "/xapi/customforms/save", json=form).status_code == 403
    assert member("GET", "/xapi/customforms").status_code == 200
    bad = submission(SUBJECT, project, "<img>")
    assert raw("PUT", "/xapi/customforms/save", json=bad).status_code == 400
    assert raw("PUT", "/xapi/customforms/save", json={"builder": {}}).status_code == 400


# Custom fields -------------------------------------------------------------------------------


def test_only_the_fields_that_are_asked_for_are_answered(raw: Raw, project: str) -> None:
    path = f"/xapi/custom-fields/projects/{project}/fields"
    raw("PUT", path, json={"a": 1, "b": [2], "c": "3"})
    assert raw("GET", f"{path}?keys=a,b").json() == {"a": 1, "b": [2]}
    assert raw("GET", f"{path}?keys=other").json() == {}


def test_a_projects_custom_fields_are_its_members_to_read_and_its_owners_to_change(
    raw: Raw, member: Raw, outsider: Raw, project: str
) -> None:
    path = f"/xapi/custom-fields/projects/{project}/fields"
    raw("PUT", path, json={"a": 1})
    assert member("GET", path).json()["a"] == 1
    assert member("PUT", path, json={"a": 2}).status_code == 403
    assert member("DELETE", f"{path}/a").status_code == 403
    # A project that cannot be read, be it only listed or not be there: one answer.
    assert outsider("GET", path).status_code == 403
    assert outsider("PUT", path, json={"a": 2}).status_code == 403
    assert outsider("GET", "/xapi/custom-fields/projects/NONE/fields").status_code == 403
    subject = f"/xapi/custom-fields/projects/{project}/subjects/S/fields"
    assert member("PUT", subject, json={"mine": 1}).status_code == 200


DEEP = "[" * 100_000 + "]" * 100_000


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/xapi/custom-fields/projects/FORMS/fields"),
        ("PUT", "/xapi/customforms/save"),
        ("PUT", "/localxnat/faults"),
        ("POST", "/xapi/users"),
        ("POST", "/xapi/siteConfig"),
        ("PUT", "/data/config/tool/path"),
    ],
)
@pytest.mark.parametrize("text", [DEEP, "[" * 300 + "]" * 300, "{" * 5000])
def test_json_that_is_too_deep_is_refused(
    raw: Raw, project: str, method: str, path: str, text: str
) -> None:
    headers = {"Content-Type": "application/json"}
    assert raw(method, path, data=text, headers=headers).status_code == 400


@pytest.mark.parametrize("path", ["/data/search", "/data/projects/FORMS/subjects/S"])
def test_a_document_that_is_too_deep_is_refused(raw: Raw, project: str, path: str) -> None:
    text = "<a>" * 50_000 + "</a>" * 50_000
    method = "POST" if path.endswith("search") else "PUT"
    answer = raw(method, path, data=text, headers={"Content-Type": "text/xml"})
    assert answer.status_code == 400
