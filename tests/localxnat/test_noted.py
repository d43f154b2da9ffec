"""What the server keeps of its doings: the history of objects, and what searches found."""

import pytest

from localxnat.testing import Server
from tests.archives import Raw

S1_A = "/data/experiments/LOCAL_E00001"


def workflow(status: str) -> dict[str, str]:
    about = {"status": status, "pipeline_name": "TEST", "launch_time": "2013-05-20 13:51:25.089",
             "ID": "LOCAL_E00001", "data_type": "xnat:mrSessionData"}  # fmt: skip
    return {f"wrk:workflowData/{name}": value for name, value in about.items()}


def test_a_record_of_work_is_in_the_history_of_its_object(raw: Raw) -> None:
    assert raw("PUT", "/data/workflows", params=workflow("Complete")).status_code == 200
    changes = raw("GET", f"{S1_A}/history").json()["changesets"]
    assert "TEST" in [event["event_action"] for one in changes for event in one["events"]]


@pytest.mark.parametrize("path", [S1_A, "/data/projects/DEMO", "/data/projects/DEMO/subjects/S1"])
def test_the_history_of_an_object_begins_with_its_making(raw: Raw, path: str) -> None:
    changes = raw("GET", f"{path}/history").json()["changesets"]
    assert [event["event_action"] for event in changes[-1]["events"]] in (["Added"], ["TEST"])
    assert raw("DELETE", f"{path}/history").status_code == 405
    assert raw("GET", path).status_code == 200


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
