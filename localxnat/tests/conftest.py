"""A running localxnat, and a session in it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from localxnat.testing import Server, import_dicom, running
from localxnat.tests.support import Raw, write_study


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with project DEMO, subject S1 and its session S1_a (LOCAL_E00001)."""
    base = tmp_path_factory.mktemp("localxnat")
    root = base / "root"
    import_dicom(root, "DEMO", "S1", "S1_a", write_study(base / "dicom"))
    with running(root) as started:
        yield started


@pytest.fixture(scope="session")
def raw(server: Server) -> Raw:
    return Raw(server)


_made = iter(range(1, 1000))


@pytest.fixture
def session(raw: Raw) -> str:
    """The path of a new, empty MR session."""
    label = f"new{next(_made)}"
    path = f"/data/projects/DEMO/subjects/S1/experiments/{label}"
    identifier = raw("PUT", f"{path}?xsiType=xnat:mrSessionData").text
    return f"/data/experiments/{identifier}"


@pytest.fixture(scope="session")
def real_dicom() -> Path:
    """The folder with real scanner data; tests that need it are skipped without it."""
    folder = os.environ.get("COIL_REAL_DICOM")
    if not folder:
        pytest.skip("COIL_REAL_DICOM does not name a folder with scanner data")
    return Path(folder)
