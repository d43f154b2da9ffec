"""The archive's tests against a server that runs already: they pass, and leave nothing there."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from localxnat.testing import Server, running
from tests.support.elsewhere import Elsewhere

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture
def there(tmp_path: Path) -> Iterator[Server]:
    """An empty server that these tests did not start, as far as they know."""
    with running(tmp_path / "root") as server:
        yield server


def run(server: Server, *tests: str) -> subprocess.CompletedProcess[str]:
    login = {"COIL_XNAT": server.url, "XNAT_USER": server.user, "XNAT_PASS": server.password}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests],
        cwd=CHECKOUT,
        env=os.environ | login,
        capture_output=True,
        text=True,
        check=False,
    )


def projects(server: Server) -> set[str]:
    return Elsewhere(server.url, server.user, server.password).projects()


def test_the_same_tests_pass_and_leave_no_project(there: Server) -> None:
    done = run(
        there, "tests/archive/test_peek.py", "tests/archive/test_bidsmap.py", "-k", "not raw_data"
    )
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout and "skipped" not in done.stdout
    assert projects(there) == set()
    assert any("POST /data/services/import" in line for line in there.requests())


def test_a_test_that_wants_a_fault_is_skipped(there: Server) -> None:
    done = run(there, "tests/archive/test_pull.py", "-k", "breaks_once or chosen_scans")
    assert done.returncode == 0, done.stdout
    assert "this server makes no faults on request" in done.stdout
    assert " passed" in done.stdout


def test_a_project_of_somebody_is_left_alone(there: Server) -> None:
    server = Elsewhere(there.url, there.user, there.password)
    server.send("PUT", "/data/projects/P")
    done = run(there, "tests/archive/test_peek.py")
    assert done.returncode == 1
    assert "the server has P already; remove it by hand" in done.stdout
    assert projects(there) == {"P"}
