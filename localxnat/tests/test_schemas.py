"""The types that localxnat declares, and the records of what is done to objects of them."""

import pytest
import requests

from localxnat.testing import Server
from localxnat.tests.support import Raw

BASE = "/xapi/schemas"


def test_the_schemas_are_listed_and_each_is_there(raw: Raw) -> None:
    names = raw("GET", BASE).json()
    assert {"xnat", "xdat", "assessments", "pipeline/workflow"} <= set(names)
    for name in names:
        assert "<xs:schema" in raw("GET", f"{BASE}/{name}").text
    assert raw("GET", f"{BASE}/absent").status_code == 404


def test_types_are_told_by_their_names_and_their_elements(raw: Raw) -> None:
    known = raw("GET", f"{BASE}/datatypes").json()
    assert len(known) > 50
    assert {"xnat:mrSessionData", "wrk:workflowData", "prov:processStep"} <= set(known)
    (found,) = raw("GET", f"{BASE}/datatypes/elements/xnat:mrSessionData").json().items()
    assert found[0] == "xnat_mrSessionData"
    assert (found[1]["properName"], found[1]["namespacePrefix"]) == ("MRSession", "xnat")
    (names,) = raw("GET", f"{BASE}/datatypes/names/xnat:MRSession").json().values()
    assert {"xnat:mrSessionData", "http://nrg.wustl.edu/xnat:MRSession"} <= set(names)
    assert len(raw("GET", f"{BASE}/datatypes/names/all").json()) == len(known)
    assert raw("GET", f"{BASE}/datatypes/elements/xnat:absent").status_code == 404


def test_several_types_are_asked_for_by_json_or_by_a_form(raw: Raw) -> None:
    asked = {"dataTypes": ["xnat:mrSessionData", "xnat:petSessionData"]}
    for body in ({"json": asked}, {"data": asked}):
        found = raw("POST", f"{BASE}/datatypes/elements", **body).json()
        assert set(found) == {"xnat_mrSessionData", "xnat_petSessionData"}
    assert raw("POST", f"{BASE}/datatypes/elements", json={}).status_code == 400


def test_an_assessment_of_a_subject_is_made_of_a_type_of_another_schema(raw: Raw) -> None:
    path = "/data/projects/DEMO/subjects/S1/experiments/S1_scale"
    asked = "xsiType=xnat_a:ybocsData&xnat_a:ybocsData/distressCaused=3"
    assert raw("PUT", f"{path}?{asked}").status_code == 201
    try:
        item = raw("GET", f"{path}?format=json").json()["items"][0]
        assert (item["meta"]["xsi:type"], item["data_fields"]["distressCaused"]) == (
            "xnat_a:ybocsData",
            3,
        )
        assert "xnat_a:YBOCS" in raw("GET", f"{path}?format=xml").text
    finally:
        raw("DELETE", path)


# Records of work -----------------------------------------------------------------------------

WHICH = {
    "wrk:workflowData/pipeline_name": "align",
    "wrk:workflowData/launch_time": "2024-05-20 13:51:25.089",
    "wrk:workflowData/id": "LOCAL_E99999",
}


def put(raw: Raw, **more: str) -> int:
    fields = {f"wrk:workflowData/{name}": value for name, value in more.items()}
    return raw("PUT", "/data/workflows", params=WHICH | fields).status_code


def test_a_record_is_made_found_again_and_changed(raw: Raw) -> None:
    assert put(raw, status="Queued") == 400  # the type of the object is not told
    assert put(raw, status="Queued", data_type="xnat:mrSessionData") == 200
    assert put(raw, status="Complete") == 200
    answer = raw("GET", "/data/workflows", params=WHICH | {"format": "json"})
    fields = answer.json()["items"][0]["data_fields"]
    assert (fields["status"], fields["data_type"]) == ("Complete", "xnat:mrSessionData")
    by_number = raw("GET", f"/data/workflows/{fields['wrk_workflowData_id']}")
    assert 'status="Complete"' in by_number.text
    assert raw("GET", "/data/workflows/999999").status_code == 404


def test_a_record_is_changed_by_who_made_it_and_by_administrators_alone(
    server: Server, raw: Raw
) -> None:
    raw("POST", "/xapi/users", json={"username": "wilma", "password": "secret"})
    put(raw, status="Queued", data_type="xnat:mrSessionData")
    url, wilma = f"{server.url}/data/workflows", ("wilma", "secret")
    changed = WHICH | {"wrk:workflowData/status": "Failed"}
    assert requests.put(url, params=changed, auth=wilma, timeout=60).status_code == 403
    own = changed | {
        "wrk:workflowData/pipeline_name": "hers",
        "wrk:workflowData/data_type": "xnat:mrSessionData",
    }
    for _ in range(2):
        assert requests.put(url, params=own, auth=wilma, timeout=60).status_code == 200


@pytest.mark.parametrize("number", ["/999999", ""])
def test_a_record_that_is_not_there_is_not_found(raw: Raw, number: str) -> None:
    asked = WHICH | {"wrk:workflowData/pipeline_name": "absent"}
    assert raw("GET", f"/data/workflows{number}", params=asked).status_code == 404
