"""A live archive that misbehaves on demand, and the workflow's connection to it."""

from collections.abc import Iterator

import pytest

from coil.archive import pull, push
from coil.archive.client import Archive
from coil.archive.listing import Session, list_sessions
from localxnat.testing import Server
from tests.archives import logged_in, served_study


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
