"""What localxnat does with objects that are written: types, documents, shares, moves."""

import itertools
from pathlib import Path
from xml.etree import ElementTree

import pytest
import requests

from localxnat.testing import Server
from localxnat.tests.support import Raw

XNAT = "{http://nrg.wustl.edu/xnat}"
NAMESPACES = (
    'xmlns:xnat="http://nrg.wustl.edu/xnat" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
)
_numbers = itertools.count(1)


def document(element: str, content: str = "", **attributes: str) -> bytes:
    words = " ".join(f'{name}="{value}"' for name, value in attributes.items())
    return f"<xnat:{element} {NAMESPACES} {words}>{content}</xnat:{element}>".encode()


def write(raw: Raw, method: str, path: str, body: bytes, **query: str) -> requests.Response:
    headers = {"Content-Type": "text/xml"}
    return raw(method, path, params=query, data=body, headers=headers)


@pytest.fixture
def project(raw: Raw) -> str:
    """The path of a new project with the subject S."""
    path = f"/data/projects/OBJ{next(_numbers)}"
    assert raw("PUT", path).status_code == 201
    assert raw("PUT", f"{path}/subjects/S").status_code == 201
    return path


@pytest.fixture
def other(raw: Raw) -> str:
    """The path of a project of a user `guest_owner`, who has no right to any other."""
    path = f"/data/projects/OBJ{next(_numbers)}"
    raw("PUT", path)
    name = path.removeprefix("/data/projects/")
    user = {"username": "guest_owner", "password": "pw", "enabled": True, "verified": True}
    raw("POST", "/xapi/users", json=user)
    assert raw("PUT", f"{path}/users/{name}_owner/guest_owner").ok
    return path


@pytest.fixture
def guest(server: Server, raw: Raw) -> Raw:
    user = Raw(server)
    user.session.auth = ("guest_owner", "pw")
    return user


def new_session(raw: Raw, project: str, label: str, subject: str = "S") -> str:
    """The address of a new MR session."""
    path = f"{project}/subjects/{subject}/experiments/{label}"
    assert raw("PUT", f"{path}?xsiType=xnat:mrSessionData").status_code == 201
    return path


# Scans and reconstructions -------------------------------------------------------------------


def test_a_new_reconstruction_is_answered_with_200(raw: Raw, session: str) -> None:
    path = f"{session}/reconstructions/R1"
    assert raw("PUT", path, params={"type": "LOCALIZER"}).status_code == 200
    other_way = {"xsiType": "xnat:ReconstructedImage", "req_format": "qs"}
    assert raw("PUT", f"{session}/reconstructions/R2", params=other_way).status_code == 200
    assert [row["ID"] for row in raw.rows(f"{session}/reconstructions")] == ["R1", "R2"]


@pytest.mark.parametrize("as_document", [False, True])
def test_a_scan_keeps_its_type(raw: Raw, session: str, as_document: bool) -> None:
    scan = f"{session}/scans/1"
    raw("PUT", scan, params={"xsiType": "xnat:mrScanData", "note": "before"})
    if as_document:
        answer = write(raw, "PUT", scan, document("CTScan", "<xnat:note>after</xnat:note>"))
    else:
        answer = raw("PUT", scan, params={"xsiType": "xnat:ctScanData", "note": "after"})
    assert answer.status_code == 409
    assert "Specified xsiType differs from existing xsiType" in answer.text
    (row,) = raw.rows(f"{session}/scans", columns="ID,xsiType,note")
    assert (row["xsiType"], row["note"]) == ("xnat:mrScanData", "before")


def test_a_field_of_another_scan_type_is_taken_and_ignored(raw: Raw, session: str) -> None:
    scan = f"{session}/scans/1"
    raw("PUT", scan, params={"xsiType": "xnat:mrScanData"})
    assert raw("PUT", scan, params={"xnat:ctScanData/note": "x"}).status_code == 200
    (row,) = raw.rows(f"{session}/scans", columns="ID,xsiType,note")
    assert (row["xsiType"], row["note"]) == ("xnat:mrScanData", "")


def test_scans_take_the_type_of_those_that_have_their_description(raw: Raw, project: str) -> None:
    first, second = (new_session(raw, project, label) for label in ("E1", "E2"))
    for path, number, description, more in (
        (first, "1", "local_izer", {"type": "MAPPED"}),
        (first, "2", "bold", {"type": "BOLD300", "frames": "300"}),
        (first, "3", "bold", {"type": "BOLD1", "frames": "1"}),
        (second, "1", "Localizer", {}),
        (second, "2", "bold", {"frames": "1"}),
        (second, "3", "unheard of", {}),
        (second, "4", "bold", {"type": "own"}),
    ):
        query = {"xsiType": "xnat:mrScanData", "series_description": description, **more}
        assert raw("PUT", f"{path}/scans/{number}", params=query).ok
    assert raw("PUT", second, params={"fixScanTypes": "true"}).status_code == 200
    types = [row["type"] for row in raw.rows(f"{second}/scans", columns="ID,type")]
    assert types == ["MAPPED", "BOLD1", "unheard of", "own"]


# Documents -----------------------------------------------------------------------------------


def test_a_session_is_not_posted_below_a_subject_that_is_not_there(raw: Raw, project: str) -> None:
    body = document("MRSession", label="E1")
    path = f"{project}/subjects/NOBODY/experiments"
    assert write(raw, "POST", path, body).status_code == 404
    assert len(raw.rows(f"{project}/subjects")) == 1
    assert write(raw, "POST", f"{project}/subjects/S/experiments", body).status_code == 201


@pytest.mark.parametrize(
    ("field", "value", "status"),
    [
        ("delay", "12.5", 400),
        ("delay", "12", 201),
        ("marker", "x" * 256, 400),
        ("marker", "x" * 255, 201),
        ("note", "x" * 2500, 201),
        ("note", "x" * 2501, 400),
    ],
)
def test_a_session_has_the_values_that_the_schema_allows(
    raw: Raw, project: str, field: str, value: str, status: int
) -> None:
    body = document("MRSession", f"<xnat:{field}>{value}</xnat:{field}>", ID="", project="")
    path = f"{project}/subjects/S/experiments/E1"
    assert write(raw, "PUT", path, body).status_code == status
    assert len(raw.rows(f"{project}/experiments")) == (status == 201)
    new_session(raw, project, "E2")
    query = {f"xnat:mrSessionData/{field}": value}
    answer = raw("PUT", f"{project}/subjects/S/experiments/E2", params=query)
    assert answer.status_code == (200 if status == 201 else 400)


def test_a_custom_variable_of_a_session_has_any_length_and_of_a_subject_255(
    raw: Raw, project: str
) -> None:
    long = "x" * 1000
    session = new_session(raw, project, "E1")
    query = {"xnat:mrSessionData/fields/field[name=a]/field": long}
    assert raw("PUT", session, params=query).status_code == 200
    query = {"xnat:subjectData/fields/field[name=a]/field": long}
    assert raw("PUT", f"{project}/subjects/S", params=query).status_code == 400


def demographics(**values: str) -> str:
    inner = "".join(f"<xnat:{name}>{value}</xnat:{name}>" for name, value in values.items())
    return f'<xnat:demographics xsi:type="xnat:demographicData">{inner}</xnat:demographics>'


def test_what_a_document_leaves_out_goes_only_when_it_may(raw: Raw, project: str) -> None:
    path = f"{project}/subjects/S2"
    full = demographics(gender="male", education="12")
    assert write(raw, "PUT", path, document("Subject", full, ID="", project="")).status_code == 201
    identifier = raw("GET", path).json()["items"][0]["data_fields"]["ID"]
    raw("PUT", f"/xapi/custom-fields/subjects/{identifier}/fields", json={"form": "kept"})
    less = document("Subject", demographics(gender="male"), ID="", project="", label="S2")

    def education() -> str:
        return raw.rows(f"{project}/subjects", label="S2", columns="education")[0]["education"]

    assert write(raw, "PUT", path, less).status_code == 200
    assert education() == "12"
    assert write(raw, "PUT", path, less, allowDataDeletion="true").status_code == 200
    assert education() == ""
    kept = raw("GET", f"/xapi/custom-fields/subjects/{identifier}/fields").json()
    assert kept == {"form": "kept"}


def test_what_a_document_of_a_project_leaves_out_are_not_its_settings(
    raw: Raw, project: str
) -> None:
    assert raw("PUT", f"{project}/prearchive_code/0").ok
    body = document("Project", "<xnat:name>New name</xnat:name>")
    assert write(raw, "PUT", project, body, allowDataDeletion="true").status_code == 200
    assert raw("GET", f"{project}/prearchive_code").text == "0"


def protocols(raw: Raw, project: str) -> list[tuple[str | None, str | None]]:
    root = ElementTree.fromstring(raw("GET", f"{project}?format=xml").content)
    found = root.findall(f"{XNAT}studyProtocol")
    return [(one.get("ID"), one.get("name")) for one in found]


def test_a_project_has_one_study_protocol_of_an_id(raw: Raw, project: str) -> None:
    name = project.removeprefix("/data/projects/")
    before = protocols(raw, project)
    assert (f"{name}_xnat_mrSessionData", "MR Sessions") in before
    same = raw("GET", f"{project}?format=xml").content
    assert write(raw, "PUT", project, same).status_code == 200
    assert protocols(raw, project) == before
    entry = '<xnat:studyProtocol name="MRs" data-type="xnat:mrSessionData" {}'
    entry += ' xsi:type="xnat:datatypeProtocol"/>'
    for more in ("", f'ID="{name}_xnat_mrSessionData"'):
        assert (
            write(raw, "PUT", project, document("Project", entry.format(more))).status_code == 200
        )
        identifiers = [identifier for identifier, _ in protocols(raw, project)]
        assert len(identifiers) == len(set(identifiers)) == len(before)
    assert (f"{name}_xnat_mrSessionData", "MRs") in protocols(raw, project)


@pytest.mark.parametrize("line_break", ["\r\n", "&#13;&#10;", "\n"])
def test_a_line_break_in_a_document_becomes_one_character(
    raw: Raw, project: str, line_break: str
) -> None:
    body = document("MRSession", f"<xnat:note>one{line_break}two</xnat:note>")
    path = f"{project}/subjects/S/experiments/E1"
    assert write(raw, "PUT", path, body).status_code == 201
    assert raw("GET", path).json()["items"][0]["data_fields"]["note"] == "one\ntwo"


# Shares --------------------------------------------------------------------------------------


def test_to_delete_a_subject_where_it_is_shared_ends_the_share(
    raw: Raw, guest: Raw, project: str, other: str
) -> None:
    session = new_session(raw, project, "E1")
    there = other.removeprefix("/data/projects/")
    raw("PUT", f"{project}/subjects/S/projects/{there}", params={"label": "GUEST"})
    raw("PUT", f"{session}/projects/{there}", params={"label": "GUEST_E1"})
    assert guest("GET", f"{other}/subjects/GUEST/experiments/GUEST_E1").status_code == 200
    assert guest("DELETE", f"{other}/subjects/GUEST").status_code == 200
    assert guest("GET", f"{other}/subjects/GUEST").status_code == 404
    assert guest("GET", f"{other}/subjects/GUEST/experiments/GUEST_E1").status_code == 404
    assert raw.rows(f"{other}/experiments") == []
    assert raw("GET", session).status_code == 200


def test_a_session_below_a_shared_subject_is_in_the_project_of_its_address(
    raw: Raw, guest: Raw, project: str, other: str
) -> None:
    there = other.removeprefix("/data/projects/")
    raw("PUT", f"{project}/subjects/S/projects/{there}", params={"label": "GUEST"})
    made = new_session(guest, other, "MR2", "GUEST")
    assert guest("GET", made).status_code == 200
    for path in (f"{project}/subjects/S/experiments", f"{project}/experiments"):
        assert raw.rows(path) == []
    assert raw("GET", f"{project}/subjects/S/experiments/MR2").status_code == 404
    assert "MR2" not in raw("GET", f"{project}/subjects/S").text
    assert len(raw.rows(f"{other}/subjects/GUEST/experiments")) == 1


def test_an_assessor_below_a_shared_session_can_be_shared_back(
    raw: Raw, guest: Raw, project: str, other: str
) -> None:
    here, there = (one.removeprefix("/data/projects/") for one in (project, other))
    session = new_session(raw, project, "E1")
    raw("PUT", f"{project}/subjects/S/projects/{there}", params={"label": "GUEST"})
    raw("PUT", f"{session}/projects/{there}", params={"label": "GUEST_E1"})
    query = {"xsiType": "xnat:qcManualAssessorData", "xnat:qcManualAssessorData/pass": "0"}
    made = f"{other}/subjects/GUEST/experiments/GUEST_E1/assessors/QC1"
    assert guest("PUT", made, params=query).status_code == 201
    assert guest("PUT", f"{made}/out/resources/R/files/a.txt", data=b"theirs").status_code == 200
    own = f"{session}/assessors/QC1"
    back = f"{made}/projects/{here}"
    assert raw("PUT", back, params={"label": "QC_BACK"}).status_code == 200
    assert [row["ID"] for row in raw.rows(f"{made}/projects")] == [there, here]
    assert raw("DELETE", back).status_code == 200
    assert [row["ID"] for row in raw.rows(f"{made}/projects")] == [there]
    assert guest("GET", made).status_code == 200
    assert own not in raw("GET", session).text


def test_a_guest_below_another_subject_of_its_host_has_assessors(
    raw: Raw, guest: Raw, project: str, other: str
) -> None:
    there = other.removeprefix("/data/projects/")
    session = new_session(raw, project, "E1")
    raw("PUT", f"{session}/projects/{there}", params={"label": "GUEST_E1"})
    assert guest("PUT", f"{other}/subjects/OWN").status_code == 201
    made = f"{other}/subjects/OWN/experiments/GUEST_E1/assessors/QC1"
    query = {"xsiType": "xnat:qcManualAssessorData"}
    assert guest("PUT", made, params=query).status_code == 201
    assert guest("GET", made).status_code == 200
    raw("PUT", f"{project}/subjects/OTHER")
    assert raw("GET", f"{project}/subjects/OTHER/experiments/E1").status_code == 404


def test_what_is_shared_is_seen_and_not_deleted_at_home(
    raw: Raw, guest: Raw, project: str, other: str
) -> None:
    there = other.removeprefix("/data/projects/")
    session = new_session(raw, project, "E1")
    for path in (f"{project}/subjects/S", session):
        raw("PUT", f"{path}/projects/{there}", params={"label": f"G{next(_numbers)}"})
        assert guest("DELETE", path).status_code == 404
    raw("PUT", f"{project}/accessibility/protected")
    try:
        for path in (f"{project}/subjects/S", session):
            assert guest("GET", path).status_code == 200
            assert guest("DELETE", path).status_code == 403
            assert guest("PUT", path, params={"label": "mine"}).status_code == 403
        assert guest("GET", f"{project}/subjects").status_code in (403, 404)
        raw("PUT", f"{project}/subjects/UNSHARED")
        assert guest("GET", f"{project}/subjects/UNSHARED").status_code == 404
    finally:
        raw("PUT", f"{project}/accessibility/private")


# Moves ---------------------------------------------------------------------------------------


def test_a_session_moves_to_another_project_with_all_that_it_has(
    raw: Raw, server: Server, project: str, other: str
) -> None:
    there = other.removeprefix("/data/projects/")
    session = new_session(raw, project, "E1")
    raw("PUT", f"{session}/scans/1?xsiType=xnat:mrScanData")
    raw("PUT", f"{session}/scans/1/resources/DICOM/files/a.dcm", data=b"image")
    raw("PUT", f"{session}/assessors/A1?xsiType=xnat:qcManualAssessorData")
    raw("PUT", f"{project}/subjects/S/projects/{there}")
    raw("PUT", f"{session}/projects/{there}", params={"label": "guest"})
    query = {"primary": "true", "label": "moved"}
    assert raw("PUT", f"{session}/projects/{there}", params=query).status_code == 200
    assert raw("GET", session).status_code == 404
    moved = f"{other}/subjects/S/experiments/moved"
    item = raw("GET", moved).json()["items"][0]
    assert item["data_fields"]["project"] == there
    assert raw("GET", f"{moved}/scans/1/resources/DICOM/files/a.dcm").content == b"image"
    assert [row["ID"] for row in raw.rows(f"{moved}/projects")] == [there]
    (row,) = raw.rows(f"{moved}/assessors", columns="label,project")
    assert (row["label"], row["project"]) == ("A1", there)
    assert (server.root / "archive" / there / "arc001/moved/SCANS/1/DICOM/a.dcm").is_file()
    assert not list(Path(server.root / "archive").glob(f"{project.rpartition('/')[2]}/arc001/*"))


def test_a_subject_moves_alone(raw: Raw, project: str, other: str) -> None:
    there = other.removeprefix("/data/projects/")
    session = new_session(raw, project, "E1")
    raw("PUT", f"{project}/subjects/S/resources/R/files/a.txt", data=b"text")
    path = f"{project}/subjects/S/projects/{there}?primary=true"
    assert raw("PUT", path).status_code == 200
    assert raw("GET", f"{other}/subjects/S/resources/R/files/a.txt").content == b"text"
    assert raw("GET", f"{project}/subjects/S").status_code == 404
    assert len(raw.rows(f"{project}/experiments")) == 1
    assert session.endswith("E1")


def test_nothing_moves_to_a_label_that_is_taken_or_without_the_right_to_delete(
    raw: Raw, guest: Raw, project: str, other: str
) -> None:
    here, there = (one.removeprefix("/data/projects/") for one in (project, other))
    session = new_session(raw, project, "E1")
    raw("PUT", f"{other}/subjects/S")
    new_session(raw, other, "E1")
    path = f"{session}/projects/{there}?primary=true"
    assert raw("PUT", path).status_code == 409
    raw("PUT", f"{project}/users/{here}_member/guest_owner")
    assert guest("PUT", f"{path}&label=free").status_code == 403
    assert raw("GET", session).status_code == 200
