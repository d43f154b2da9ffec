"""localxnat's documents, configurations, settings and custom fields, by curl."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import requests

from localxnat.testing import Server
from localxnat.tests.support import Raw

XNAT = "{http://nrg.wustl.edu/xnat}"
Curl = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def curl(server: Server) -> Curl:
    """Run curl with Basic auth: the status and the body."""

    def run(method: str, path: str, *options: str, body: str | None = None) -> tuple[int, str]:
        sent = ["--data-binary", "@-"] if body is not None else []
        command = ["curl", "-sSg", "-u", f"{server.user}:{server.password}", "-X", method]
        command += [*options, *sent, "-w", "\n%{http_code}", server.url + path]
        done = subprocess.run(command, input=body, capture_output=True, text=True, check=True)
        text, _, status = done.stdout.rpartition("\n")
        return int(status), text

    return run


@pytest.fixture(scope="module")
def project(curl: Curl) -> str:
    for path in ("DOCS", "DOCS/subjects/S", "DOCS/subjects/S/experiments/S_mr?xsiType="):
        kind = "xnat:mrSessionData" if path.endswith("=") else ""
        curl("PUT", f"/data/projects/{path}{kind}")
    return "/data/projects/DOCS"


def one(curl: Curl, path: str) -> dict[str, Any]:
    return json.loads(curl("GET", f"{path}?format=json")[1])["items"][0]


# Documents -----------------------------------------------------------------------------------

QUALITY = """<xnat:QCAssessment xmlns:xnat="http://nrg.wustl.edu/xnat"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" label="S_mr_qc" type="AUTO">
 <xnat:date>2024-05-01</xnat:date>
 <xnat:scans><xnat:scan id="4">
  <xnat:scanStatistics xsi:type="xnat:statisticsData"><xnat:mean>1.5</xnat:mean>
   <xnat:additionalStatistics name="fd_mean">0.25</xnat:additionalStatistics>
   <xnat:additionalStatistics name="tsnr">61</xnat:additionalStatistics>
   <xnat:addField name="verdict">good</xnat:addField>
  </xnat:scanStatistics></xnat:scan></xnat:scans></xnat:QCAssessment>"""


@pytest.mark.parametrize("way", ["xml", "inbody", "form"])
def test_an_assessor_with_nested_numbers_is_made_from_a_document(
    curl: Curl, project: str, tmp_path: Path, way: str
) -> None:
    document = QUALITY.replace("S_mr_qc", f"qc_{way}")
    path = f"{project}/subjects/S/experiments/S_mr/assessors/qc_{way}"
    if way == "form":
        (tmp_path / "qc.xml").write_text(document)
        status, identifier = curl("PUT", path, "-F", f"file=@{tmp_path}/qc.xml")
    elif way == "inbody":
        status, identifier = curl("PUT", f"{path}?inbody=true", "-H", "Expect:", body=document)
    else:
        status, identifier = curl("PUT", path, "-H", "Content-Type: text/xml", body=document)
    assert status == 201
    item = one(curl, path)
    assert item["data_fields"]["ID"] == identifier
    assert item["data_fields"]["date"] == "2024-05-01"
    (scans,) = [child for child in item["children"] if child["field"] == "scans/scan"]
    (scan,) = scans["items"]
    assert (scan["meta"]["xsi:type"], scan["data_fields"]["id"]) == (
        "xnat:qcAssessmentData_scan",
        "4",
    )
    (statistics,) = scan["children"][0]["items"]
    assert statistics["data_fields"] == {"mean": 1.5}
    numbers = {
        entry["data_fields"]["name"]: entry["data_fields"].get("additionalStatistics")
        for child in statistics["children"]
        for entry in child["items"]
    }
    assert numbers == {"fd_mean": 0.25, "tsnr": 61.0, "verdict": None}


def test_a_session_document_makes_its_scans_too(curl: Curl, project: str) -> None:
    document = """<xnat:MRSession xmlns:xnat="http://nrg.wustl.edu/xnat"
     xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" label="DOC_mr" project="DOCS">
     <xnat:scans><xnat:scan ID="7" type="T2" xsi:type="xnat:mrScanData">
      <xnat:parameters><xnat:tr>2000</xnat:tr><xnat:addParam name="a">b</xnat:addParam>
      </xnat:parameters></xnat:scan></xnat:scans></xnat:MRSession>"""
    path = f"{project}/subjects/BORN/experiments/DOC_mr"
    assert curl("PUT", path, "-H", "Content-Type: text/xml", body=document)[0] == 201
    scan = one(curl, f"{path}/scans/7")
    assert (scan["data_fields"]["type"], scan["data_fields"]["parameters/tr"]) == ("T2", 2000.0)
    assert curl("GET", f"{project}/subjects/BORN")[0] == 200


def test_a_document_that_was_read_can_be_written_back(curl: Curl, project: str) -> None:
    field = "xnat:subjectData/fields/field[name=group]/field"
    path = f"{project}/subjects/ROUND"
    curl("PUT", f"{path}?gender=female&{field}=control&handedness=left")
    _, document = curl("GET", f"{path}?format=xml")
    assert ElementTree.fromstring(document).tag == f"{XNAT}Subject"
    changed = document.replace("control", "patient")
    assert curl("PUT", path, "-H", "Content-Type: text/xml", body=changed)[0] == 200
    children = {child["field"]: child["items"][0] for child in one(curl, path)["children"]}
    assert children["fields/field"]["data_fields"] == {"name": "group", "field": "patient"}
    assert children["demographics"]["data_fields"] == {"gender": "female", "handedness": "left"}
    assert children["demographics"]["meta"]["xsi:type"] == "xnat:demographicData"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("no xml", 422),
        ("<other/>", 422),
        ('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', 422),
        ('<xnat:Subject xmlns:xnat="http://nrg.wustl.edu/xnat"/>', 417),
    ],
)
def test_a_document_that_is_no_session_is_refused(
    curl: Curl, project: str, body: str, status: int
) -> None:
    path = f"{project}/subjects/S/experiments/BAD"
    assert curl("PUT", path, "-H", "Content-Type: text/xml", body=body)[0] == status


@pytest.mark.parametrize("query", ["yob=soon", "gender=no", "dob=someday"])
def test_values_that_the_schema_forbids_are_refused(curl: Curl, project: str, query: str) -> None:
    assert curl("PUT", f"{project}/subjects/S?{query}")[0] == 400


def test_a_date_may_be_american(curl: Curl, project: str) -> None:
    curl("PUT", f"{project}/subjects/S?dob=12/31/1980")
    text = curl("GET", f"{project}/subjects?columns=dob")[1]
    assert "1980-12-31" in {row["dob"] for row in rows(text)}


# Configurations ------------------------------------------------------------------------------


def rows(text: str) -> list[dict[str, str]]:
    return json.loads(text)["ResultSet"]["Result"]


@pytest.mark.parametrize("scope", ["", "/projects/DOCS"])
def test_a_configuration_has_versions(curl: Curl, project: str, scope: str) -> None:
    path = f"/data{scope}/config/tool/some/path"
    plain = ("-H", "Content-Type: text/plain")
    assert curl("GET", path)[0] == 404
    assert curl("GET", f"{path}?accept-not-found=true")[0] == 204
    assert curl("PUT", path, *plain, body="one")[0] == 201
    assert curl("PUT", path, *plain, body="two")[0] == 200
    assert curl("PUT", path, *plain, body="two")[0] == 200
    assert curl("GET", f"{path}?contents=true") == (200, "two")
    assert curl("GET", f"{path}?contents=true&version=1") == (200, "one")
    (row,) = rows(curl("GET", path)[1])
    assert (row["version"], row["status"], row["contents"]) == ("2", "enabled", "two")
    assert (row["tool"], row["path"], row["user"]) == ("tool", "some/path", "admin")
    history = rows(curl("GET", f"{path}?action=getHistory")[1])
    assert [row["version"] for row in history] == ["2", "1"]
    assert {"tool": "tool"} in rows(curl("GET", f"/data{scope}/config")[1])
    assert curl("DELETE", path)[0] == 200
    assert curl("GET", f"{path}?contents=true")[0] == 404
    assert rows(curl("GET", path)[1])[0]["status"] == "disabled"


def test_a_configuration_may_have_one_version_only(curl: Curl, project: str) -> None:
    path = f"{project}/config/single/path"
    body = json.dumps({"contents": "a", "status": "enabled"})
    kind = ("-H", "Content-Type: application/json")
    assert curl("PUT", f"{path}?unversioned=true", *kind, body=body)[0] == 201
    assert curl("PUT", path, *kind, body=body.replace("a", "b", 1))[0] in (200, 400)
    assert curl("PUT", path, body="b")[0] == 200
    assert len(rows(curl("GET", f"{path}?action=getHistory")[1])) == 1
    assert curl("PUT", path)[0] == 400
    assert curl("PUT", f"{path}?status=sometimes")[0] == 400


def test_a_project_falls_back_to_the_site(curl: Curl, project: str) -> None:
    curl("PUT", "/data/config/fallback/path", body="of the site")
    path = f"{project}/config/fallback/path"
    assert curl("GET", path)[0] == 404
    asked = f"{path}?defaultToSiteWide=true&contents=true"
    assert curl("GET", asked) == (200, "of the site")


# The site, custom fields ---------------------------------------------------------------------


def test_settings_of_the_site_are_read_and_changed(curl: Curl, raw: Raw) -> None:
    assert json.loads(curl("GET", "/xapi/siteConfig")[1])["requireLogin"] is True
    kind = ("-H", "Content-Type: application/json")
    assert curl("POST", "/xapi/siteConfig", *kind, body='{"siteDescriptionText": "x"}')[0] == 200
    assert curl("GET", "/xapi/siteConfig/siteDescriptionText") == (200, "x")
    assert curl("GET", "/xapi/siteConfig/nonsense")[0] == 404
    assert curl("GET", "/xapi/siteConfig/buildInfo/version") == (200, "1.9.2")


def test_the_version_is_told_without_a_login(server: Server) -> None:
    path = f"{server.url}/xapi/siteConfig/buildInfo"
    assert requests.get(path, timeout=60).json()["version"] == "1.9.2"
    assert requests.get(f"{path}/version", timeout=60).text == "1.9.2"
    assert requests.get(f"{server.url}/xapi/siteConfig/siteId", timeout=60).status_code == 401


@pytest.mark.parametrize("place", ["", "/subjects/S", "/experiments/S_mr"])
def test_custom_fields_are_kept_with_their_types(curl: Curl, project: str, place: str) -> None:
    path = f"/xapi/custom-fields/projects/DOCS{place}/fields"
    kind = ("-H", "Content-Type: application/json")
    assert curl("GET", path) == (200, "{}")
    given = {"score": 3, "site": "north", "tags": ["a", "b"]}
    assert json.loads(curl("PUT", path, *kind, body=json.dumps(given))[1]) == given
    assert curl("GET", f"{path}/site") == (200, "north")
    assert curl("GET", f"{path}/score") == (200, "3")
    assert json.loads(curl("GET", f"{path}?fieldNames=score")[1]) == {"score": 3}
    assert "site" not in json.loads(curl("DELETE", f"{path}/site")[1])
    assert curl("DELETE", f"{path}/site")[0] == 404


# Resources and shares ------------------------------------------------------------------------


def test_several_resources_are_deleted_at_once(curl: Curl, project: str) -> None:
    path = f"{project}/subjects/S/resources"
    for label in ("A", "B", "C"):
        curl("PUT", f"{path}/{label}")
    assert curl("DELETE", f"{path}/A,B")[0] == 200
    assert curl("DELETE", f"{path}/C,D")[0] == 207
    assert curl("DELETE", f"{path}/C,D")[0] == 404
    assert rows(curl("GET", path)[1]) == []


def test_unsharing_from_its_own_project_deletes_a_session(curl: Curl, project: str) -> None:
    curl("PUT", "/data/projects/DOCS2")
    path = f"{project}/subjects/S/experiments"
    _, identifier = curl("PUT", f"{path}/LENT?xsiType=xnat:mrSessionData")
    shares = f"/data/experiments/{identifier}/projects"
    assert curl("PUT", f"{shares}/DOCS2")[0] == 200
    assert curl("PUT", f"{shares}/DOCS2")[0] == 409
    assert curl("PUT", f"{shares}/ABSENT")[0] == 404
    assert curl("DELETE", f"{shares}/DOCS2")[0] == 200
    assert curl("DELETE", f"{shares}/DOCS2")[0] == 200
    assert curl("DELETE", f"{shares}/DOCS")[0] == 200
    assert curl("GET", f"/data/experiments/{identifier}")[0] == 404


def test_a_file_with_any_name_is_found_by_its_quoted_path(curl: Curl, project: str) -> None:
    path = f"{project}/resources/NAMES/files/a%20b%25/%C3%BC%23%3F%2B.txt"
    assert curl("PUT", path, body="named")[0] == 200
    assert curl("GET", path) == (200, "named")
    (row,) = rows(curl("GET", f"{project}/resources/NAMES/files")[1])
    assert row["Name"] == "ü#?+.txt"


# Users ---------------------------------------------------------------------------------------


def test_an_administrator_manages_users(curl: Curl, project: str, server: Server) -> None:
    kind = ("-H", "Content-Type: application/json")
    user = json.dumps({"username": "uma", "password": "pw", "email": "uma@example.org"})
    assert curl("POST", "/xapi/users", *kind, body=user)[0] == 201
    assert curl("PUT", "/xapi/users/uma", *kind, body='{"firstName": "Uma"}')[0] == 200
    profile = json.loads(curl("GET", "/xapi/users/uma")[1])
    assert (profile["firstName"], profile["email"]) == ("Uma", "uma@example.org")
    assert curl("PUT", "/xapi/users/uma/groups/DOCS_member") == (200, '["DOCS_member"]')
    assert curl("PUT", "/xapi/users/uma/roles/Administrator") == (200, '["Administrator"]')
    assert curl("DELETE", "/xapi/users/uma/roles/Administrator") == (200, "[]")
    login = ["curl", "-sS", "-u", "uma:pw", "-w", "%{http_code}", "-o", "/dev/null"]
    asked = [*login, f"{server.url}/data/projects"]
    assert subprocess.run(asked, capture_output=True, text=True).stdout == "200"
    assert json.loads(curl("GET", "/xapi/users/active")[1])["uma"]["count"] == 1
    assert curl("PUT", "/xapi/users/uma/enabled/false") == (200, "false")
    assert subprocess.run(asked, capture_output=True, text=True).stdout == "401"
    assert "uma" not in json.loads(curl("GET", "/xapi/users/active")[1])
