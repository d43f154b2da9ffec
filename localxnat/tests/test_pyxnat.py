"""localxnat through pyxnat: what only pyxnat does."""

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
import pyxnat
import requests

from localxnat.testing import Server
from localxnat.tests.support import Raw


@pytest.fixture(scope="module")
def interface(server: Server) -> Any:
    return pyxnat.Interface(server=server.url, user=server.user, password=server.password)


@pytest.fixture(scope="module")
def project(interface: Any, raw: Raw) -> Any:
    """A project with a subject of its own, a session and a scan."""
    raw("PUT", "/data/projects/PYX?name=By%20selection&description=of%20pyxnat&alias=SELECTED")
    raw("PUT", "/data/projects/PYX/subjects/S?gender=female&yob=1980")
    session = "/data/projects/PYX/subjects/S/experiments/S_mr"
    raw("PUT", f"{session}?xsiType=xnat:mrSessionData&xnat:mrSessionData/date=2024-03-01")
    raw("PUT", f"{session}/scans/1?xsiType=xnat:mrScanData&type=T1")
    return interface.select.project("PYX")


def test_it_knows_the_version_and_closes_its_session(server: Server, raw: Raw) -> None:
    with pyxnat.Interface(server=server.url, user="admin", password="admin") as opened:
        about: Any = opened.version()
        assert about["version"] == "1.9.2"


def test_a_project_has_its_settings(project: Any) -> None:
    assert (project.prearchive_code(), project.quarantine_code()) == (4, 0)
    assert project.current_arc() == b"arc001"
    project.set_prearchive_code("0")
    assert project.prearchive_code() == 0
    project.set_accessibility("protected")
    assert project.accessibility() == b"protected"
    project.set_accessibility("private")
    assert project.description() == "of pyxnat"
    assert project.aliases() == ["SELECTED"]


def test_users_have_roles(interface: Any, project: Any, raw: Raw) -> None:
    raw("POST", "/xapi/users", json={"username": "pia", "password": "secret"})
    assert project.user_role("admin") == "owner"
    project.add_user("pia", "collaborator")
    assert project.collaborators() == ["pia"]
    project.remove_user("pia")
    assert "pia" not in project.users()
    assert interface.manage.users.firstname("admin") == "Admin"


def test_a_project_is_found_by_its_alias(interface: Any, project: Any) -> None:
    assert interface.select.project("SELECTED").subject("S").exists()


def test_an_experiment_makes_the_objects_above_it(project: Any, raw: Raw) -> None:
    session = project.subject("NEW").experiment("NEW_mr")
    values = {
        "experiments": "xnat:mrSessionData",
        "ID": "PYX_E1",
        "xnat:mrSessionData/age": "42",
        "xnat:subjectData/investigator/lastname": "doe",
    }
    session.create(**values)
    assert session.attrs.get("xnat:mrSessionData/age") == "42.0"
    assert raw("GET", "/data/experiments/PYX_E1").status_code == 200
    subject = project.subject("NEW")
    assert subject.attrs.get("xnat:subjectData/investigator/lastname") == "doe"
    subject.delete()
    assert not subject.exists()


def test_parameters_of_a_scan_are_set_and_read(project: Any) -> None:
    scan = project.subject("S").experiment("S_mr").scan("1")
    scan.set_param("foo", "first")
    scan.set_param("bar", "second")
    assert scan.params() == ["foo", "bar"]
    assert scan.get_params() == ["first", "second"]


@pytest.mark.parametrize("kind", ["reconstruction", "assessor"])
def test_provenance_is_kept_in_documents(project: Any, kind: str) -> None:
    item = getattr(project.subject("S").experiment("S_mr"), kind)(f"prov_{kind}")
    item.create()
    item.provenance.set({"program": "first", "program_version": "1"})
    item.provenance.set({"program": "second"})
    assert [step["program"] for step in item.provenance.get()][:1] == ["first"]
    assert item.xpath("//prov:program/text()") == ["first", "second"]


def test_custom_variables_of_a_project_are_defined(project: Any) -> None:
    project.add_custom_variables({"Subjects": {"clinic": {"score": "int", "site": "string"}}})
    assert project.get_custom_variables()["Subjects"]["clinic"] == {
        "score": "int",
        "site": "string",
    }


def test_a_zip_is_unpacked_and_comes_back(project: Any, tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as members:
        members.writestr("folder/a.txt", "hello")
    (tmp_path / "a.zip").write_bytes(packed.getvalue())
    resource = project.subject("S").resource("unpacked")
    resource.put_zip(str(tmp_path / "a.zip"), extract=True)
    file = resource.file("folder/a.txt")
    assert (file.exists(), file.size()) == (True, "5")
    assert file.last_modified().endswith("GMT")
    resource.get(str(tmp_path), extract=True)
    assert (tmp_path / "unpacked/folder/a.txt").read_text() == "hello"


SUBJECTS = ["xnat:subjectData/SUBJECT_ID", "xnat:subjectData/GENDER_TEXT"]
WHERE = [("xnat:subjectData/PROJECT", "=", "PYX"), "AND"]


def test_a_search_selects_rows(interface: Any, project: Any) -> None:
    rows = interface.select("xnat:subjectData", SUBJECTS).where(WHERE).data
    assert [row["gender_text"] for row in rows] == ["F"]


def test_a_search_is_saved_run_and_deleted(interface: Any, project: Any) -> None:
    saved = interface.manage.search
    saved.save("mine", "xnat:subjectData", SUBJECTS, WHERE)
    assert "mine" in saved.saved()
    assert [row["gender_text"] for row in saved.get("mine").data] == ["F"]
    assert b"root_element_name" in saved.get("mine", "xml")
    saved.delete("mine")
    assert "mine" not in saved.saved()


def test_types_and_their_fields_are_known(interface: Any) -> None:
    assert "xnat:subjectData" in interface.inspect.datatypes()
    assert "xnat:subjectData/DOB" in interface.inspect.datatypes("xnat:subjectData", "*")


def test_arrays_list_experiments_and_scans(interface: Any, project: Any) -> None:
    (row,) = interface.array.experiments(
        project_id="PYX", experiment_type="xnat:mrSessionData"
    ).data
    scans = interface.array.mrscans(experiment_id=row["ID"]).data
    assert [scan["xnat:mrscandata/id"] for scan in scans] == ["1"]


def test_a_guest_sees_what_is_public(server: Server, raw: Raw, project: Any) -> None:
    raw("PUT", "/data/projects/PYX/accessibility/public")
    raw("POST", "/xapi/siteConfig", json={"requireLogin": False})
    try:
        guest = pyxnat.Interface(server=server.url, anonymous=True)
        assert "PYX" in guest.select.projects().get()
        subjects: Any = guest.select("/projects/DEMO/subjects")
        assert subjects.get() == []
        for method, path in (("PUT", "projects/NEW"), ("GET", "services/tokens/issue")):
            answer = requests.request(method, f"{server.url}/data/{path}", timeout=60)
            assert answer.status_code == 401
    finally:
        raw("POST", "/xapi/siteConfig", json={"requireLogin": True})
        raw("PUT", "/data/projects/PYX/accessibility/private")
    assert requests.get(f"{server.url}/data/projects", timeout=60).status_code == 401
