"""localxnat with as much in it as a large archive has."""

from collections.abc import Iterator

import pytest
from localxnat_support import Raw

from localxnat.testing import Server, running, seed

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


def test_a_seeded_project_is_listed_like_any_other(raw: Raw) -> None:
    query = {"project": "BIG", "xsiType": "xnat:imageSessionData", "columns": COLUMNS}
    rows = raw.rows("/data/experiments", **query)
    assert len(rows) == SESSIONS * SCANS
    assert len({row["ID"] for row in rows}) == SESSIONS
    assert {row["xnat:imagescandata/file/label"] for row in rows} == {"DICOM"}
    assert all(int(row["xnat:imagescandata/file/file_count"]) for row in rows)
    assert len(raw.rows("/data/projects/VIEW/experiments")) == SESSIONS
