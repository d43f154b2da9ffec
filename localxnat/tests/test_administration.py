"""What administrators set up: anonymization scripts, DICOM receivers, subscriptions to events."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from localxnat.testing import running
from localxnat.tests.support import Raw

PLAIN = {"Content-Type": "text/plain"}
JSON = {"Content-Type": "application/json"}
ACTION = "org.nrg.xnat.eventservice.actions.EventServiceLoggingAction"
SUBSCRIPTION = {
    "name": "of:projects",
    "active": True,
    "action-key": f"{ACTION}:{ACTION}",
    "event-filter": {"event-type": "org.nrg.xnat.eventservice.events.ProjectEvent"},
}


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Raw]:
    """A server of its own, with a project and a user who may not administer anything."""
    with running(tmp_path_factory.mktemp("administration")) as server:
        raw = Raw(server)
        raw("PUT", "/data/projects/P")
        raw("POST", "/xapi/users", json={"username": "pia", "password": "secret"})
        yield raw


def as_pia(ask: Raw, method: str, path: str, **options: Any) -> int:
    url = ask.url + path
    return requests.request(method, url, auth=("pia", "secret"), timeout=60, **options).status_code


# Anonymization scripts -----------------------------------------------------------------------


def enable(ask: Raw, path: str, value: str) -> int:
    return ask("PUT", f"{path}/enabled?enable={value}", json=None, headers=JSON).status_code


def test_the_script_of_the_site_is_kept_and_enabled_by_administrators(ask: Raw) -> None:
    path = "/xapi/anonymize/site"
    assert ask("GET", path).text == ask("GET", "/xapi/anonymize/default").text
    assert ask("PUT", path, data="version", headers=PLAIN).status_code == 200
    assert ask("GET", path).text == "version"
    assert ask("GET", "/xapi/siteConfig/sitewideAnonymizationScript").text == "version"
    assert as_pia(ask, "PUT", path, data="x", headers=PLAIN) == 403
    assert ask("GET", f"{path}/enabled").json() is False
    assert enable(ask, path, "true") == 200
    assert ask("GET", f"{path}/enabled").json() is True


def test_a_disabled_script_of_a_project_reads_as_none_and_comes_back(ask: Raw) -> None:
    path = "/xapi/anonymize/projects/P"
    assert ask("GET", path).status_code == 204
    assert enable(ask, path, "true") == 500  # there is none yet
    assert ask("GET", "/data/projects/P/config/anon").status_code == 404
    assert ask("PUT", path, data="version", headers=PLAIN).status_code == 200
    assert ask("GET", path).text == "version"
    assert enable(ask, path, "false") == 200
    assert (ask("GET", path).status_code, ask("GET", f"{path}/enabled").json()) == (204, False)
    assert [row["status"] for row in ask.rows("/data/projects/P/config/anon")] == ["disabled"]
    assert enable(ask, path, "true") == 200
    assert ask("GET", path).text == "version"


def test_a_project_s_script_is_its_owners_matter(ask: Raw) -> None:
    assert as_pia(ask, "GET", "/xapi/anonymize/projects/P") == 403
    ask("PUT", "/data/projects/P/users/Members/pia")
    assert as_pia(ask, "GET", "/xapi/anonymize/projects/P/enabled") == 200
    assert as_pia(ask, "PUT", "/xapi/anonymize/projects/P", data="x", headers=PLAIN) == 403
    assert ask("GET", "/xapi/anonymize/projects/ABSENT").status_code == 500


def test_whether_a_script_is_enabled_is_said_in_the_query_of_a_request_with_json(ask: Raw) -> None:
    path = "/xapi/anonymize/site/enabled"
    assert ask("PUT", path, data="false", headers=PLAIN).status_code == 415
    assert ask("PUT", path, json=False).status_code == 200
    assert ask("GET", path).json() is True
    assert ask("PUT", "/xapi/anonymize/site", json="x").status_code == 415


# DICOM receivers -----------------------------------------------------------------------------


def test_xnat_s_own_receiver_is_there_and_does_not_listen(ask: Raw) -> None:
    (found,) = ask("GET", "/xapi/dicomscp").json()
    assert (found["aeTitle"], found["port"], found["enabled"]) == ("XNAT", 8104, False)
    assert found["identifier"] in ask("GET", "/xapi/dicomscp/identifiers").json()
    assert as_pia(ask, "GET", "/xapi/dicomscp") == 200
    assert as_pia(ask, "GET", f"/xapi/dicomscp/{found['id']}") == 403


def test_a_receiver_is_made_changed_in_part_and_deleted(ask: Raw) -> None:
    base, identifier = "/xapi/dicomscp", "dicomObjectIdentifier"
    made = ask("POST", base, json={"aeTitle": "A", "port": 0, "identifier": identifier})
    assert (made.status_code, made.json()["port"], made.json()["enabled"]) == (200, 0, True)
    path = f"{base}/{made.json()['id']}"
    assert ask("PUT", path, json={"enabled": False}).json() == made.json() | {"enabled": False}
    assert ask("PUT", f"{path}/enabled/true").json()["enabled"] is True
    assert ask("GET", f"{path}/enabled").json() is True
    assert ask("DELETE", path).status_code == 200
    assert ask("GET", path).status_code == 404
    assert ask("DELETE", path).status_code == 404
    assert ask("PUT", path, json={"enabled": True}).status_code == 500


def test_two_receivers_are_not_enabled_at_one_title_and_port(ask: Raw) -> None:
    asked = {"aeTitle": "B", "port": 9000, "identifier": "dicomObjectIdentifier"}
    made = ask("POST", "/xapi/dicomscp", json=asked).json()
    assert ask("POST", "/xapi/dicomscp", json=asked).status_code == 409
    assert ask("POST", "/xapi/dicomscp", json=asked | {"identifier": "none"}).status_code == 400
    ask("DELETE", f"/xapi/dicomscp/{made['id']}")


# Subscriptions to events ---------------------------------------------------------------------


@pytest.fixture
def events(ask: Raw) -> Iterator[str]:
    assert ask("PUT", "/xapi/events/prefs", json={"enabled": True}).status_code == 200
    yield "/xapi/events/subscription"
    ask("PUT", "/xapi/events/prefs", json={"enabled": False})


def test_the_event_service_is_off_at_first(ask: Raw) -> None:
    assert ask("GET", "/xapi/events/prefs").json() == {"enabled": False}
    answer = ask("POST", "/xapi/events/subscription", json=SUBSCRIPTION)
    assert (answer.status_code, answer.text) == (405, "Event Service disabled.")


def test_a_subscription_is_made_switched_off_and_on_and_deleted(ask: Raw, events: str) -> None:
    made = ask("POST", events, json=SUBSCRIPTION)
    name, _, number = made.text.rpartition(":")
    assert (made.status_code, name) == (201, "of:projects")
    path = f"{events}/{number}"
    assert ask("GET", path).json()["action-key"] == SUBSCRIPTION["action-key"]
    assert [one["id"] for one in ask("GET", "/xapi/events/subscriptions").json()] == [int(number)]
    for word, active in (("deactivate", False), ("activate", True)):
        assert ask("POST", f"{path}/{word}").status_code == 200
        assert ask("GET", path).json()["active"] is active
    assert as_pia(ask, "DELETE", path) == 403
    assert ask("DELETE", path).status_code == 204
    assert ask("GET", path).status_code == 404
    assert ask("POST", f"{path}/activate").status_code == 404


def test_a_subscription_to_what_is_not_there_is_refused(ask: Raw, events: str) -> None:
    types = ask("GET", "/xapi/events/events").json()
    assert SUBSCRIPTION["event-filter"]["event-type"] in {one["type"] for one in types}  # type: ignore[index]
    (action,) = ask("GET", "/xapi/events/actions").json()
    assert action["action-key"] == SUBSCRIPTION["action-key"]
    for wrong in ({"action-key": "none"}, {"event-filter": {"event-type": "none"}}):
        assert ask("POST", events, json=SUBSCRIPTION | wrong).status_code == 424
