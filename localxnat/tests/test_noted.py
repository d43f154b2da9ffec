"""What the server keeps of its doings: the history of objects, and what searches found."""

from typing import Any

import pytest

from localxnat.testing import Server
from localxnat.tests.support import Raw

S1_A = "/data/experiments/LOCAL_E00001"


def workflow(status: str) -> dict[str, str]:
    about = {"status": status, "pipeline_name": "TEST", "launch_time": "2013-05-20 13:51:25.089",
             "ID": "LOCAL_E00001", "data_type": "xnat:mrSessionData"}  # fmt: skip
    return {f"wrk:workflowData/{name}": value for name, value in about.items()}


def events(raw: Raw, path: str) -> list[dict[str, Any]]:
    answer: list[dict[str, Any]] = raw("GET", f"{path}/history").json()["events"]
    return answer


def test_a_record_of_work_is_in_the_history_of_its_object(raw: Raw) -> None:
    assert raw("PUT", "/data/workflows", params=workflow("Complete")).status_code == 200
    (kept,) = [one for one in events(raw, S1_A) if one["event_action"] == "TEST"]
    assert kept["event_status"] == "Complete"
    assert kept["event_date"] % 60_000 == 25_089
    assert kept["changesets"] == []


@pytest.mark.parametrize(
    ("path", "name"),
    [
        (S1_A, "MR Session"),
        ("/data/projects/DEMO", "Project"),
        ("/data/projects/DEMO/subjects/S1", "Subject"),
    ],
)
def test_the_making_of_an_object_is_in_its_history(raw: Raw, path: str, name: str) -> None:
    assert f"Added {name}" in [one["event_action"] for one in events(raw, path)]
    assert raw("DELETE", f"{path}/history").status_code == 405
    assert raw("GET", path).status_code == 200


@pytest.mark.parametrize("kind", ["subjects/RENAMED", "subjects/RENAMED/experiments/RENAMED_MR"])
def test_each_new_label_is_in_the_history_of_its_object(raw: Raw, kind: str) -> None:
    given = {"xsiType": "xnat:mrSessionData"} if "experiments" in kind else {}
    made = raw("PUT", f"/data/projects/DEMO/{kind}", params=given)
    path = f"/data/{kind.split('/')[-2]}/{made.text}"
    for label in ("ANOTHER", "ANOTHER", "A_THIRD"):
        assert raw("PUT", path, params={"label": label}).status_code == 200
    first, second = sorted(
        (one for one in events(raw, path) if one["event_action"] == "Renamed"),
        key=lambda one: one["event_id"],
    )
    assert first["event_id"] < second["event_id"]
    assert [one["event_status"] for one in (first, second)] == ["Complete", "Complete"]
    raw("DELETE", path)


def test_a_search_that_is_kept_is_read_by_its_id_page_by_page(raw: Raw, server: Server) -> None:
    for label in ("K1", "K2", "K3"):
        raw("PUT", f"/data/projects/DEMO/subjects/{label}")
    document = (
        b'<xdat:bundle xmlns:xdat="http://nrg.wustl.edu/security">'
        b"<xdat:root_element_name>xnat:subjectData</xdat:root_element_name></xdat:bundle>"
    )
    kept = raw("POST", "/data/search?cache=true&format=json", data=document).json()["ResultSet"]
    rows = raw.rows(f"/data/search/{kept['ID']}")
    assert rows == kept["Result"] and len(rows) >= 4
    page = raw("GET", f"/data/search/{kept['ID']}?format=json&limit=2&offset=1").json()
    assert page["ResultSet"]["Result"] == rows[1:3]
    raw("DELETE", "/data/projects/DEMO/subjects/K1")
    assert raw.rows(f"/data/search/{kept['ID']}") == rows
    raw("POST", "/xapi/users", json={"username": "nosy", "password": "nosy"})
    other = Raw(server)
    other.session.auth = ("nosy", "nosy")
    assert other("GET", f"/data/search/{kept['ID']}").status_code == 404
