"""localxnat's files and rows agree, whatever happens in between."""

import hashlib
import os
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from localxnat.storage.prearchive import Prearchive
from localxnat.storage.resources import Resources
from localxnat.storage.store import Object, Store
from localxnat.testing import PACKAGE_ROOT, running
from localxnat.tests.support import Raw


@pytest.fixture
def resources(tmp_path: Path) -> Resources:
    return Resources(Store(tmp_path / "root"))


@pytest.fixture
def project(resources: Resources) -> Object:
    return resources.store.create("project", "P", "xnat:projectData", "P", None, "admin")


def put(resources: Resources, owner: Object, path: str, data: bytes) -> None:
    resource = resources.find(owner, "R") or resources.create(owner, "R")
    new = resources.incoming()
    new.write(data)
    resources.commit(owner, resource, [new.finish(path)], overwrite=True)


class KilledError(Exception):
    """Stands for the end of the process."""


def test_a_file_that_cannot_be_put_in_place_leaves_the_old_one(
    resources: Resources, project: Object, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(resources, project, "a.txt", b"old")

    def fail(self: Path, target: Path) -> None:
        raise OSError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", fail)
        with pytest.raises(OSError, match="full"):
            put(resources, project, "a.txt", b"newer")
    check(resources, project, b"old")


def test_a_kill_after_the_rename_leaves_the_new_file_with_its_digest(
    resources: Resources, project: Object, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(resources, project, "a.txt", b"old")

    def die(*values: object) -> None:
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(resources, "_enter", die)
        with pytest.raises(KilledError):
            put(resources, project, "a.txt", b"newer")
    check(resources, project, b"newer")


def check(resources: Resources, project: Object, data: bytes) -> None:
    resources.recover()
    resource = resources.find(project, "R")
    assert resource is not None
    (file,) = resources.files(resource)
    assert resources.path_of(resource, file.path).read_bytes() == data
    assert (file.size, file.digest) == (len(data), hashlib.md5(data).hexdigest())
    assert resource.file_size == len(data)


@pytest.mark.parametrize(("dies_in", "label"), [("rename", "old"), ("_relabel", "new")])
def test_a_kill_while_an_object_is_renamed_leaves_its_files_findable(
    resources: Resources,
    project: Object,
    monkeypatch: pytest.MonkeyPatch,
    dies_in: str,
    label: str,
) -> None:
    store = resources.store
    subject = store.create("subject", "old", "xnat:subjectData", "P", project, "admin")
    put(resources, subject, "a.txt", b"kept")

    def die(*values: object) -> None:
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(Path if dies_in == "rename" else resources, dies_in, die)
        with pytest.raises(KilledError):
            resources.rename(subject, "new")
    resources.recover()
    again = store.subject(label, "P")
    assert again is not None
    resource = resources.find(again, "R")
    assert resource is not None
    assert resources.path_of(resource, "a.txt").read_bytes() == b"kept"


@pytest.mark.parametrize(("dies_in", "home"), [("rename", "P"), ("_relabel", "Q")])
def test_a_kill_while_a_session_moves_leaves_it_whole_in_one_project(
    resources: Resources,
    project: Object,
    monkeypatch: pytest.MonkeyPatch,
    dies_in: str,
    home: str,
) -> None:
    store = resources.store
    store.create("project", "Q", "xnat:projectData", "Q", None, "admin")
    subject = store.create("subject", "S", "xnat:subjectData", "P", project, "admin")
    session = store.create("experiment", "E", "xnat:mrSessionData", "P", subject, "admin")
    scan = store.create("scan", "1", "xnat:mrScanData", "P", session, "admin")
    put(resources, scan, "a.dcm", b"image")

    def die(*values: object) -> None:
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(Path if dies_in == "rename" else resources, dies_in, die)
        with pytest.raises(KilledError):
            resources.move(session, "Q", "E")
    resources.recover()
    again = store.experiment("E", home)
    assert again is not None
    (scan,) = store.children(again, "scan")
    assert scan.project == home
    (resource,) = resources.of(scan)
    assert resource.folder.startswith(f"archive/{home}/")
    assert resources.path_of(resource, "a.dcm").read_bytes() == b"image"


def test_an_archive_of_before_gets_the_columns_that_it_has_not(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "localxnat.sqlite3") as connection:
        names = "project timestamp name subject status uploaded lastmod scan_date scan_time tag"
        columns = ", ".join(f"{name} TEXT NOT NULL" for name in names.split())
        connection.execute(f"CREATE TABLE prearchive ({columns})")
        row = ("P", "20260101_000000", "E", "S", "READY", "", "", "", "", "1.2.3")
        connection.execute(f"INSERT INTO prearchive VALUES ({', '.join('?' * 10)})", row)
    connection.close()
    (waiting,) = Prearchive(Resources(Store(tmp_path))).all()
    assert (waiting.name, waiting.row()["name"], waiting.autoarchive) == ("E", "E", "Manual")


def test_a_session_that_was_half_staged_is_swept(resources: Resources) -> None:
    half = resources.root / "prearchive" / "P" / "20260101_000000000" / "E" / "SCANS"
    half.mkdir(parents=True)
    Prearchive(resources).recover()
    assert not half.exists()


def test_files_of_dead_writers_are_swept_and_those_of_living_ones_kept(
    resources: Resources,
) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    folder = resources.root / ".incoming"
    (folder / f"{dead.pid}-aa").write_text("left over")
    (folder / f"{os.getpid()}-bb").write_text("arriving")
    resources.recover()
    assert [path.name for path in folder.iterdir()] == [f"{os.getpid()}-bb"]


def test_a_folder_is_never_replaced_by_a_file(resources: Resources, project: Object) -> None:
    put(resources, project, "a/b.txt", b"below")
    with pytest.raises(Exception, match="same name"):
        put(resources, project, "a", b"file")
    with pytest.raises(Exception, match="same name"):
        put(resources, project, "a/b.txt/c", b"file")


def test_an_upload_whose_client_goes_away_leaves_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with running(tmp_path / "root") as server:
        raw = Raw(server)
        raw("PUT", "/data/projects/P")
        cookie = raw("GET", "/data/JSESSION").text
        port = int(server.url.rpartition(":")[2])
        for number in range(5):
            head = (
                f"PUT /data/projects/P/resources/R/files/{number} HTTP/1.1\r\nHost: x\r\n"
                f"Cookie: JSESSIONID={cookie}\r\nContent-Length: 9000000\r\n\r\n"
            )
            with socket.create_connection(("127.0.0.1", port)) as connection:
                connection.sendall(head.encode() + bytes(2_000_000))
        end = time.monotonic() + 20
        while sum(" 400" in line for line in server.requests()) < 5:
            assert time.monotonic() < end
            time.sleep(0.05)
        assert not list((server.root / ".incoming").iterdir())
        assert raw.rows("/data/projects/P/resources") == []
    assert "Traceback" not in capfd.readouterr().err


def test_a_server_ends_cleanly_when_asked_to(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "localxnat", "serve", str(tmp_path / "root"), "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
        cwd=PACKAGE_ROOT,
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("localxnat at http://127.0.0.1:")
    process.terminate()
    assert process.wait(10) == 0


def test_memory_stays_flat_for_a_large_upload_and_download(tmp_path: Path) -> None:
    def peak(pid: int) -> int:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM")).split()[1])

    if not Path("/proc/self/status").exists():
        pytest.skip("needs /proc to know how much memory a process has used")
    megabytes = 200
    big = tmp_path / "big"
    with big.open("wb") as stream:
        stream.truncate(megabytes << 20)
    with running(tmp_path / "root") as server:
        raw = Raw(server)
        raw("PUT", "/data/projects/P")
        path = "/data/projects/P/resources/R/files"
        raw("GET", "/data/projects")
        before = peak(server.pid)
        with big.open("rb") as stream:
            assert raw("PUT", f"{path}/big", data=stream).status_code == 200
        for url in (f"{path}/big", f"{path}?format=zip", f"{path}?format=tar"):
            with raw("GET", url, stream=True) as answer:
                for _ in answer.iter_content(1 << 20):
                    pass
        assert peak(server.pid) - before < (megabytes << 10) // 4
