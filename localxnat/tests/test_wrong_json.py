"""JSON whose values are of other types than the server expects: 400 and a message, as XNAT's
Jackson has it; what says the same in another type (`"true"`, `"5"`) is taken."""

from collections.abc import Iterator
from typing import Any

import pytest

from localxnat.testing import Server, running
from localxnat.tests.support import Raw

SAVE, SCP, EVENT = "/xapi/customforms/save", "/xapi/dicomscp", "/xapi/events/subscription"
SITE, USERS, FAULTS = "/xapi/siteConfig", "/xapi/users", "/localxnat/faults"
IDENTIFIER = "dicomObjectIdentifier"
_LOGGING = "org.nrg.xnat.eventservice.actions.EventServiceLoggingAction"
_PROJECT_EVENT = "org.nrg.xnat.eventservice.events.ProjectEvent"
SUBSCRIPTION = {"name": "n", "active": True, "action-key": f"{_LOGGING}:{_LOGGING}",
                "event-filter": {"event-type": _PROJECT_EVENT}}  # fmt: skip
FORM = {"isThisASiteWideConfiguration": "yes", "xnatDatatype": {"value": "xnat:subjectData"}}
VALUES: list[Any] = [None, True, 5, 1.5, "text", [], {}, [1], ["a"], [{}], {"a": 1}, [[]]]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of its own: what is set up here is nothing for others."""
    with running(tmp_path_factory.mktemp("json")) as started:
        raw = Raw(started)
        raw("PUT", "/data/projects/P")
        raw("PUT", "/xapi/events/prefs", json={"enabled": True})
        yield started


def form(builder: Any = None, **data: Any) -> dict[str, Any]:
    return {"submission": {"data": FORM | data}, "builder": {} if builder is None else builder}


DOCUMENTS: list[tuple[str, str, dict[str, Any]]] = [
    ("PUT", SAVE, {"submission": {"data": FORM}, "builder": {}}),
    *(("PUT", SAVE, form(**{name: None})) for name in ("zIndex", "formTitle", "xnatProject")),
    ("PUT", SAVE, form({"components": None, "title": None})),
    ("POST", SCP, {"aeTitle": "A", "port": 1, "identifier": IDENTIFIER, "enabled": False,
                   "whitelist": [], "label": ""}),
    ("POST", EVENT, {**SUBSCRIPTION, "act-as-event-user": True, "attributes": {}}),
    ("PUT", "/xapi/events/prefs", {"enabled": True}),
    ("POST", USERS, {"username": "wrong", "password": "p", "firstName": "", "email": ""}),
    ("PUT", f"{USERS}/admin", {"firstName": "", "lastName": "", "email": ""}),
    ("POST", SITE, {"siteId": "S", "requireLogin": True, "concurrentMaxSessions": 9,
                    "sitewideAnonymizationScript": "", "adminEmail": "a@b", "other": 1}),
    ("POST", "/xapi/schemas/datatypes/names", {"dataTypes": ["xnat:mrSessionData"]}),
    ("POST", "/xapi/schemas/datatypes/names", {"dataType": "xnat:mrSessionData"}),
    ("PUT", "/data/config/tool/path", {"status": "enabled", "contents": "c"}),
    ("PUT", "/xapi/custom-fields/projects/P/fields", {"a": 1}),
]  # fmt: skip
READ = ["/xapi/customforms", "/xapi/customforms/element?xsiType=xnat:subjectData"
        "&appendPrevNextButtons=false", SCP, "/xapi/events/subscriptions", USERS,
        f"{USERS}/profiles", SITE, f"{SITE}/siteId", "/xapi/anonymize/site", "/data/config",
        "/data/projects/P", "/xapi/custom-fields/projects/P/fields"]  # fmt: skip


def variants(value: Any, given: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A document with each of its values, on every level, replaced."""
    for name, inner in given.items():
        yield given | {name: value}
        if isinstance(inner, dict):
            yield from (given | {name: one} for one in variants(value, inner))


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_no_value_of_whatever_type_makes_the_server_fail(server: Server, value: Any) -> None:
    raw = Raw(server)
    failed = []
    for method, path, document in DOCUMENTS:
        for one in (value, *variants(value, document)):
            if raw(method, path, json=one).status_code >= 500:
                failed.append((method, path, one))
        raw("DELETE", f"{USERS}/wrong")
    failed += [("GET", path, None) for path in READ if raw("GET", path).status_code >= 500]
    assert failed == []


@pytest.mark.parametrize(
    ("method", "path", "document"),
    [
        ("PUT", SAVE, form(zIndex="high")),
        ("PUT", SAVE, form(xnatDatatype="xnat:subjectData")),
        ("PUT", SAVE, form(isThisASiteWideConfiguration="no", xnatProject=["P"])),
        ("PUT", SAVE, form(formTitle={"a": 1})),
        ("PUT", SAVE, form({"components": 5})),
        ("PUT", SAVE, form({"components": ["a"]})),
        ("POST", SCP, {"identifier": [IDENTIFIER]}),
        ("POST", SCP, {"identifier": IDENTIFIER, "port": "dicom"}),
        ("POST", SCP, {"identifier": IDENTIFIER, "enabled": "perhaps"}),
        ("POST", SCP, {"identifier": IDENTIFIER, "whitelist": "a"}),
        ("POST", EVENT, SUBSCRIPTION | {"event-filter": "all"}),
        ("POST", EVENT, SUBSCRIPTION | {"name": ["n"]}),
        ("POST", EVENT, SUBSCRIPTION | {"active": "perhaps"}),
        ("PUT", "/xapi/events/prefs", {"enabled": "perhaps"}),
        ("POST", USERS, {"username": ["a"], "password": "p"}),
        ("POST", USERS, {"username": "list", "password": ["p"]}),
        ("PUT", f"{USERS}/admin", {"email": ["a"]}),
        ("POST", SITE, {"requireLogin": "perhaps"}),
        ("POST", SITE, {"siteId": {"a": 1}}),
        ("POST", SITE, {"sitewideAnonymizationScript": ["a"]}),
        ("POST", "/xapi/schemas/datatypes/names", {"dataTypes": 5}),
        ("POST", "/xapi/schemas/datatypes/names", {"dataTypes": [[5]]}),
        ("PUT", "/data/config/tool/path", {"contents": {"a": 1}}),
        ("PUT", FAULTS, [{"path": "x", "skip": "1", "fault": {"full": True}}]),
        ("PUT", FAULTS, [{"path": "x", "times": True, "fault": {"full": True}}]),
        ("PUT", FAULTS, [{"path": "x", "method": 5, "fault": {"full": True}}]),
        ("PUT", FAULTS, [{"path": "x", "fault": {"truncate": True}}]),
    ],
)
def test_a_value_of_another_type_is_refused_with_its_name(
    server: Server, method: str, path: str, document: Any
) -> None:
    answer = Raw(server)(method, path, json=document)
    assert answer.status_code == 400
    assert "The value of" in answer.text


def test_what_says_the_same_in_another_type_is_taken(server: Server) -> None:
    raw = Raw(server)
    made = raw("POST", SCP, json={"identifier": IDENTIFIER, "port": "9105", "enabled": "false"})
    assert (made.json()["port"], made.json()["enabled"]) == (9105, False)
    assert raw("POST", SITE, json={"requireLogin": "true", "siteId": 5}).status_code == 200
    settings = raw("GET", SITE).json()
    assert (settings["requireLogin"], settings["siteId"]) == (True, "5")


def test_what_is_null_in_a_profile_or_a_configuration_is_not_the_word_none(server: Server) -> None:
    raw = Raw(server)
    raw("POST", USERS, json={"username": "nobody", "password": "p", "firstName": None})
    assert raw("GET", f"{USERS}/nobody").json()["firstName"] == ""
    assert raw("PUT", "/data/config/tool/null", json={"contents": None}).status_code == 400
