"""Discovery of a project that is too large to ask for anything one by one."""

import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from coil.archive import listing, resultset
from localxnat.testing import running, seed
from tests.archive.discover_support import Study

SESSIONS, SCANS = 2000, 10


@pytest.fixture
def large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Study]:
    seed(tmp_path / "root", "BIG", SESSIONS, SCANS)
    with running(tmp_path / "root") as server:
        monkeypatch.setenv("XNAT_USER", server.user)
        monkeypatch.setenv("XNAT_PASS", server.password)
        yield Study(server, "BIG", tmp_path / "work")


def test_a_large_project_takes_one_listing_and_less_memory_than_that_is_long(large: Study) -> None:
    assert large.asked() == [large.listing, "/data/prearchive/projects/BIG"]
    noted = {path: path.stat().st_mtime_ns for path in large.private.glob("sessions/*.json")}
    assert len(noted) == SESSIONS
    assert large.asked() == [large.listing]
    assert {path: path.stat().st_mtime_ns for path in noted} == noted

    columns = ",".join(listing.COLUMNS.values())
    which = {"project": "BIG", "xsiType": "xnat:imageSessionData", "format": "json"}
    answer = large.raw("GET", "/data/experiments", params=which | {"columns": columns})
    chunks = list(answer.iter_content(1 << 16))
    tracemalloc.start()
    try:
        sessions = listing.group(resultset.rows(chunks))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert sum(len(session.scans) for session in sessions) == SESSIONS * SCANS
    assert peak < sum(map(len, chunks)) / 2
