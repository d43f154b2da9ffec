"""localxnat's statuses and bodies, where they matter and xnatpy does not show them."""

import hashlib
import io
import tarfile
import time
import zipfile
from pathlib import Path

import pytest
import requests

from localxnat.testing import Server, running
from localxnat.tests.support import Raw

BULK = ",".join(
    [
        "ID,URI,label,subject_label,project,xsiType,date,insert_date,last_modified",
        "xnat:imagesessiondata/subject_id,xnat:imagesessiondata/note",
        "xnat:imagescandata/id,xnat:imagescandata/type,xnat:imagescandata/quality",
        "xnat:imagescandata/frames,xnat:imagescandata/series_description",
        "xnat:imagescandata/file/label,xnat:imagescandata/file/file_count",
        "xnat:imagescandata/file/file_size,xnat:imagescandata/file/content",
    ]
)
S1_A = "/data/experiments/LOCAL_E00001"


def digest(data: bytes) -> str:
    return hashlib.md5(data).hexdigest()


# Listings ------------------------------------------------------------------------------------


def test_one_request_lists_sessions_scans_and_resources(raw: Raw) -> None:
    rows = raw.rows("/data/experiments", project="DEMO", label="S1_a", columns=BULK)
    assert [row["xnat:imagescandata/id"] for row in rows] == ["2", "4", "6-MR1", "6-MR2", "99"]
    row = rows[1]
    assert row["xnat:imagescandata/type"] == "mprage: sag"
    assert row["xnat:imagescandata/file/label"] == "DICOM"
    assert row["xnat:imagescandata/file/file_count"] == "2"
    assert int(row["xnat:imagescandata/file/file_size"]) > 0
    assert row["xnat:imagescandata/file/content"] == "RAW"
    assert row["date"] == "2024-05-01"
    assert all(isinstance(value, str) for value in row.values())
    assert rows[4]["xnat:imagescandata/file/label"] == "secondary"


def test_a_session_without_scans_is_a_row_of_its_own(raw: Raw, session: str) -> None:
    identifier = session.rsplit("/", 1)[1]
    rows = raw.rows("/data/experiments", project="DEMO", ID=identifier, columns=BULK)
    assert [row["xnat:imagescandata/id"] for row in rows] == [""]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"label": "S1_a"}, True),
        ({"label": "S1*"}, True),
        ({"label": "nothing,S1_a"}, True),
        ({"label": "nothing,no*"}, False),
        ({"date": "05/01/2024-05/02/2024"}, True),
        ({"date": "05/02/2024-05/03/2024"}, False),
        ({"xsiType": "xnat:imageSessionData"}, True),
        ({"xsiType": "xnat:petSessionData"}, False),
        ({"xnat:mrSessionData/scanner/manufacturer": "ACME"}, True),
        ({"last_modified": "01/01/2020-01/02/2020"}, False),
    ],
)
def test_a_listing_is_filtered(raw: Raw, filters: dict[str, str], found: bool) -> None:
    rows = raw.rows("/data/projects/DEMO/experiments", columns="ID,label", **filters)
    assert ("S1_a" in {row["label"] for row in rows}) is found


def test_an_iso_date_filter_is_refused(raw: Raw) -> None:
    assert raw("GET", "/data/experiments?date=2024-05-01-2024-05-02").status_code == 400


def test_a_page_has_no_total(raw: Raw, session: str) -> None:
    first = raw("GET", "/data/experiments?columns=ID&limit=1").json()["ResultSet"]
    second = raw("GET", "/data/experiments?columns=ID&limit=1&offset=1").json()["ResultSet"]
    assert "totalRecords" not in first
    assert first["Result"] != second["Result"]


def test_subject_columns_carry_demographics_and_custom_variables(raw: Raw) -> None:
    path = "/data/projects/DEMO/subjects/Columns"
    answer = raw("PUT", f"{path}?gender=male&yob=1980&group=control&handedness=right")
    assert (answer.status_code, answer.text[:7]) == (201, "LOCAL_S")
    assert raw("PUT", f"{path}?xnat:subjectData/fields/field[name=site]/field=A").status_code == 200
    rows = raw.rows(
        "/data/projects/DEMO/subjects",
        label="Columns",
        columns="ID,label,gender,handedness,yob,dob,age,education,race,ethnicity,group,"
        "insert_date,last_modified,xnat:subjectData/fields/field[name=site]/field",
    )
    assert len(rows) == 1
    assert (rows[0]["gender"], rows[0]["yob"], rows[0]["group"]) == ("male", "1980", "control")
    assert rows[0]["dob"] == ""
    assert rows[0]["xnat:subjectdata/fields/field[name=site]/field"] == "A"


def test_a_field_is_deleted_by_null(raw: Raw) -> None:
    path = "/data/projects/DEMO/subjects/Nulled"
    raw("PUT", f"{path}?gender=male")
    raw("PUT", f"{path}?gender=NULL")
    rows = raw.rows("/data/projects/DEMO/subjects", label="Nulled", columns="label,gender")
    assert rows[0]["gender"] == ""


def test_sessions_shared_in_need_a_query_of_their_own(raw: Raw, session: str) -> None:
    raw("PUT", "/data/projects/SHARED")
    raw("PUT", f"{session}/projects/SHARED?label=there")
    assert raw.rows("/data/experiments", project="SHARED", columns="ID") == []
    rows = raw.rows(
        "/data/experiments",
        **{
            "xnat:imagesessiondata/sharing/share/project": "SHARED",
            "columns": "ID,project,xnat:imagesessiondata/sharing/share/label",
        },
    )
    assert [row["project"] for row in rows] == ["DEMO"]
    assert rows[0]["xnat:imagesessiondata/sharing/share/label"] == "there"


def test_files_of_all_scans_are_listed_with_digests(raw: Raw, server: Server) -> None:
    rows = raw.rows(f"{S1_A}/scans/ALL/files")
    assert len(rows) == 10
    for row in rows:
        data = raw("GET", row["URI"]).content
        assert (digest(data), str(len(data))) == (row["digest"], row["Size"])


def test_the_files_of_one_resource_of_all_scans_are_listed(raw: Raw) -> None:
    rows = raw.rows(f"{S1_A}/scans/ALL/resources/secondary/files")
    assert [row["collection"] for row in rows] == ["secondary"]
    assert len(raw.rows(f"{S1_A}/scans/ALL/resources/DICOM,secondary/files")) == 10


def test_resources_are_listed_in_the_form_of_xnat(raw: Raw) -> None:
    (row,) = raw.rows(f"{S1_A}/scans/4/resources")
    assert set(row) == {
        "xnat_abstractresource_id",
        "label",
        "element_name",
        "category",
        "cat_id",
        "cat_desc",
        "file_count",
        "file_size",
        "tags",
        "content",
        "format",
    }
    assert (row["cat_id"], row["cat_desc"]) == ("4", "mprage: sag")


def test_one_resource_is_a_catalog_even_as_json(raw: Raw) -> None:
    text = raw("GET", f"{S1_A}/scans/4/resources/DICOM?format=json").text
    assert text.startswith('<?xml version="1.0" encoding="UTF-8"?>\n<cat:DCMCatalog')


@pytest.mark.parametrize("form", ["csv", "xml"])
def test_listings_come_as_csv_and_xml(raw: Raw, form: str) -> None:
    text = raw("GET", f"/data/projects?columns=ID&format={form}").text
    assert "DEMO" in text
    assert text.startswith("ID" if form == "csv" else "<?xml")


def test_an_item_comes_as_xml(raw: Raw) -> None:
    text = raw("GET", f"{S1_A}?format=xml").text
    assert "MRSession" in text
    assert 'label="S1_a"' in text


# Downloads -----------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["zip", "tar", "tar.gz"])
def test_archives_are_streamed_without_a_length(raw: Raw, form: str) -> None:
    answer = raw("GET", f"{S1_A}/scans/4,6-MR1/files?format={form}")
    assert "Content-Length" not in answer.headers
    stream = io.BytesIO(answer.content)
    if form == "zip":
        names = zipfile.ZipFile(stream).namelist()
    else:
        with tarfile.open(fileobj=stream) as packed:
            names = packed.getnames()
    folders = {name.split("/files/")[0] for name in names}
    assert len(names) == 4
    assert folders == {
        "S1_a/scans/4-mprage__sag/resources/DICOM",
        "S1_a/scans/6-MR1-rest/resources/DICOM",
    }


def test_an_archive_holds_exactly_what_is_listed(raw: Raw) -> None:
    listed = sorted(row["digest"] for row in raw.rows(f"{S1_A}/scans/ALL/files"))
    answer = raw("GET", f"{S1_A}/scans/ALL/files?format=zip")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
        found = sorted(digest(packed.read(name)) for name in packed.namelist())
    assert found == listed


def test_a_file_has_a_length_and_a_date_and_is_sandboxed(raw: Raw, session: str) -> None:
    raw("PUT", f"{session}/resources/R/files/page.html", data=b"<script>1</script>")
    answer = raw("GET", f"{session}/resources/R/files/page.html")
    assert answer.headers["Content-Length"] == "18"
    assert answer.headers["Last-Modified"].endswith("GMT")
    assert "ETag" not in answer.headers
    assert "sandbox" in answer.headers["Content-Security-Policy"]


# Uploads -------------------------------------------------------------------------------------


def test_an_existing_file_stays_and_is_reported_as_a_duplicate(raw: Raw, session: str) -> None:
    path = f"{session}/resources/R/files/a.txt"
    assert raw("PUT", path, data=b"one").status_code == 200
    answer = raw("PUT", path, data=b"two")
    assert (answer.status_code, answer.json()) == (200, {"duplicates": ["a.txt"]})
    assert raw("GET", path).content == b"one"


def test_an_existing_file_is_replaced_with_overwrite(raw: Raw, session: str) -> None:
    path = f"{session}/resources/R/files/a.txt"
    raw("PUT", path, data=b"one")
    before = raw.rows(f"{session}/resources/R/files")[0]
    raw("PUT", f"{path}?overwrite=true", data=b"three")
    after = raw.rows(f"{session}/resources/R/files")[0]
    assert raw("GET", path).content == b"three"
    assert (before["digest"], after["digest"]) == (digest(b"one"), digest(b"three"))


def test_a_form_uploads_a_file(raw: Raw, session: str) -> None:
    path = f"{session}/resources/R/files/in/form.txt"
    assert raw("PUT", path, files={"file": ("x.txt", b"data")}).status_code == 200
    assert raw("GET", path).content == b"data"


def packed(form: str, members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    if form == "zip":
        with zipfile.ZipFile(stream, "w") as archive:
            for name, data in members.items():
                archive.writestr(name, data)
    else:
        with tarfile.open(fileobj=stream, mode="w:gz") as archive:
            for name, data in members.items():
                info = tarfile.TarInfo(name)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
    return stream.getvalue()


@pytest.mark.parametrize("form", ["zip", "tar.gz"])
@pytest.mark.parametrize("as_form", [False, True])
def test_an_archive_is_unpacked(raw: Raw, session: str, form: str, as_form: bool) -> None:
    data = packed(form, {"a/b.txt": b"b", "c.txt": b"c"})
    path = f"{session}/resources/R/files/up.{form}?extract=true"
    body = {"files": {"file": (f"up.{form}", data)}} if as_form else {"data": data}
    assert raw("PUT", path, **body).status_code == 200
    rows = raw.rows(f"{session}/resources/R/files")
    assert {row["URI"].split("/files/")[1] for row in rows} == {"a/b.txt", "c.txt"}


@pytest.mark.parametrize("form", ["zip", "tar.gz"])
@pytest.mark.parametrize("name", ["../evil.txt", "/evil.txt", "a/../../evil.txt", "a\\evil.txt"])
def test_a_member_that_leaves_the_resource_is_refused(
    raw: Raw, server: Server, session: str, form: str, name: str
) -> None:
    data = packed(form, {"good.txt": b"g", name: b"e"})
    answer = raw("PUT", f"{session}/resources/R/files/up.{form}?extract=true", data=data)
    assert answer.status_code == 400
    assert raw.rows(f"{session}/resources") == []
    assert not list(server.root.rglob("evil.txt"))


def test_a_link_in_an_archive_is_refused(raw: Raw, session: str) -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        info = tarfile.TarInfo("link")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(info)
    path = f"{session}/resources/R/files/up.tar?extract=true"
    assert raw("PUT", path, data=stream.getvalue()).status_code == 400


def test_an_upload_that_is_no_archive_is_refused(raw: Raw, session: str) -> None:
    path = f"{session}/resources/R/files/up.zip?extract=true"
    assert raw("PUT", path, data=b"no zip").status_code == 400


@pytest.mark.parametrize(
    "name", ["%2e%2e/evil.txt", "a/%2e%2e/%2e%2e/evil.txt", "a%5Cb", "a%00b", "%ff", "x" * 300]
)
def test_a_file_name_that_leaves_its_resource_is_refused(raw: Raw, session: str, name: str) -> None:
    request = requests.Request("PUT", f"{raw.url}{session}/resources/R/files/x", data=b"e")
    prepared = raw.session.prepare_request(request)
    prepared.url = f"{raw.url}{session}/resources/R/files/{name}"  # as is: requests tidies it
    assert raw.session.send(prepared).status_code == 400


@pytest.mark.parametrize("name", ["a b.txt", "ünï.txt", "a+b.txt", "per%25cent.txt", "q%3Fx.txt"])
def test_unusual_file_names_come_back_as_they_went(raw: Raw, session: str, name: str) -> None:
    path = f"{session}/resources/R/files/{name}"
    assert raw("PUT", path, data=name.encode()).status_code == 200
    assert raw("GET", path).content == name.encode()


def test_parallel_uploads_all_arrive(raw: Raw, session: str) -> None:
    from concurrent.futures import ThreadPoolExecutor

    raw("PUT", f"{session}/resources/R")

    def upload(number: int) -> int:
        return raw("PUT", f"{session}/resources/R/files/{number}", data=b"x" * number).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(upload, range(1, 33))) == {200}
    (row,) = raw.rows(f"{session}/resources")
    assert (row["file_count"], row["file_size"]) == ("32", str(sum(range(1, 33))))


# Statuses ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/data/projects/NONE", 404),
        ("GET", "/data/experiments/NONE", 404),
        ("GET", "/data/nonsense", 404),
        ("GET", "/favicon.ico", 404),
        ("PATCH", "/data/projects", 405),
        ("PUT", "/data/projects/bad%20name", 417),
        ("PUT", "/data/projects/DEMO/subjects/a%3Cb", 417),
        ("PUT", "/data/projects/DEMO/subjects/%2e%2e", 417),
        ("PUT", "/data/projects/NONE/subjects/S", 422),
        ("PUT", "/data/projects/NONE/subjects/S/experiments/E?xsiType=xnat:mrSessionData", 422),
        ("PUT", "/data/projects/DEMO/experiments/E?xsiType=xnat:mrSessionData", 422),
        ("PUT", "/data/projects/DEMO/subjects/S1/experiments/E", 417),
        ("PUT", "/data/projects/DEMO/subjects/S1/experiments/E?xsiType=xnat:nonsense", 500),
        ("PUT", f"{S1_A}/resources/%2e%2e", 417),
        ("PUT", f"{S1_A}/scans/a%2Fb", 417),
        ("PUT", f"{S1_A}/scans/ALL/resources/R", 400),
        ("PUT", f"{S1_A}/scans/2,4/resources/R/files/x", 400),
        ("PUT", f"{S1_A}/reconstructions/1/resources/R", 404),
        ("DELETE", "/data/projects/DEMO/subjects", 405),
    ],
)
def test_what_cannot_be_is_refused_with_the_status_of_xnat(
    raw: Raw, method: str, path: str, status: int
) -> None:
    request = raw.session.prepare_request(requests.Request(method, raw.url))
    request.url = raw.url + path
    assert raw.session.send(request).status_code == status


def test_creating_says_201_and_changing_200(raw: Raw) -> None:
    path = "/data/projects/DEMO/subjects/Twice"
    first, second = raw("PUT", path), raw("PUT", path)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.text == second.text


def test_a_label_in_use_is_a_conflict(raw: Raw) -> None:
    path = "/data/projects/DEMO/subjects/S1/experiments"
    raw("PUT", f"{path}/First?xsiType=xnat:mrSessionData")
    raw("PUT", f"{path}/Second?xsiType=xnat:mrSessionData")
    assert raw("PUT", f"{path}/Second?label=First").status_code == 409


def test_a_resource_that_exists_is_a_conflict(raw: Raw, session: str) -> None:
    assert raw("PUT", f"{session}/resources/R").status_code == 200
    assert raw("PUT", f"{session}/resources/R").status_code == 409


def test_scans_below_the_short_path_answer_the_session(raw: Raw) -> None:
    answer = raw("GET", "/data/projects/DEMO/experiments/S1_a/scans?format=json").json()
    assert answer["items"][0]["meta"]["xsi:type"] == "xnat:mrSessionData"


def test_several_scans_are_deleted_at_once(raw: Raw, session: str) -> None:
    for scan in ("1", "2", "3"):
        raw("PUT", f"{session}/scans/{scan}?xsiType=xnat:mrScanData&type=T1")
    assert raw("DELETE", f"{session}/scans/1,3?removeFiles=true").status_code == 200
    assert [row["ID"] for row in raw.rows(f"{session}/scans")] == ["2"]


def test_files_stay_on_disk_without_remove_files(raw: Raw, server: Server, session: str) -> None:
    raw("PUT", f"{session}/resources/R/files/a.txt", data=b"a")
    label = raw.rows("/data/experiments", ID=session.rsplit("/", 1)[1], columns="label")[0]["label"]
    place = server.root / "archive/DEMO/arc001" / label / "RESOURCES/R/a.txt"
    assert raw("DELETE", f"{session}/resources/R").status_code == 200
    assert place.read_bytes() == b"a"


def test_a_subject_is_deleted_with_its_sessions_and_files(raw: Raw, server: Server) -> None:
    subject = "/data/projects/DEMO/subjects/Doomed"
    raw("PUT", subject)
    raw("PUT", f"{subject}/experiments/Doomed_1?xsiType=xnat:mrSessionData")
    raw("PUT", f"{subject}/experiments/Doomed_1/resources/R/files/a", data=b"a")
    folder = server.root / "archive/DEMO/arc001/Doomed_1"
    assert folder.exists()
    assert raw("DELETE", f"{subject}?removeFiles=true").status_code == 200
    assert not folder.exists()
    assert raw.rows("/data/experiments", label="Doomed_1", columns="ID") == []


# What a change moves -------------------------------------------------------------------------


def test_a_replaced_scan_file_shows_in_the_listing(raw: Raw, session: str) -> None:
    def row() -> dict[str, str]:
        identifier = session.rsplit("/", 1)[1]
        columns = f"{BULK},xnat:imagescandata/file/xnat_abstractresource_id"
        (found,) = raw.rows("/data/experiments", ID=identifier, columns=columns)
        return found

    raw("PUT", f"{session}/scans/1?xsiType=xnat:mrScanData")
    raw("PUT", f"{session}/scans/1/resources/DICOM/files/1.dcm", data=b"one")
    before = row()
    time.sleep(0.01)
    raw("DELETE", f"{session}/scans/1/resources/DICOM?removeFiles=true")
    raw("PUT", f"{session}/scans/1/resources/DICOM/files/1.dcm", data=b"three")
    after = row()
    for column in ("last_modified", "xnat:imagescandata/file/file_size"):
        assert before[column] != after[column]
    identifier = "xnat:imagescandata/file/xnat_abstractresource_id"
    assert before[identifier] != after[identifier]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/scans/2?xsiType=xnat:mrScanData"),
        ("PUT", "/scans/1?quality=unusable"),
        ("PUT", "/scans/1/resources/NIFTI"),
        ("PUT", "/scans/1/resources/DICOM/files/2.dcm"),
        ("DELETE", "/scans/1/resources/DICOM/files/1.dcm"),
        ("DELETE", "/scans/1"),
        ("PUT", "/resources/EVENTS"),
        ("PUT", "?note=changed"),
    ],
)
def test_a_change_moves_last_modified_of_the_session(
    raw: Raw, session: str, method: str, path: str
) -> None:
    def modified() -> str:
        identifier = session.rsplit("/", 1)[1]
        return raw.rows("/data/experiments", ID=identifier, columns="last_modified")[0][
            "last_modified"
        ]

    raw("PUT", f"{session}/scans/1?xsiType=xnat:mrScanData")
    raw("PUT", f"{session}/scans/1/resources/DICOM/files/1.dcm", data=b"one")
    before = modified()
    time.sleep(0.01)
    assert raw(method, f"{session}{path}", data=b"new").status_code in (200, 201)
    assert modified() > before


# Logging in ----------------------------------------------------------------------------------


def test_data_needs_a_login_and_browsers_are_shown_where(server: Server) -> None:
    url = f"{server.url}/data/projects"
    assert requests.get(url).status_code == 401
    assert requests.get(url, auth=("admin", "wrong")).status_code == 401
    browser = requests.get(url, headers={"User-Agent": "Mozilla/5.0"}, allow_redirects=False)
    assert browser.status_code == 302


def test_a_login_by_form_is_used_by_cookie_and_ends(server: Server) -> None:
    form = {"username": "admin", "password": "admin"}
    identifier = requests.put(f"{server.url}/data/services/auth", data=form).text
    assert len(identifier) == 32
    cookies = {"JSESSIONID": identifier}
    url = f"{server.url}/data/JSESSION"
    assert requests.get(url, cookies=cookies).text == identifier
    assert requests.delete(url, cookies=cookies).status_code == 200
    assert requests.get(f"{server.url}/data/projects", cookies=cookies).status_code == 401


def test_a_login_is_opened_by_a_post_with_basic_auth(server: Server) -> None:
    url = f"{server.url}/data/JSESSION"
    identifier = requests.post(url, auth=("admin", "admin")).text
    assert requests.get(url, cookies={"JSESSIONID": identifier}).text == identifier
    assert requests.post(url, auth=("admin", "wrong")).status_code == 401


def test_the_version_is_told_alone(raw: Raw) -> None:
    assert raw("GET", "/xapi/siteConfig/buildInfo/version").text == "1.9.2"


def test_a_refused_login_says_why_in_a_heading(server: Server) -> None:
    form = {"username": "admin", "password": "wrong"}
    answer = requests.put(f"{server.url}/data/services/auth", data=form)
    assert (answer.status_code, "<h3>" in answer.text) == (401, True)


def test_an_idle_login_expires(tmp_path: Path) -> None:
    with running(tmp_path / "root", idle=1) as started:
        form = {"username": "admin", "password": "admin"}
        cookies = {"JSESSIONID": requests.put(f"{started.url}/data/services/auth", data=form).text}
        url = f"{started.url}/data/projects"
        assert requests.get(url, cookies=cookies).status_code == 200
        time.sleep(1.2)
        assert requests.get(url, cookies=cookies).status_code == 401


def test_the_password_can_be_chosen_and_is_not_stored(tmp_path: Path) -> None:
    secret = "correct-horse-battery"
    with running(tmp_path / "root", password=secret) as started:
        url = f"{started.url}/data/projects"
        assert requests.get(url, auth=("admin", secret)).status_code == 200
        assert requests.get(url, auth=("admin", "admin")).status_code == 401
    for file in (tmp_path / "root").iterdir():
        if file.is_file():
            assert secret.encode() not in file.read_bytes()


def test_the_access_log_has_a_line_for_each_request(raw: Raw, server: Server) -> None:
    raw("GET", "/data/projects/NONE?format=json")
    assert server.requests()[-1] == "GET /data/projects/NONE?format=json 404"


def test_numbers_are_filtered_by_ranges_and_what_is_no_field_is_ignored(raw: Raw) -> None:
    raw("PUT", "/data/projects/YEARS")
    for label, year in (("Y1", 1950), ("Y2", 1970), ("Y3", 1990)):
        raw("PUT", f"/data/projects/YEARS/subjects/{label}?yob={year}")
    found = raw.rows("/data/projects/YEARS/subjects", yob="1960-1980,1990", other="thing")
    assert [row["label"] for row in found] == ["Y2", "Y3"]


def test_scans_are_columns_of_their_sessions_too(raw: Raw) -> None:
    column = "xnat:mrsessiondata/scans/scan/id"
    rows = raw.rows("/data/experiments", project="DEMO", label="S1_a", columns=f"ID,{column}")
    assert [row[column] for row in rows] == ["2", "4", "6-MR1", "6-MR2", "99"]
    several = "xnat:petSessionData,xnat:mrSessionData"
    assert raw.rows("/data/experiments", project="DEMO", label="S1_a", xsiType=several)


def test_assessors_are_columns_of_their_sessions(raw: Raw) -> None:
    raw("PUT", "/data/projects/DEMO/subjects/S1/experiments/Assessed?xsiType=xnat:mrSessionData")
    path = "/data/projects/DEMO/subjects/S1/experiments/Assessed/assessors"
    made = {raw("PUT", f"{path}/q{n}?xsiType=xnat:qcAssessmentData").text for n in (1, 2)}
    column = "xnat:mrsessiondata/assessors/assessor/id"
    rows = raw.rows("/data/experiments", project="DEMO", label="Assessed", columns=f"ID,{column}")
    assert {row[column] for row in rows} == made


def test_the_fields_of_a_type_of_assessors_are_columns_of_their_sessions(raw: Raw) -> None:
    raw("PUT", "/data/projects/DEMO/subjects/S1/experiments/Rated?xsiType=xnat:mrSessionData")
    path = "/data/projects/DEMO/subjects/S1/experiments/Rated/assessors"
    raw("PUT", f"{path}/r1?xsiType=xnat:qcManualAssessorData&xnat:qcManualAssessorData/rater=me")
    raw("PUT", f"{path}/r2?xsiType=xnat:qcAssessmentData")
    column = "xnat:qcmanualassessordata/rater"
    query = {"project": "DEMO", "label": "Rated", "columns": f"ID,{column}"}
    rows = raw.rows("/data/experiments", xsiType="xnat:mrSessionData", **query)
    assert [row[column] for row in rows] == ["me"]
    # Without a type of sessions it is that of the column that is listed.
    assert raw.rows("/data/experiments", **query) == []
