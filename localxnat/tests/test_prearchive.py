"""Uploads to localxnat's import service, the prearchive, and catalog refresh."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pydicom
import pytest
import requests
import xnat
from pydicom.uid import MRImageStorage

from localxnat.testing import Server, running
from localxnat.tests.support import Raw, write_dicom, write_study


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("localxnat") / "root") as started:
        Raw(started)("PUT", "/data/projects/P")
        Raw(started)("PUT", "/data/projects/Q")
        yield started


@pytest.fixture(scope="module")
def raw(server: Server) -> Raw:
    return Raw(server)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = write_study(tmp_path_factory.mktemp("dicom"))
    return packed(sorted(folder.iterdir()))


def packed(paths: list[Path]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for path in paths:
            archive.write(path, path.name)
    return stream.getvalue()


@pytest.fixture
def connection(server: Server) -> Iterator[Any]:
    with xnat.connect(server.url, user="admin", password="admin", loglevel="ERROR") as connected:
        yield connected


def test_xnatpy_imports_a_zip_into_the_archive(
    connection: Any, study: bytes, tmp_path: Path
) -> None:
    (tmp_path / "study.zip").write_bytes(study)
    session = connection.services.import_(
        str(tmp_path / "study.zip"),
        destination="/archive",
        project="P",
        subject="S1",
        experiment="E1",
        content_type="application/zip",
    )
    assert type(session).__name__ == "MrSessionData"
    assert session.label == "E1"
    assert [scan.id for scan in session.scans.values()] == ["2", "4", "6-MR1", "6-MR2", "99"]


def test_xnatpy_imports_into_the_prearchive_and_archives_from_there(
    connection: Any, study: bytes, tmp_path: Path
) -> None:
    (tmp_path / "study.zip").write_bytes(study)
    waiting = connection.services.import_(
        str(tmp_path / "study.zip"),
        project="P",
        subject="S2",
        experiment="E2",
        destination="/prearchive",
    )
    assert (waiting.status, waiting.project, waiting.label) == ("READY", "P", "E2")
    assert str(waiting.scan_date) == "2024-05-01"
    assert waiting.uploaded is not None
    (found,) = connection.prearchive.find(project="P", session="E2")
    scans = {scan.id: scan for scan in found.scans.values()}
    assert scans["4"].series_description == "mprage: sag"
    assert scans["4"].read_dicom().SeriesNumber == 4
    assert scans["99"].resources["secondary"].file_count == 1
    session = found.archive(subject="S2", experiment="E2b")
    assert (session.label, len(session.scans)) == ("E2b", 5)
    assert connection.prearchive.find(project="P", session="E2") == []


def test_names_come_from_the_headers_when_nothing_else_gives_them(
    connection: Any, study: bytes
) -> None:
    waiting = connection.services.import_(data=study)
    assert waiting.project == "Unassigned"
    assert (waiting.subject, waiting.label) == ("Doe_Jane", "P1")
    waiting.move("Q")
    (moved,) = connection.prearchive.find(project="Q")
    moved.delete()
    assert connection.prearchive.find(project="Q") == []


def post(raw: Raw, data: bytes, **query: str) -> Any:
    query = {"dest": "/archive", "project": "P", "subject": "S", **query}
    return raw("POST", "/data/services/import", params=query, data=data)


def test_a_session_that_exists_is_not_overwritten_by_default(raw: Raw, study: bytes) -> None:
    assert post(raw, study, session="Twice").status_code == 200
    assert post(raw, study, session="Twice").status_code == 409
    for word in ("append", "true"):
        assert post(raw, study, session="Twice", overwrite=word).status_code == 409
    more = {"overwrite": "append", "overwrite_files": "true"}
    assert post(raw, study, session="Twice", **more).status_code == 200
    assert post(raw, study, session="Twice", overwrite="delete").status_code == 200
    rows = raw.rows("/data/experiments", label="Twice", columns="ID")
    assert len(rows) == 1
    assert len(raw.rows(f"/data/experiments/{rows[0]['ID']}/scans/ALL/files")) == 10


def test_a_zip_with_several_sessions_waits_in_the_prearchive(raw: Raw, tmp_path: Path) -> None:
    for number in (1, 2):
        path = tmp_path / f"{number}.dcm"
        write_dicom(path, 1, "one", f"50.{number}", MRImageStorage, "MR", 1)
        data = pydicom.dcmread(path)
        data.StudyInstanceUID = f"1.2.{number}"
        data.save_as(path)
    before = len(raw.rows("/data/prearchive/projects/P"))
    answer = post(raw, packed(sorted(tmp_path.glob("*.dcm"))), session="Several")
    assert answer.status_code == 400
    assert raw.rows("/data/experiments", label="Several", columns="ID") == []
    assert len(raw.rows("/data/prearchive/projects/P")) == before + 2


def test_one_file_is_imported_as_it_is(raw: Raw, tmp_path: Path) -> None:
    path = write_dicom(tmp_path / "1.dcm", 7, "single", "70", MRImageStorage, "MR", 1)
    answer = post(raw, path.read_bytes(), session="Single", **{"import-handler": "gradual-DICOM"})
    assert answer.status_code == 200
    assert answer.text.endswith("\r\n")


def test_a_form_is_imported(raw: Raw, study: bytes) -> None:
    query = {"dest": "/archive/projects/P/subjects/SF/experiments/Form"}
    files = {"image_archive": ("study.zip", study)}
    answer = raw("POST", "/data/services/import", params=query, files=files)
    assert answer.status_code == 200
    (row,) = raw.rows("/data/experiments", label="Form", columns="subject_label")
    assert row["subject_label"] == "SF"


@pytest.mark.parametrize(
    ("query", "data", "status"),
    [
        ({"session": "E"}, b"neither zip nor DICOM", 400),
        ({"session": "E", "project": "NONE"}, b"", 404),
        ({"session": "../E"}, b"", 417),
        ({"session": "E", "dest": "/elsewhere"}, b"", 400),
        ({"session": "E"}, b"", 500),
    ],
)
def test_an_import_that_cannot_be_is_refused_and_leaves_nothing(
    raw: Raw, server: Server, query: dict[str, str], data: bytes, status: int
) -> None:
    assert post(raw, data, **query).status_code == status
    assert not list((server.root / ".incoming").iterdir())


@pytest.mark.parametrize(
    "tail",
    [
        "scans/..%2f..%2f..%2f../resources/x/files/y",
        "scans/2/resources/..%2f..%2f..%2f..%2f..%2f../files/localxnat.sqlite3",
        "scans/2/resources/%2e%2e/files",
        "scans/2/resources/DICOM/files/..%2f..%2f..%2f..%2f..%2f..%2f..%2flocalxnat.sqlite3",
    ],
)
def test_nothing_outside_a_waiting_session_is_read(raw: Raw, study: bytes, tail: str) -> None:
    query = {"dest": "/prearchive", "project": "P", "subject": "S", "session": "Waits"}
    url = raw("POST", "/data/services/import", params=query, data=study).text.strip()
    request = raw.session.prepare_request(requests.Request("GET", raw.url))
    request.url = f"{raw.url}{url}/{tail}"
    assert raw.session.send(request).status_code == 404


def test_a_refresh_finds_files_that_came_and_went_on_disk(
    connection: Any, server: Server, raw: Raw
) -> None:
    raw("PUT", "/data/projects/P/resources/R/files/goes.txt", data=b"goes")
    raw("PUT", "/data/projects/P/resources/R/files/changes.txt", data=b"old")
    folder = server.root / "archive/P/resources/R"
    (folder / "goes.txt").unlink()
    (folder / "changes.txt").write_text("newer")
    (folder / "comes.txt").write_text("comes")
    resource = connection.projects["P"].resources["R"]
    connection.services.refresh_catalog(
        resource, checksum=True, delete=True, append=True, populate_stats=True
    )
    rows = {row["Name"]: row for row in raw.rows("/data/projects/P/resources/R/files")}
    assert {name: row["Size"] for name, row in rows.items()} == {
        "changes.txt": "5",
        "comes.txt": "5",
    }
    assert resource.files["comes.txt"].verify_digest()


def test_a_refresh_of_a_session_reaches_its_scans(server: Server, raw: Raw) -> None:
    path = "/data/projects/P/subjects/S/experiments/refreshed"
    session = raw("PUT", f"{path}?xsiType=xnat:mrSessionData").text
    scan = f"/data/experiments/{session}/scans/3"
    raw("PUT", f"{scan}?xsiType=xnat:mrScanData")
    raw("PUT", f"{scan}/resources/R/files/here.txt", data=b"here")
    place = next((server.root / "archive").rglob("here.txt")).parent
    (place / "beside.txt").write_text("it came on the disk")
    query = {"resource": f"/archive/experiments/{session}", "options": "append"}
    assert raw("POST", "/data/services/refresh/catalog", params=query).ok
    names = {row["Name"] for row in raw.rows(f"{scan}/resources/R/files")}
    assert names == {"here.txt", "beside.txt"}


def test_an_administrator_gets_the_rows_of_other_projects_with_those_of_the_one_asked_for(
    server: Server, raw: Raw, study: bytes
) -> None:
    raw("POST", "/xapi/users", json={"username": "reader", "password": "secret"})
    raw("PUT", "/data/projects/P/users/Collaborators/reader")
    importer = "/data/services/import?dest=/prearchive"
    raw("POST", f"{importer}/projects/Q", data=study)
    raw("POST", importer, data=study)
    found = {row["project"] for row in raw.rows("/data/prearchive/projects/P")}
    assert {"Q", "Unassigned"} <= found
    reader = Raw(server)
    reader.session.auth = ("reader", "secret")
    assert {row["project"] for row in reader.rows("/data/prearchive/projects/P")} <= {"P"}
    assert reader("GET", "/data/prearchive/projects/Q").status_code == 403
