"""Objects as XML documents that say themselves where they belong."""

from collections.abc import Iterator

import pytest

from localxnat.tests.support import Raw

UPLOAD = "/xapi/archive/upload/xml"
XML = {"Content-Type": "application/xml"}


@pytest.fixture
def study(raw: Raw) -> Iterator[str]:
    """A project with a session and an assessor of it."""
    path = "/data/projects/DOCUMENTS"
    session = f"{path}/subjects/S/experiments/E"
    raw("PUT", path)
    raw("PUT", f"{path}/subjects/S?group=before")
    raw("PUT", f"{session}?xsiType=xnat:mrSessionData&note=before")
    raw("PUT", f"{session}/assessors/QC?xsiType=xnat:qcManualAssessorData&note=before")
    yield path
    raw("DELETE", f"{path}?removeFiles=true")


@pytest.mark.parametrize(
    "part", ["subjects/S", "subjects/S/experiments/E", "subjects/S/experiments/E/assessors/QC"]
)
@pytest.mark.parametrize("way", ["body", "form"])
def test_what_the_server_wrote_of_an_object_changes_it_where_it_comes_back(
    raw: Raw, study: str, part: str, way: str
) -> None:
    written = raw("GET", f"{study}/{part}?format=xml").text
    assert "before" in written
    changed = written.replace("before", "after").encode()
    if way == "body":
        answer = raw("PUT", UPLOAD, data=changed, headers=XML)
    else:
        answer = raw("POST", UPLOAD, files={"item": ("item.xml", changed)})
    assert answer.status_code == 200, answer.text
    assert "after" in raw("GET", f"{study}/{part}?format=xml").text


@pytest.mark.parametrize(
    ("document", "status"),
    [
        ('<!DOCTYPE a><xnat:Subject xmlns:xnat="http://nrg.wustl.edu/xnat"/>', 422),
        ('<xnat:Subject xmlns:xnat="http://nrg.wustl.edu/xnat" label="S"/>', 400),
        ('<xnat:MRScan xmlns:xnat="http://nrg.wustl.edu/xnat" ID="1"/>', 400),
    ],
)
def test_a_document_that_does_not_say_where_it_belongs_is_refused(
    raw: Raw, document: str, status: int
) -> None:
    assert raw("PUT", UPLOAD, data=document, headers=XML).status_code == status


@pytest.mark.parametrize(
    "given", ["2020-01-01 01:02:03", "2020-01-01T01:02:03", "2020-01-01T01:02:03Z"]
)
def test_a_time_of_provenance_is_written_in_one_form(raw: Raw, study: str, given: str) -> None:
    document = (
        '<xnat:QCManualAssessment xmlns:xnat="http://nrg.wustl.edu/xnat"'
        ' xmlns:prov="http://www.nbirn.net/prov"><xnat:provenance><prov:processStep>'
        f"<prov:program>align</prov:program><prov:timestamp>{given}</prov:timestamp>"
        "</prov:processStep></xnat:provenance></xnat:QCManualAssessment>"
    )
    path = f"{study}/subjects/S/experiments/E/assessors/QC"
    assert raw("PUT", path, data=document, headers=XML).status_code == 200
    assert ">2020-01-01T01:02:03<" in raw("GET", f"{path}?format=xml").text
    wrong = document.replace(given, "yesterday")
    assert raw("PUT", path, data=wrong, headers=XML).status_code == 400
