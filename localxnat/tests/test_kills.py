"""localxnat is killed in the middle of its work; what it acknowledged is there when it is back."""

import hashlib
import io
import os
import random
import signal
import threading
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
import requests

from localxnat.storage.prearchive import Prearchive
from localxnat.storage.resources import Resources
from localxnat.storage.store import Store
from localxnat.testing import running
from localxnat.tests.support import Raw, write_study

FILES = "/data/projects/P/resources/R/files"
SUBJECTS = "/data/projects/P/subjects"


def agree(root: Path) -> dict[str, bytes]:
    """All files by their place below the archive, rows and folder being one and the same."""
    resources = Resources(Store(root))
    connection = resources.store.database.connection
    listed: dict[str, bytes] = {}
    kinds = ("project", "subject", "experiment", "scan")
    for owner in [item for kind in kinds for item in resources.store.all(kind)]:
        for resource in resources.of(owner):
            files = resources.files(resource)
            assert resource.file_count == len(files)
            assert resource.file_size == sum(file.size for file in files)
            for file in files:
                place = resources.path_of(resource, file.path)
                data = place.read_bytes()
                assert (len(data), hashlib.md5(data).hexdigest()) == (file.size, file.digest)
                listed[place.relative_to(root / "archive").as_posix()] = data
    on_disk = {
        path.relative_to(root / "archive").as_posix()
        for path in (root / "archive").rglob("*")
        if path.is_file()
    }
    assert on_disk == set(listed)
    assert not list((root / ".incoming").iterdir())
    for table in ("pending", "moving", "removing", "archiving"):
        assert connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0] == 0
    return listed


def killed(root: Path, work: Callable[[Raw, int], bool], workers: int) -> None:
    """Let `work` go on, with the numbers 0, 1, ... in parallel, and kill the server meanwhile.

    `work` says whether the server acknowledged it; some of it is before the kill.
    """
    numbers = iter(range(1_000_000))
    lock = threading.Lock()
    done = 0
    with running(root) as server:

        def go() -> None:
            nonlocal done
            raw = Raw(server)
            with suppress(requests.RequestException):
                while True:
                    with lock:
                        number = next(numbers)
                    if work(raw, number):
                        with lock:
                            done += 1

        with ThreadPoolExecutor(workers) as pool:
            going = [pool.submit(go) for _ in range(workers)]
            end = time.monotonic() + 30
            while done < workers and time.monotonic() < end:
                time.sleep(0.01)
            time.sleep(random.uniform(0, 0.3))
            os.kill(server.pid, signal.SIGKILL)
        for one in going:
            one.result()
    with running(root):
        pass  # what it left is put in order at the next start


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    with running(root) as server:
        raw = Raw(server)
        raw("PUT", "/data/projects/P")
        raw("PUT", "/data/projects/P/resources/R")
    return root


def test_every_acknowledged_one_of_fifty_parallel_uploads_outlives_a_kill(root: Path) -> None:
    acknowledged: dict[str, bytes] = {}

    def upload(raw: Raw, number: int) -> bool:
        data = os.urandom(random.choice((10, 20_000, 3_000_000)))
        done = raw("PUT", f"{FILES}/{number % 7}/{number}", data=data).ok
        if done:
            acknowledged[f"P/resources/R/{number % 7}/{number}"] = data
        return done

    killed(root, upload, 50)
    assert acknowledged
    assert acknowledged.items() <= agree(root).items()


def test_an_extracted_archive_is_there_whole_or_not_at_all(root: Path) -> None:
    acknowledged: set[str] = set()

    def upload(raw: Raw, number: int) -> bool:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            for member in range(40):
                archive.writestr(f"{number}/{member}", os.urandom(3000))
        done = raw("PUT", f"{FILES}/up.zip?extract=true", data=packed.getvalue()).ok
        if done:
            acknowledged.add(str(number))
        return done

    killed(root, upload, 4)
    found = [name.split("/")[3] for name in agree(root)]
    assert acknowledged
    assert acknowledged <= set(found)
    assert {found.count(number) for number in found} == {40}


def test_a_file_that_is_overwritten_is_the_old_or_the_new_one(root: Path) -> None:
    last: dict[str, int] = {}

    def overwrite(raw: Raw, number: int) -> bool:
        name = f"{threading.get_ident()}"
        data = f"{number} ".encode() * 50_000
        done = raw("PUT", f"{FILES}/{name}?overwrite=true", data=data).ok
        if done:
            last[name] = number
        return done

    killed(root, overwrite, 8)
    found = agree(root)
    assert last
    for name, number in last.items():
        versions = set(found[f"P/resources/R/{name}"].split())
        assert len(versions) == 1
        assert int(versions.pop()) >= number


def test_a_subject_that_is_renamed_keeps_its_files(root: Path) -> None:
    names: dict[int, str] = {}

    def rename(raw: Raw, number: int) -> bool:
        worker = threading.get_ident()
        if worker not in names:
            raw("PUT", f"{SUBJECTS}/S{worker}")
            raw("PUT", f"{SUBJECTS}/S{worker}/resources/R/files/a", data=b"kept")
            names[worker] = f"S{worker}"
        new = f"S{worker}_{number}"
        done = raw("PUT", f"{SUBJECTS}/{names[worker]}?label={new}").ok
        if done:
            names[worker] = new
        return done

    killed(root, rename, 6)
    found = agree(root)
    assert names
    for worker in names:
        kept = [name for name in found if name.startswith(f"P/subjects/S{worker}")]
        assert len(kept) == 1


def test_what_was_deleted_stays_deleted_and_leaves_no_files(root: Path) -> None:
    deleted: set[int] = set()

    def delete(raw: Raw, number: int) -> bool:
        path = f"{SUBJECTS}/S{number}"
        raw("PUT", path)
        for name in "abc":
            raw("PUT", f"{path}/resources/R/files/{name}", data=name.encode())
        what = ("", "/resources/R", "/resources/R/files/a")[number % 3]
        done = raw("DELETE", f"{path}{what}?removeFiles=true").ok
        if done:
            deleted.add(number)
        return done

    killed(root, delete, 8)
    found = agree(root)
    assert deleted
    for number in deleted:
        left = sorted(n.rpartition("/")[2] for n in found if f"/S{number}/" in n)
        assert left == ([], [], ["b", "c"])[number % 3]


def test_a_session_is_archived_whole_or_waits_in_the_prearchive(root: Path, tmp_path: Path) -> None:
    acknowledged: set[str] = set()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path in write_study(tmp_path / "study").glob("*.dcm"):
            archive.write(path, path.name)

    def bring(raw: Raw, number: int) -> bool:
        place = {"project": "P", "subject": f"S{number}", "session": f"E{number}"}
        query = {**place, "dest": "/archive"}
        done = raw("POST", "/data/services/import", params=query, data=packed.getvalue()).ok
        if done:
            acknowledged.add(f"E{number}")
        return done

    killed(root, bring, 4)
    found = [name.split("/")[2] for name in agree(root)]
    assert acknowledged
    assert acknowledged <= set(found)
    assert {found.count(label) for label in found} == {10}
    assert len(list(Store(root).all("experiment"))) == len(set(found))
    for waiting in Prearchive(Resources(Store(root))).all():
        assert waiting.status == "READY"
        assert waiting.name not in found


def test_uploads_and_renames_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    with running(tmp_path / "root") as server:
        raw = Raw(server)
        raw("PUT", "/data/projects/P")
        identifier = raw("PUT", f"{SUBJECTS}/S").text

        def upload(number: int) -> int:
            path = f"/data/subjects/{identifier}/resources/R/files/{number}"
            return Raw(server)("PUT", path, data=b"x" * (number + 1)).status_code

        def rename(number: int) -> int:
            return Raw(server)("PUT", f"/data/subjects/{identifier}?label=S{number}").status_code

        with ThreadPoolExecutor(8) as pool:
            uploads = [pool.submit(upload, number) for number in range(80)]
            renames = [pool.submit(rename, number) for number in range(20)]
            assert {one.result() for one in uploads + renames} == {200}
    assert len(agree(tmp_path / "root")) == 80
