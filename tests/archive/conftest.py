"""A live archive that misbehaves on demand, and the workflow's connection to it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from coil.archive.client import Archive
from coil.archive.listing import Session, list_sessions
from coil.archive.pull import session as pull
from coil.archive.push import push
from localxnat.testing import Server
from tests.support import elsewhere
from tests.support.archives import logged_in, served_study

HERE = Path(__file__).parent
ANYWHERE = {
    "test_bidsmap", "test_discover", "test_discover_changes", "test_peek", "test_pull", "test_push",
    "test_push_dicom", "test_push_laws", "test_push_levels", "test_questionnaires",
    "test_variables",
}  # fmt: skip
"""The modules whose tests run against a server elsewhere, too (see `tests.support.elsewhere`)."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where COIL_XNAT names a server, skip what would start one of its own."""
    alone = pytest.mark.skip(reason="needs a localxnat of its own")
    for item in items:
        if elsewhere.given() and item.path.parent == HERE and item.path.stem not in ANYWHERE:
            item.add_marker(alone)


@pytest.fixture(scope="session", autouse=True)
def left_clean() -> Iterator[None]:
    """Nothing stays on a server elsewhere; what it is asked is noted."""
    there = elsewhere.given()
    if there is None:
        yield
        return
    with there.left_clean(), elsewhere.noting():
        yield


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with the study as session E of subject S in project P."""
    with served_study(tmp_path_factory.mktemp("archive")) as server:
        yield server


@pytest.fixture
def archive(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Archive]:
    """A connection that does not pause before it tries again."""
    monkeypatch.setattr(pull, "PAUSES", (0.0, 0.0))
    monkeypatch.setattr(push, "PAUSES", (0.0, 0.0, 0.0))
    with logged_in(server, monkeypatch) as connection:
        yield connection


@pytest.fixture
def session(archive: Archive) -> Session:
    """The session of the study."""
    return list_sessions(archive, "P")[0]
