"""Where XNAT's code does other than its documentation lets one expect, localxnat does so, too."""

import io
import zipfile

import pytest

from localxnat.testing import Server, forget_counts
from localxnat.tests.support import Raw

S1_A = "/data/experiments/LOCAL_E00001"
QC = "xnat:qcAssessmentData"


@pytest.fixture(scope="module")
def as_reader(server: Server, raw: Raw) -> Raw:
    """A collaborator of DEMO: one who may read it, and not edit."""
    raw("POST", "/xapi/users", json={"username": "reader", "password": "secret"})
    raw("PUT", "/data/projects/DEMO/users/Collaborators/reader")
    reader = Raw(server)
    reader.session.auth = ("reader", "secret")
    return reader


def test_one_resource_of_several_scans_is_listed_by_addresses_that_bear_them_all(
    raw: Raw,
) -> None:
    for scans, all_of_them in (("ALL", "2,4,6-MR1,6-MR2,99"), ("2,4", "2,4")):
        rows = raw.rows(f"{S1_A}/scans/{scans}/resources/DICOM/files")
        assert {row["URI"].split("/resources/")[0] for row in rows} == {
            f"{S1_A}/scans/{all_of_them}"
        }
        assert all(raw("GET", row["URI"]).status_code == 200 for row in rows)
    packed = raw("GET", f"{S1_A}/scans/2,4/resources/DICOM/files?format=zip").content
    with zipfile.ZipFile(io.BytesIO(packed)) as found:
        folders = {name.split("/resources/")[0] for name in found.namelist()}
    assert folders == {"S1_a/scans/2,4"}
    rows = raw.rows(f"{S1_A}/scans/4/resources/DICOM/files")
    assert {row["URI"].split("/resources/")[0] for row in rows} == {f"{S1_A}/scans/4"}


def test_without_a_project_an_assessor_is_found_by_its_id_only(raw: Raw) -> None:
    named = "/data/projects/DEMO/subjects/S1/experiments/S1_a/assessors/by_id"
    identifier = raw("PUT", f"{named}?xsiType={QC}").text
    assert raw("GET", named).status_code == 200
    assert raw("GET", f"{S1_A}/assessors/{identifier}").status_code == 200
    assert raw("GET", f"{S1_A}/assessors/by_id").status_code == 404
    assert raw("DELETE", f"{S1_A}/assessors/by_id").status_code == 404


def test_an_assessor_below_a_session_by_its_id_needs_its_project(raw: Raw) -> None:
    path = f"{S1_A}/assessors/needs?xsiType={QC}"
    refused = raw("PUT", path)
    assert refused.status_code == 422
    assert "project attribute" in refused.text
    made, again = (raw("PUT", f"{path}&project=DEMO") for _ in range(2))
    assert (made.status_code, again.status_code) == (201, 200)
    assert made.text == again.text
    assert raw("PUT", f"{S1_A}/assessors/{made.text}?xsiType={QC}&note=x").status_code == 200


def test_a_file_from_one_who_may_not_edit_is_answered_with_200_and_not_kept(
    raw: Raw, as_reader: Raw, session: str
) -> None:
    raw("PUT", f"{session}/resources/R")
    path = f"{session}/resources/R/files/a.txt"
    answer = as_reader("PUT", path, data=b"x" * 3_000_000)
    assert (answer.status_code, answer.content) == (200, b"")
    assert raw.rows(f"{session}/resources/R/files") == []
    assert as_reader("PUT", f"{session}/resources/NEW").status_code == 403
    assert as_reader("PUT", f"{session}?note=mine").status_code == 403
    raw("PUT", path, data=b"kept")
    assert as_reader("DELETE", path).status_code == 403
    assert raw("GET", path).content == b"kept"


def test_a_catalog_that_was_never_refreshed_has_no_counts(raw: Raw, server: Server) -> None:
    home = "/data/projects/COUNTS"
    raw("PUT", home)
    path = f"{home}/subjects/S/experiments/C"
    raw("PUT", f"{path}?xsiType=xnat:mrSessionData")
    raw("PUT", f"{path}/scans/1?xsiType=xnat:mrScanData")
    raw("PUT", f"{path}/scans/1/resources/DICOM/files/a.dcm", data=b"12345")
    base = "xnat:imagescandata/file"

    def counts() -> tuple[str, ...]:
        columns = f"{base}/label,{base}/file_count,{base}/file_size"
        query = {"project": "COUNTS", "xsiType": "xnat:imageSessionData", "columns": columns}
        (row,) = raw.rows("/data/experiments", **query)
        (listed,) = raw.rows(f"{path}/scans/1/resources")
        assert (listed["file_count"], listed["file_size"]) == (
            row[f"{base}/file_count"], row[f"{base}/file_size"])  # fmt: skip
        return row[f"{base}/label"], listed["file_count"], listed["file_size"]

    assert counts() == ("DICOM", "1", "5")
    forget_counts(server.root, "COUNTS")
    assert counts() == ("DICOM", "", "")
    assert raw("GET", f"{path}?format=json").status_code == 200
    assert len(raw.rows(f"{path}/scans/1/files")) == 1
    refresh = "/data/services/refresh/catalog?options=populateStats&resource=/archive"
    raw("POST", f"{refresh}{path.removeprefix('/data')}")
    assert counts() == ("DICOM", "1", "5")
