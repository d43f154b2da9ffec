"""What localxnat's import service makes of uploads: names, types, merges, addresses, answers."""

import io
import itertools
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pydicom
import pytest
import requests
from pydicom.uid import (
    ComputedRadiographyImageStorage,
    CTImageStorage,
    EnhancedMRImageStorage,
    MRImageStorage,
    PositronEmissionTomographyImageStorage,
    RawDataStorage,
    RTStructureSetStorage,
    SecondaryCaptureImageStorage,
    XRayAngiographicImageStorage,
)

from localxnat.testing import Server, running
from localxnat.tests.support import Raw, write_dicom

IMPORT = "/data/services/import"
PET = PositronEmissionTomographyImageStorage
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with project P, whose sessions wait for orders, and AUTO, whose do not."""
    with running(tmp_path_factory.mktemp("localxnat") / "root", quiet=1) as started:
        raw = Raw(started)
        raw("PUT", "/data/projects/P")
        raw("PUT", "/data/projects/P/prearchive_code/0")
        raw("PUT", "/data/projects/Q")
        raw("PUT", "/data/projects/AUTO")
        yield started


@pytest.fixture(scope="module")
def raw(server: Server) -> Raw:
    return Raw(server)


@pytest.fixture
def label() -> str:
    return f"E{next(_numbers)}"


def image(
    folder: Path,
    instance: int,
    number: int = 1,
    uid: str = "1",
    sop: str = MRImageStorage,
    modality: str = "MR",
    **header: str,
) -> bytes:
    """A DICOM file; `header` has more of its fields."""
    path = write_dicom(folder / "x.dcm", number, f"series {number}", uid, sop, modality, instance)
    data = pydicom.dcmread(path)
    for name, value in header.items():
        setattr(data, name, value)
    data.save_as(path)
    return path.read_bytes()


def pack(**members: bytes) -> bytes:
    """A zip; `__` in a name is `/`, `_` is `.`."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in members.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), data)
    return stream.getvalue()


def send(raw: Raw, data: bytes, label: str, **query: str) -> requests.Response:
    place = {"project": "P", "subject": f"S{label}", "session": label, "dest": "/archive"}
    return raw("POST", IMPORT, params={**place, **query}, data=data)


def in_parts(raw: Raw, data: bytes, label: str, **query: str) -> requests.Response:
    return send(raw, data, label, **{"dest": "/prearchive", "import-handler": "DICOM-zip", **query})


def where(answer: requests.Response) -> str:
    assert answer.status_code == 200, answer.text
    return answer.text.strip()


def names(raw: Raw, uri: str, scan: str = "1") -> list[str]:
    rows = raw.rows(f"{uri}/scans/{scan}/resources/DICOM/files")
    return sorted(row["Name"] for row in rows)


def scans(raw: Raw, uri: str) -> list[str]:
    return [row["ID"] for row in raw.rows(f"{uri}/scans", columns="ID")]


# Names ---------------------------------------------------------------------------------------


def test_an_upload_keeps_the_names_of_its_files(raw: Raw, label: str, tmp_path: Path) -> None:
    one, two = image(tmp_path, 1), image(tmp_path, 2)
    data = pack(deep__first_dcm=one, deep__second_dcm=two)
    assert names(raw, where(send(raw, data, label))) == ["first.dcm", "second.dcm"]


def test_only_a_zip_in_parts_is_renamed_and_only_if_asked(
    raw: Raw, label: str, tmp_path: Path
) -> None:
    data = pack(first_dcm=image(tmp_path, 1))
    assert names(raw, where(in_parts(raw, data, label))) == ["first.dcm"]
    (name,) = names(raw, where(in_parts(raw, data, f"{label}b", rename="true")))
    assert name.startswith("1.2.3-1-1-")
    assert names(raw, where(send(raw, data, label, rename="true"))) == ["first.dcm"]


def test_two_images_of_one_name_are_both_kept(raw: Raw, label: str, tmp_path: Path) -> None:
    data = pack(a__x_dcm=image(tmp_path, 1), b__x_dcm=image(tmp_path, 2))
    assert names(raw, where(send(raw, data, label))) == ["x.dcm", "x.dcm_1"]
    first, second = names(raw, where(in_parts(raw, data, label)))
    assert (first[:9], second) == ("1.2.3-1-2", "x.dcm")


def test_the_same_image_under_another_name_replaces_it(
    raw: Raw, label: str, tmp_path: Path
) -> None:
    one, two = image(tmp_path, 1), image(tmp_path, 2)
    uri = where(send(raw, pack(a_dcm=one, b_dcm=two), label))
    assert send(raw, pack(c_dcm=one), label, overwrite="append").status_code == 409
    assert names(raw, uri) == ["a.dcm", "b.dcm"]
    changed = image(tmp_path, 1, StudyDescription="changed")
    assert where(send(raw, pack(c_dcm=changed), label, overwrite="delete")) == uri
    assert names(raw, uri) == ["b.dcm", "c.dcm"]
    assert raw("GET", f"{uri}/scans/1/resources/DICOM/files/c.dcm").content == changed


def test_another_image_never_takes_the_place_of_one(raw: Raw, label: str, tmp_path: Path) -> None:
    uri = where(send(raw, pack(x_dcm=image(tmp_path, 1)), label))
    other = pack(x_dcm=image(tmp_path, 2))
    for word in ("append", "delete"):
        assert send(raw, other, label, overwrite=word).status_code == 409
    assert names(raw, uri) == ["x.dcm"]


# Merging -------------------------------------------------------------------------------------


def test_a_part_that_is_there_already_keeps_all_of_an_upload_out(
    raw: Raw, label: str, tmp_path: Path
) -> None:
    one, two, three = (image(tmp_path, number) for number in (1, 2, 3))
    uri = where(send(raw, pack(a_dcm=one, b_dcm=two), label))
    overlapping = pack(b_dcm=two, c_dcm=three)
    assert send(raw, overlapping, label).status_code == 409
    for word in ("append", "true"):
        assert send(raw, overlapping, label, overwrite=word).status_code == 409
        assert names(raw, uri) == ["a.dcm", "b.dcm"]
    assert send(raw, pack(c_dcm=three), label, overwrite="true").status_code == 200
    again = send(raw, overlapping, label, overwrite="append", overwrite_files="true")
    assert again.status_code == 200
    assert names(raw, uri) == ["a.dcm", "b.dcm", "c.dcm"]


def test_a_second_series_of_a_number_that_comes_later_gets_a_suffix(
    raw: Raw, label: str, tmp_path: Path
) -> None:
    uri = where(send(raw, pack(a_dcm=image(tmp_path, 1)), label))
    for instance in (2, 3):
        data = pack(**{f"{instance}_dcm": image(tmp_path, instance, uid="12")})
        assert send(raw, data, label, overwrite="delete").status_code == 200
    assert send(raw, pack(d_dcm=image(tmp_path, 4)), label, overwrite="append").ok
    assert scans(raw, uri) == ["1", "1-MR1"]
    assert (len(names(raw, uri)), len(names(raw, uri, "1-MR1"))) == (2, 2)


def test_another_modality_is_merged_where_the_site_lets_it(
    raw: Raw, label: str, tmp_path: Path
) -> None:
    session = f"/data/projects/P/subjects/S{label}/experiments/{label}"
    raw("PUT", session, params={"xsiType": "xnat:petSessionData"})
    data = pack(a_dcm=image(tmp_path, 1))
    assert send(raw, data, label, overwrite="delete").status_code == 409
    raw("POST", "/xapi/siteConfig", json={"preventCrossModalityMerge": False})
    try:
        assert send(raw, data, label).status_code == 409
        assert send(raw, data, label, overwrite="delete").status_code == 200
    finally:
        raw("POST", "/xapi/siteConfig", json={"preventCrossModalityMerge": True})
    assert raw("GET", session).json()["items"][0]["meta"]["xsi:type"] == "xnat:petSessionData"
    (scan,) = raw.rows(f"{session}/scans", columns="ID,xsiType")
    assert scan["xsiType"] == "xnat:mrScanData"


# Types ---------------------------------------------------------------------------------------

Series = tuple[str, str, str]


@pytest.mark.parametrize(
    ("series", "session_type"),
    [
        ([("CT", SecondaryCaptureImageStorage, "sc")], "ct"),
        ([("SC", SecondaryCaptureImageStorage, "sc")], "otherDicom"),
        ([("RTSTRUCT", RTStructureSetStorage, "rtImage"), ("MR", EnhancedMRImageStorage, "mr")],
         "mr"),
        ([("XA", XRayAngiographicImageStorage, "xa")], "xa"),
        ([("CR", ComputedRadiographyImageStorage, "cr")], "cr"),
        ([("", MRImageStorage, "mr")], "mr"),
        ([("CT", CTImageStorage, "ct"), ("PT", PET, "pet")], "pet"),
        ([("PT", PET, "pet"), ("MR", MRImageStorage, "mr")], "pet"),
    ],
)  # fmt: skip
def test_class_and_modality_decide_the_types(
    raw: Raw, label: str, tmp_path: Path, series: list[Series], session_type: str
) -> None:
    members = {
        f"{number}_dcm": image(tmp_path, 1, number, f"{number}", sop, modality)
        for number, (modality, sop, _) in enumerate(series, 1)
    }
    uri = where(send(raw, pack(**members), label))
    found = raw("GET", uri).json()["items"][0]["meta"]["xsi:type"]
    assert found == f"xnat:{session_type}SessionData"
    types = [row["xsiType"] for row in raw.rows(f"{uri}/scans", columns="ID,xsiType")]
    assert types == [f"xnat:{kind}ScanData" for _, _, kind in series]


def test_raw_data_beside_images_does_not_hide_their_type(
    raw: Raw, label: str, tmp_path: Path
) -> None:
    data = pack(a_dcm=image(tmp_path, 1, sop=RawDataStorage), b_dcm=image(tmp_path, 2))
    uri = where(send(raw, data, label))
    (row,) = raw.rows(f"{uri}/scans", columns="xsiType")
    assert row["xsiType"] == "xnat:mrScanData"


def test_pet_and_mr_are_one_type_where_the_project_says_so(
    raw: Raw, label: str, tmp_path: Path
) -> None:
    raw("PUT", "/data/projects/Q/config/separatePETMR/config?inbody=true", data=b"petmr")
    data = pack(a_dcm=image(tmp_path, 1, 1, "1", PET, "PT"), b_dcm=image(tmp_path, 1, 2, "2"))
    uri = where(send(raw, data, label, project="Q"))
    assert raw("GET", uri).json()["items"][0]["meta"]["xsi:type"] == "xnat:petmrSessionData"


# The prearchive ------------------------------------------------------------------------------


def test_a_destination_in_the_prearchive_is_the_address(
    raw: Raw, label: str, tmp_path: Path
) -> None:
    address = f"/prearchive/projects/P/20000101_050505/{label}"
    query = {"dest": address, "session": "", "subject": "S"}
    first, second = (pack(a_dcm=image(tmp_path, 1, n, f"{n}")) for n in (1, 2))
    assert where(send(raw, first, label, **query)) == f"/data{address}"
    assert send(raw, second, label, **query).status_code == 409
    query["overwrite"] = "append"
    assert where(send(raw, second, label, **query)) == f"/data{address}"
    assert scans(raw, f"/data{address}") == ["1", "2"]
    third = pack(a_dcm=image(tmp_path, 1, 3, "3", StudyInstanceUID="1.2.9"))
    refused = send(raw, third, label, **query, **{"import-handler": "DICOM-zip"})
    assert refused.status_code == 400
    assert where(send(raw, third, label, **query)) == f"/data{address}"
    assert scans(raw, f"/data{address}") == ["1", "2", "3"]
    assert raw("DELETE", f"/data{address}").status_code == 200


def test_a_named_session_keeps_its_label_at_another_address(
    raw: Raw, label: str, tmp_path: Path
) -> None:
    address = "/prearchive/projects/P/20000101_060606/11223344"
    url = where(send(raw, pack(a_dcm=image(tmp_path, 1)), label, dest=address))
    (row,) = raw.rows(url)
    assert (row["name"], row["folderName"], row["url"]) == (label, "11223344", address)
    uri = where(raw("POST", "/data/services/archive", params={"src": url}))
    assert uri.endswith(f"/experiments/{label}")


@pytest.mark.parametrize("handler", ["DICOM-zip", "gradual-DICOM"])
def test_a_part_that_is_no_dicom_is_named_and_refused(raw: Raw, label: str, handler: str) -> None:
    data = pack(notes_txt=b"no DICOM") if handler == "DICOM-zip" else b"no DICOM"
    query = {"dest": "/prearchive", "import-handler": handler}
    answer = send(raw, data, label, **query)
    assert answer.status_code == 400
    assert "unable to read DICOM object" in answer.text
    assert "notes.txt" in answer.text or handler != "DICOM-zip"


def test_what_is_no_dicom_beside_images_is_left_out_if_asked(
    raw: Raw, label: str, tmp_path: Path
) -> None:
    data = pack(a_dcm=image(tmp_path, 1), notes_txt=b"no DICOM")
    assert in_parts(raw, data, label).status_code == 400
    for more in ({"Ignore-Unparsable": "true"}, {"action": "commit"}):
        assert names(raw, where(in_parts(raw, data, label, **more))) == ["a.dcm"]


def test_a_commit_that_archives_answers_where_the_session_has_gone(
    raw: Raw, label: str, tmp_path: Path
) -> None:
    url = where(in_parts(raw, pack(a_dcm=image(tmp_path, 1)), label))
    assert raw("POST", url, params={"action": "build"}).text == url
    moved = raw("POST", url, params={"action": "move", "newProject": "Q"}, allow_redirects=False)
    assert (moved.status_code, moved.text) == (301, url.replace("/P/", "/Q/"))
    query = {"action": "commit", "AA": "true"}
    done = raw("POST", moved.text, params=query, allow_redirects=False)
    expected = f"/data/archive/projects/Q/subjects/S{label}/experiments/{label}"
    assert (done.status_code, done.text) == (301, expected)
    assert names(raw, done.text) == ["a.dcm"]


def test_the_archive_service_takes_names_and_fields_by_their_paths(
    raw: Raw, label: str, tmp_path: Path
) -> None:
    url = where(send(raw, pack(a_dcm=image(tmp_path, 1)), label, dest="/prearchive"))
    query = {
        "src": url,
        "xnat:mrSessionData/project": "P",
        "xnat:mrSessionData/subject_id": f"other{label}",
        "xnat:mrSessionData/label": f"named{label}",
        "xnat:mrSessionData/note": "by path",
        "xnat:mrSessionData/scans/scan[0][@xsi:type=xnat:mrScanData]/type": "ARC_TEST",
    }
    uri = where(raw("POST", "/data/services/archive", params=query))
    assert uri == f"/data/archive/projects/P/subjects/other{label}/experiments/named{label}"
    assert raw("GET", uri).json()["items"][0]["data_fields"]["note"] == "by path"
    assert names(raw, uri, "ARC_TEST") == ["a.dcm"]


def test_a_body_that_says_that_it_is_dicom_is_a_part(raw: Raw, label: str, tmp_path: Path) -> None:
    query = {"project": "P", "session": label}
    headers = {"Content-Type": "application/dicom"}
    done = raw("POST", IMPORT, params=query, data=image(tmp_path, 1), headers=headers)
    assert raw.rows(where(done))[0]["status"] == "RECEIVING"


# By itself -----------------------------------------------------------------------------------


def eventually(raw: Raw, path: str) -> None:
    end = time.monotonic() + 30
    while raw("GET", path).status_code != 200:
        assert time.monotonic() < end
        time.sleep(0.1)


@pytest.mark.parametrize(("project", "more"), [("AUTO", {}), ("P", {"Direct-Archive": "true"})])
def test_a_session_that_is_whole_is_archived_by_itself(
    raw: Raw, label: str, tmp_path: Path, project: str, more: dict[str, str]
) -> None:
    query = {"project": project, **more}
    url = where(in_parts(raw, pack(a_dcm=image(tmp_path, 1)), label, **query))
    assert where(in_parts(raw, pack(b_dcm=image(tmp_path, 2)), label, **query)) == url
    listed = [row["name"] for row in raw.rows(f"/data/prearchive/projects/{project}")]
    assert (label in listed) == (project == "AUTO")
    passing = [row["name"] for row in raw("GET", "/xapi/direct-archive").json()]
    assert (label in passing) == (project == "P")
    uri = f"/data/projects/{project}/subjects/S{label}/experiments/{label}"
    eventually(raw, uri)
    end = time.monotonic() + 30
    while len(names(raw, uri)) < 2 and time.monotonic() < end:  # its files come after its row
        time.sleep(0.1)
    assert names(raw, uri) == ["a.dcm", "b.dcm"]


def test_what_cannot_be_archived_by_itself_waits_as_a_conflict(
    raw: Raw, label: str, tmp_path: Path
) -> None:
    data = pack(a_dcm=image(tmp_path, 1))
    where(send(raw, data, label, project="AUTO"))
    url = where(in_parts(raw, data, label, project="AUTO", **{"Direct-Archive": "true"}))
    end = time.monotonic() + 30
    while raw.rows(url)[0]["status"] != "CONFLICT":
        assert time.monotonic() < end
        time.sleep(0.1)


def test_the_site_says_when_a_session_is_whole(raw: Raw, label: str, tmp_path: Path) -> None:
    raw("POST", "/xapi/siteConfig", json={"sessionXmlRebuilderInterval": 0.001})
    try:
        url = where(in_parts(raw, pack(a_dcm=image(tmp_path, 1)), label))
        time.sleep(0.1)
        assert raw.rows(url)[0]["status"] == "READY"
    finally:
        raw("POST", "/xapi/siteConfig", json={"sessionXmlRebuilderInterval": None})


def test_fields_are_read_again_from_the_files(raw: Raw, label: str, tmp_path: Path) -> None:
    session = f"/data/projects/P/subjects/S{label}/experiments/{label}"
    raw("PUT", session, params={"xsiType": "xnat:mrSessionData"})
    for number in (1, 2):
        query = {"xsiType": "xnat:mrScanData", "type": "Unknown"}
        raw("PUT", f"{session}/scans/{number}", params=query)
        path = f"{session}/scans/{number}/resources/DICOM/files/1.dcm"
        raw("PUT", path, data=image(tmp_path, 1, number))

    def types() -> list[str]:
        return [row["type"] for row in raw.rows(f"{session}/scans", columns="ID,type")]

    query = {"pullDataFromHeaders": "true"}
    assert raw("PUT", f"{session}/scans/1", params=query).status_code == 200
    assert types() == ["series 1", "Unknown"]
    assert raw("PUT", session, params=query).status_code == 200
    assert types() == ["series 1", "series 2"]
    assert raw("GET", session).json()["items"][0]["data_fields"]["date"] == "2024-05-01"


# Listening, and files from before ------------------------------------------------------------


def messages(raw: Raw, listener: str) -> list[dict[str, Any]]:
    return raw("GET", f"/data/status/{listener}?format=json").json()["msgs"][0]


def test_who_listens_learns_how_an_import_ended(raw: Raw, label: str, tmp_path: Path) -> None:
    query = {"http-session-listener": label}
    uri = where(send(raw, pack(a_dcm=image(tmp_path, 1)), label, **query))
    assert messages(raw, label)[-1]["status"] == "COMPLETED"
    assert messages(raw, label)[-1]["msg"] == f"Archive:{uri.removeprefix('/data')}"
    assert send(raw, pack(a_dcm=image(tmp_path, 1)), label, **query).status_code == 409
    assert messages(raw, label)[-1]["status"] == "FAILED"


def test_a_file_of_the_users_cache_is_imported(
    raw: Raw, server: Server, label: str, tmp_path: Path
) -> None:
    path = f"/user/cache/resources/{label}/files/mr_1.zip"
    files = {"file": ("mr_1.zip", pack(a_dcm=image(tmp_path, 1)))}
    assert raw("PUT", f"/data{path}", files=files).status_code == 200
    place = f"/archive/projects/P/subjects/S{label}/experiments/{label}"
    form = {"src": path, "http-session-listener": label, "dest": place}
    assert raw("POST", IMPORT, files={name: (None, text) for name, text in form.items()}).ok
    end = time.monotonic() + 30
    while not messages(raw, label) or not messages(raw, label)[-1]["terminal"]:
        assert time.monotonic() < end
        time.sleep(0.05)
    assert messages(raw, label)[-1]["msg"] == f"Archive:{place}"
    event = raw("GET", f"/xapi/event_tracking/{label}").json()
    assert (event["succeeded"], event["finalMessage"]) == (True, f"Archive:{place}")
    assert names(raw, f"/data{place}") == ["a.dcm"]
    assert not list((server.root / ".incoming").iterdir())
    assert raw("GET", f"/data{path}").status_code == 200
    assert raw("DELETE", f"/data/user/cache/resources/{label}").status_code == 200


@pytest.mark.parametrize("source", ["/etc/passwd", "/user/cache/resources/x/files/../../y"])
def test_only_what_is_in_the_cache_is_imported(raw: Raw, label: str, source: str) -> None:
    assert send(raw, b"", label, src=source).status_code == 400
