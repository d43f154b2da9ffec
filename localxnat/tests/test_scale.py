"""localxnat with as much in it as a large archive has."""

import csv
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from localxnat.storage.zips import stream_zip
from localxnat.testing import Server, running, seed
from localxnat.tests.support import Raw

COLUMNS = (
    "ID,label,xsiType,date,last_modified,subject_label,xnat:imagesessiondata/subject_id,"
    "xnat:imagescandata/id,xnat:imagescandata/type,xnat:imagescandata/quality,"
    "xnat:imagescandata/note,xnat:imagescandata/frames,xnat:imagescandata/series_description,"
    "xnat:imagescandata/file/label,xnat:imagescandata/file/file_count,"
    "xnat:imagescandata/file/file_size"
)
SESSIONS, SCANS = 2000, 10


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    root = tmp_path_factory.mktemp("localxnat") / "root"
    seed(root, "BIG", SESSIONS, SCANS, shared_into="VIEW")
    with running(root) as started:
        yield started


@pytest.fixture(scope="module")
def raw(server: Server) -> Raw:
    return Raw(server)


BULK = {"project": "BIG", "xsiType": "xnat:imageSessionData", "columns": COLUMNS}


def peak(server: Server) -> int:
    """The most memory that the server has had, in kB."""
    status = Path(f"/proc/{server.pid}/status")
    if not status.exists():
        pytest.skip("needs /proc to know how much memory a process has used")
    lines = status.read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1])


def test_a_seeded_project_is_listed_like_any_other(raw: Raw) -> None:
    rows = raw.rows("/data/experiments", **BULK)
    assert len(rows) == SESSIONS * SCANS
    assert len({row["ID"] for row in rows}) == SESSIONS
    assert {row["xnat:imagescandata/file/label"] for row in rows} == {"DICOM"}
    assert all(int(row["xnat:imagescandata/file/file_count"]) for row in rows)
    assert len(raw.rows("/data/projects/VIEW/experiments")) == SESSIONS


def test_a_long_listing_is_the_same_as_json_csv_and_xml(raw: Raw) -> None:
    answer = raw("GET", "/data/experiments", params={**BULK, "format": "json"})
    assert "Content-Length" not in answer.headers
    result = answer.json()["ResultSet"]
    rows = [list(row.values()) for row in result["Result"]]
    assert result["totalRecords"] == str(len(rows))
    text = raw("GET", "/data/experiments", params={**BULK, "format": "csv"}).text
    head, *lines = csv.reader(io.StringIO(text))
    assert (head, lines) == (list(result["Result"][0]), rows)
    body = raw("GET", "/data/experiments", params={**BULK, "format": "xml"}).content
    root = ElementTree.fromstring(body)
    assert root.get("totalRecords") == str(len(rows))
    assert [column.text for column in root.iter("column")] == head
    cells = [[cell.text or "" for cell in row] for row in root.iter("row")]
    assert cells == rows


def test_a_long_listing_of_what_is_shared_has_the_labels_of_home_and_of_the_share(
    raw: Raw,
) -> None:
    share = "xnat:imagesessiondata/sharing/share"
    columns = f"{COLUMNS},{share}/project,{share}/label"
    rows = raw.rows("/data/experiments", **{f"{share}/project": "VIEW", "columns": columns})
    assert len(rows) == SESSIONS * SCANS
    assert {row[f"{share}/project"] for row in rows} == {"VIEW"}
    assert all(row[f"{share}/label"] == row["label"] for row in rows)


def test_memory_stays_flat_however_long_a_listing_is(server: Server, raw: Raw) -> None:
    raw.rows("/data/experiments", **BULK)
    before = peak(server)
    for form in ("json", "csv", "xml"):
        body = raw("GET", "/data/experiments", params={**BULK, "format": form}).content
        assert len(body) > 3_000_000
        assert peak(server) - before < 15_000


def test_an_answer_that_nobody_reads_to_its_end_leaves_the_server_well(
    server: Server, raw: Raw
) -> None:
    for _ in range(5):
        with raw("GET", "/data/experiments", params=BULK, stream=True) as answer:
            next(answer.iter_content(1000))
    assert raw("GET", "/data/projects").status_code == 200


def test_a_zip_of_more_members_than_a_plain_one_can_have(tmp_path: Path) -> None:
    (tmp_path / "one").write_bytes(b"content")
    members = ((f"{number}", tmp_path / "one") for number in range(70_000))
    with (tmp_path / "all.zip").open("wb") as stream:
        stream.writelines(stream_zip(members))
    with zipfile.ZipFile(tmp_path / "all.zip") as packed:
        assert len(packed.infolist()) == 70_000
        assert packed.read("69999") == b"content"


def test_a_zip_keeps_the_order_names_and_bytes_of_small_and_large_files(tmp_path: Path) -> None:
    contents = {"b/small": b"x" * 10, "a/large": bytes(9_000_000), "ä/empty": b"", "c": b"y" * 99}
    for number, content in enumerate(contents.values()):
        (tmp_path / str(number)).write_bytes(content)
    members = [(name, tmp_path / str(number)) for number, name in enumerate(contents)]
    members.insert(1, ("gone", tmp_path / "absent"))
    packed = zipfile.ZipFile(io.BytesIO(b"".join(stream_zip(members))))
    assert packed.testzip() is None
    assert {name: packed.read(name) for name in packed.namelist()} == contents
    assert packed.namelist() == list(contents)
    # As XNAT sends it: sizes follow the data.
    assert all(info.flag_bits & 8 and info.compress_type == 8 for info in packed.infolist())
