"""localxnat through xnatctl, as a command line tool."""

import hashlib
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from localxnat.testing import Server
from localxnat.tests.support import Raw, write_study

Run = Callable[..., Any]


@pytest.fixture(scope="module")
def ctl(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run xnatctl with a home of its own; its output, as JSON where it is."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path_factory.mktemp("home")),
        "XNAT_URL": server.url,
        "XNAT_USER": server.user,
        "XNAT_PASS": server.password,
        "NO_COLOR": "1",
    }
    program = str(Path(sys.executable).parent / "xnatctl")

    def run(*words: str, status: int = 0) -> Any:
        done = subprocess.run(
            [program, *words], env=environment, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == status, done.stdout + done.stderr
        try:
            return json.loads(done.stdout)
        except ValueError:
            return done.stdout

    return run


@pytest.fixture(scope="module")
def project(ctl: Run, raw: Raw) -> str:
    """A project that xnatctl made, with a subject and a session with two scans."""
    ctl("project", "create", "CTL", "--name", "By hand", "--description", "of xnatctl")
    raw("PUT", "/data/projects/CTL2")
    session = "/data/projects/CTL/subjects/S1/experiments/S1_mr"
    raw("PUT", f"{session}?xsiType=xnat:mrSessionData")
    for scan in ("1", "2"):
        raw("PUT", f"{session}/scans/{scan}?xsiType=xnat:mrScanData&type=T1&quality=usable")
    return "CTL"


@pytest.fixture(scope="module")
def session(project: str, raw: Raw) -> str:
    """The ID of the session."""
    return raw.rows(f"/data/projects/{project}/experiments")[0]["ID"]


def test_it_signs_in_and_knows_the_server(ctl: Run) -> None:
    assert "admin" in str(ctl("whoami"))
    assert "1.9.2" in str(ctl("health", "ping"))
    ctl("auth", "login")


def test_projects_are_made_listed_and_opened(ctl: Run, project: str, raw: Raw) -> None:
    (row,) = [row for row in ctl("project", "list", "-o", "json") if row["id"] == project]
    assert (row["name"], row["description"]) == ("By hand", "of xnatctl")
    assert ctl("project", "users", project, "-o", "json")[0]["role"] == "owner"
    ctl("project", "access", project, "--set", "protected", "--yes")
    assert raw("GET", f"/data/projects/{project}/accessibility").text == "protected"
    raw("PUT", f"/data/projects/{project}/accessibility/private")


def test_subjects_and_sessions_are_listed(ctl: Run, project: str, session: str) -> None:
    assert "S1" in {row["label"] for row in ctl("subject", "list", "-P", project, "-o", "json")}
    rows = ctl("session", "list", "-P", project, "-o", "json")
    assert (session, "S1_mr") in {(row["id"], row["label"]) for row in rows}


def test_custom_variables_are_set_and_read(ctl: Run, project: str) -> None:
    ctl("subject", "vars", "set", "S1", "group=patient", "-P", project, "--yes")
    assert "patient" in str(ctl("subject", "vars", "S1", "-P", project, "-o", "json"))


@pytest.mark.parametrize("scan", [None, "1"])
def test_a_resource_is_uploaded_shown_and_downloaded(
    ctl: Run, raw: Raw, session: str, tmp_path: Path, scan: str | None
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.txt").write_text("hello")
    where = ["--scan", scan] if scan else []
    path = f"/data/experiments/{session}" + (f"/scans/{scan}" if scan else "")
    ctl("resource", "upload", session, "UP", str(tmp_path / "in"), *where)
    (row,) = raw.rows(f"{path}/resources/UP/files")
    assert row["digest"] == hashlib.md5(b"hello").hexdigest()
    assert "a.txt" in str(ctl("resource", "show", session, "UP", *where, "-o", "json"))
    ctl("resource", "download", session, "UP", *where, "-f", str(tmp_path / "out.zip"))
    with zipfile.ZipFile(tmp_path / "out.zip") as packed:
        assert [packed.read(name) for name in packed.namelist()] == [b"hello"]


def test_a_session_is_downloaded(ctl: Run, project: str, tmp_path: Path, raw: Raw) -> None:
    file = f"/data/projects/{project}/subjects/S1/experiments/S1_mr/scans/2/resources/D/files/d.dcm"
    raw("PUT", file, data=b"dicom")
    ctl("session", "download", "-P", project, "-E", "S1_mr", "--out", str(tmp_path))
    packed = list(tmp_path.rglob("*.zip"))
    found = list(tmp_path.rglob("d.dcm"))
    names = [name for path in packed for name in zipfile.ZipFile(path).namelist()]
    assert found or any(name.endswith("d.dcm") for name in names)


def test_a_subject_is_shared_and_unshared(ctl: Run, project: str, raw: Raw) -> None:
    ctl("subject", "share", "S1", "-P", project, "--into", "CTL2", "--yes")
    assert [row["label"] for row in raw.rows("/data/projects/CTL2/subjects")] == ["S1"]
    ctl("subject", "unshare", "S1", "-P", project, "--from", "CTL2", "--yes")
    assert raw.rows("/data/projects/CTL2/subjects") == []


def test_a_scan_is_deleted(ctl: Run, session: str, raw: Raw) -> None:
    raw("PUT", f"/data/experiments/{session}/scans/9?xsiType=xnat:mrScanData")
    assert {row["id"] for row in ctl("scan", "list", "-E", session, "-o", "json")} >= {"1", "9"}
    ctl("scan", "delete", "-E", session, "--scans", "9", "--yes")
    assert "9" not in {row["ID"] for row in raw.rows(f"/data/experiments/{session}/scans")}


def test_a_session_is_uploaded_and_archived(
    ctl: Run, project: str, raw: Raw, tmp_path: Path
) -> None:
    write_study(tmp_path / "study")
    names = ("-P", project, "-S", "UP", "-E", "UP_mr", "--prearchive")
    ctl("session", "upload", str(tmp_path / "study"), *names)
    (waiting,) = raw.rows(f"/data/prearchive/projects/{project}")
    assert (waiting["name"], waiting["status"]) == ("UP_mr", "RECEIVING")
    raw("POST", f"/data{waiting['url']}?action=commit")
    if raw.rows(f"/data/prearchive/projects/{project}"):
        ctl("prearchive", "archive", project, waiting["timestamp"], "UP_mr")
    labels = {row["label"] for row in raw.rows(f"/data/projects/{project}/experiments")}
    assert "UP_mr" in labels


def test_a_subject_is_renamed(ctl: Run, project: str, raw: Raw, tmp_path: Path) -> None:
    raw("PUT", f"/data/projects/{project}/subjects/Old")
    (tmp_path / "map.json").write_text('{"Old": "New"}')
    ctl("subject", "rename", "-P", project, "--mapping", str(tmp_path / "map.json"))
    labels = {row["label"] for row in raw.rows(f"/data/projects/{project}/subjects")}
    assert "New" in labels
    assert "Old" not in labels


def test_users_are_managed(ctl: Run, raw: Raw, project: str) -> None:
    raw("POST", "/xapi/users", json={"username": "carl", "password": "secret"})
    ctl("project", "grant", project, "carl", "--role", "member", "--yes")
    assert raw("GET", "/xapi/users/carl/groups").json() == [f"{project}_member"]
    ctl("project", "revoke", project, "carl", "--yes")
    assert raw("GET", "/xapi/users/carl/groups").json() == []


def test_the_prearchive_routing_is_read_and_set(ctl: Run, project: str) -> None:
    assert "auto-archive" in str(ctl("prearchive", "settings", "-P", project))
    ctl("prearchive", "settings", "-P", project, "--set", "manual", "--yes")
    assert "manual" in str(ctl("prearchive", "settings", "-P", project))


def test_what_is_absent_has_the_exit_code_of_not_found(ctl: Run) -> None:
    ctl("project", "show", "ABSENT", status=5)
