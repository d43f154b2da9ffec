"""localxnat's prearchive: what is still arriving, what is being done, what went wrong."""

import io
import threading
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydicom.uid import MRImageStorage

from localxnat.errors import Refused
from localxnat.storage import importer
from localxnat.storage.prearchive import Prearchive
from localxnat.storage.resources import Resources
from localxnat.storage.store import Store
from localxnat.storage.waiting import Arrival, Waiting
from localxnat.testing import Server, running
from localxnat.tests.support import Raw, write_dicom

IMPORT = "/data/services/import"
QUIET = 1.5


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("localxnat") / "root", quiet=QUIET) as started:
        for project in ("P", "Q"):
            Raw(started)("PUT", f"/data/projects/{project}")
        # Nothing is archived without an order; AUTO is as projects are made.
        Raw(started)("PUT", "/data/projects/P/prearchive_code/0")
        Raw(started)("PUT", "/data/projects/AUTO")
        yield started


@pytest.fixture(scope="module")
def raw(server: Server) -> Raw:
    return Raw(server)


def image(folder: Path, instance: int = 1, number: int = 1, uid: str = "1") -> Path:
    path = folder / f"{uid}-{instance}.dcm"
    return write_dicom(path, number, f"series {number}", uid, MRImageStorage, "MR", instance)


def whole(folder: Path, count: int = 2) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for instance in range(1, count + 1):
            archive.write(image(folder, instance), f"{instance}.dcm")
    return packed.getvalue()


def send(raw: Raw, data: bytes, session: str, **query: str) -> str:
    place = {"project": "P", "subject": "S", "session": session}
    query = {**place, "dest": "/prearchive", **query}
    answer = raw("POST", IMPORT, params=query, data=data)
    assert answer.status_code == 200, answer.text
    return answer.text.strip()


def status(raw: Raw, url: str) -> str:
    (row,) = raw.rows(url)
    return row["status"]


def eventually(raw: Raw, url: str, wanted: str) -> None:
    end = time.monotonic() + 20
    while status(raw, url) != wanted:
        assert time.monotonic() < end
        time.sleep(0.05)


# Arriving ------------------------------------------------------------------------------------


def test_a_whole_upload_is_ready_at_once(raw: Raw, tmp_path: Path) -> None:
    assert status(raw, send(raw, whole(tmp_path), "Whole")) == "READY"


def test_a_session_that_comes_file_by_file_is_received_until_it_is_quiet(
    raw: Raw, tmp_path: Path
) -> None:
    urls = {
        send(
            raw,
            image(tmp_path, instance, number, f"{number}").read_bytes(),
            "Parts",
            **{"import-handler": "gradual-DICOM"},
        )
        for number in (1, 2)
        for instance in (1, 2, 3)
    }
    (url,) = urls
    assert status(raw, url) == "RECEIVING"
    refused = raw("POST", "/data/services/archive", params={"src": url})
    assert (refused.status_code, "RECEIVING" in refused.text) == (409, True)
    eventually(raw, url, "READY")
    assert [row["ID"] for row in raw.rows(f"{url}/scans")] == ["1", "2"]
    counts = [raw.rows(f"{url}/scans/{scan}/resources")[0]["file_count"] for scan in "12"]
    assert counts == ["3", "3"]


def test_a_sender_that_is_done_need_not_wait(raw: Raw, tmp_path: Path) -> None:
    query = {"import-handler": "DICOM-zip"}
    url = send(raw, whole(tmp_path), "Committed", **query)
    assert status(raw, url) == "RECEIVING"
    committed = raw("POST", f"{url}?action=commit")
    assert (committed.status_code, committed.text) == (200, url)
    assert status(raw, url) == "READY"
    assert status(raw, send(raw, whole(tmp_path), "At_once", action="commit", **query)) == "READY"


def test_files_after_the_quiet_window_make_a_session_of_their_own(raw: Raw, tmp_path: Path) -> None:
    query = {"import-handler": "gradual-DICOM"}
    first = send(raw, image(tmp_path, 1).read_bytes(), "Late", **query)
    eventually(raw, first, "READY")
    assert send(raw, image(tmp_path, 2).read_bytes(), "Late", **query) != first


def test_a_zip_with_several_sessions_waits_and_none_is_archived(raw: Raw, tmp_path: Path) -> None:
    import pydicom

    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number in (1, 2):
            path = image(tmp_path, 1, number, f"{number}")
            data = pydicom.dcmread(path)
            data.StudyInstanceUID = f"1.2.77.{number}"
            data.save_as(path)
            archive.write(path, path.name)
    for query in ({}, {"dest": "/archive"}):
        params = {"project": "Q", "session": "Several", **query}
        answer = raw("POST", IMPORT, params=params, data=packed.getvalue())
        assert answer.status_code == 400
        assert "multiple imaging sessions" in answer.text
    rows = raw.rows("/data/prearchive/projects/Q")
    assert len([row for row in rows if row["project"] == "Q"]) == 4
    urls = send(raw, packed.getvalue(), "Several", project="Q", dest="/prearchive").split()
    assert [status(raw, url) for url in urls] == ["READY", "READY"]
    assert raw.rows("/data/experiments", label="Several") == []


# Orders --------------------------------------------------------------------------------------


def test_an_order_that_nobody_waits_for_is_carried_out(raw: Raw, tmp_path: Path) -> None:
    url = send(raw, whole(tmp_path), "Async")
    params = {"src": url, "async": "true"}
    (row,) = raw("POST", "/data/services/prearchive/rebuild", params=params).json()["ResultSet"][
        "Result"
    ]
    assert row["status"] in ("QUEUED_BUILDING", "BUILDING", "READY")
    eventually(raw, url, "READY")
    answer = raw("POST", "/data/services/archive", params=params)
    assert answer.status_code == 200
    end = time.monotonic() + 20
    while not raw.rows("/data/experiments", label="Async"):
        assert time.monotonic() < end
        time.sleep(0.05)


def test_of_several_sessions_the_answer_says_which_failed(raw: Raw, tmp_path: Path) -> None:
    send(raw, whole(tmp_path), "Taken", dest="/archive")
    urls = [send(raw, whole(tmp_path), name) for name in ("Free", "Taken")]
    params = [("src", url) for url in urls]
    answer = raw("POST", "/data/services/archive", params=params)
    assert answer.status_code == 200
    (row,) = answer.json()["ResultSet"]["Result"]
    assert (row["name"], row["status"]) == ("Taken", "CONFLICT")
    assert len(raw.rows("/data/experiments", label="Free")) == 1


def test_a_conflict_is_resolved_by_overwriting(raw: Raw, tmp_path: Path) -> None:
    send(raw, whole(tmp_path, 2), "More", dest="/archive")
    url = send(raw, whole(tmp_path, 5), "More")
    for params in ({"src": url}, {"src": url, "overwrite": "append"}):
        assert raw("POST", "/data/services/archive", params=params).status_code == 409
        assert status(raw, url) == "CONFLICT"
    params = {"src": url, "overwrite": "append", "overwrite_files": "true"}
    done = raw("POST", "/data/services/archive", params=params)
    assert done.status_code == 200
    uri = done.text.strip().replace("/data/archive", "/data")
    assert len(raw.rows(f"{uri}/scans/1/files")) == 5
    assert raw("GET", url).status_code == 404


def test_a_session_is_deleted_by_its_own_address(raw: Raw, tmp_path: Path) -> None:
    url = send(raw, whole(tmp_path), "Deleted")
    assert raw("DELETE", url).status_code == 200
    assert raw("GET", url).status_code == 404


def test_a_session_without_a_readable_file_is_an_error(
    raw: Raw, server: Server, tmp_path: Path
) -> None:
    url = send(raw, whole(tmp_path), "Broken")
    for path in (server.root / url.removeprefix("/data/").replace("projects/", "")).rglob("*.dcm"):
        path.write_bytes(b"no DICOM")
    params = {"src": url}
    assert raw("POST", "/data/services/prearchive/rebuild", params=params).status_code == 400
    assert status(raw, url) == "ERROR"


# Statuses ------------------------------------------------------------------------------------


@pytest.fixture
def prearchive(tmp_path: Path) -> Prearchive:
    resources = Resources(Store(tmp_path / "root"))
    resources.store.create("project", "P", "xnat:projectData", "P", None, "admin")
    return Prearchive(resources)


@pytest.fixture
def waiting(prearchive: Prearchive, tmp_path: Path) -> Waiting:
    (staged,) = prearchive.stage([image(tmp_path / "in")], Arrival("P", "S", "E"))
    return staged


def test_a_session_is_locked_while_something_is_done_with_it(
    prearchive: Prearchive, waiting: Waiting, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, finish = threading.Event(), threading.Event()
    real = importer.import_session

    def slow(*values: object, **options: object) -> object:
        begun.set()
        finish.wait(20)
        return real(*values, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(importer, "import_session", slow)
    prearchive.queue(waiting, "ARCHIVING")
    (found,) = prearchive.all()
    assert found.status == "QUEUED_ARCHIVING"
    thread = threading.Thread(target=prearchive.archive, args=(waiting, "admin"))
    thread.start()
    assert begun.wait(20)
    (found,) = prearchive.all()
    assert found.status == "ARCHIVING"
    for order in (prearchive.delete, prearchive.rebuild, lambda one: prearchive.move(one, "Q")):
        with pytest.raises(Refused, match="locked"):
            order(waiting)
    finish.set()
    thread.join()
    assert prearchive.all() == []


@pytest.mark.parametrize("left", ["ARCHIVING", "QUEUED_ARCHIVING", "BUILDING", "MOVING"])
def test_what_a_kill_left_half_done_can_be_done_again(
    prearchive: Prearchive, waiting: Waiting, left: str
) -> None:
    resources = prearchive._resources
    with resources.store.database.write() as connection:
        connection.execute("UPDATE prearchive SET status = ?", (left,))
        if left == "ARCHIVING":
            connection.execute("INSERT INTO archiving VALUES (?, ?, ?, 'E')", waiting.key)
    if left == "ARCHIVING":
        importer.import_session(resources, "P", "S", "E", [prearchive.folder(waiting)])
    prearchive.recover()
    assert resources.store.experiment("E", "P") is None
    (found,) = prearchive.all()
    assert found.status == "READY"
    assert prearchive.archive(found, "admin").label == "E"


@pytest.mark.parametrize("renamed", [False, True])
def test_a_move_that_a_kill_cut_short_leaves_one_session(
    prearchive: Prearchive, waiting: Waiting, renamed: bool
) -> None:
    moved = Waiting(**{**vars(waiting), "project": "Q", "status": "MOVING"})
    with prearchive._database.write() as connection:
        connection.execute("UPDATE prearchive SET status = 'MOVING'")
        prearchive._insert(connection, moved)
    prearchive.folder(moved).parent.mkdir(parents=True)
    if renamed:
        prearchive.folder(waiting).rename(prearchive.folder(moved))
    prearchive.recover()
    (found,) = prearchive.all()
    assert (found.project, found.status) == ("Q" if renamed else "P", "READY")
    assert list(prearchive.folder(found).rglob("*.dcm"))


def test_what_arrives_as_the_quiet_window_ends_is_in_the_session(
    prearchive: Prearchive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resources, real = prearchive._resources, prearchive._move_in
    arrival = Arrival("P", "S", "E", parts=True, autoarchive="AutoArchive")
    prearchive.stage([image(tmp_path / "in", 1)], arrival)

    def late(*values: object) -> None:
        # Meanwhile the window ends, and what is whole is looked for.
        prearchive._quiet = 0
        watch = threading.Thread(target=prearchive.archive_ready)
        watch.start()
        watch.join()
        real(*values)  # type: ignore[arg-type]

    monkeypatch.setattr(prearchive, "_move_in", late)
    prearchive.stage([image(tmp_path / "in", 2)], arrival)
    prearchive.archive_ready()
    session = resources.store.experiment("E", "P")
    assert session is not None
    (scan,) = resources.store.children(session, "scan")
    assert [one.file_count for one in resources.of(scan)] == [2]


def test_of_orders_that_cannot_all_be_taken_none_is(raw: Raw, tmp_path: Path) -> None:
    first = send(raw, whole(tmp_path), "Ordered1")
    query = {"import-handler": "gradual-DICOM"}
    second = send(raw, image(tmp_path, uid="7").read_bytes(), "Ordered2", **query)
    params = [("src", first), ("src", second), ("async", "true")]
    answer = raw("POST", "/data/services/archive", params=params)
    assert answer.status_code == 409
    assert status(raw, first) == "READY"


def test_parts_that_arrive_together_are_one_session(raw: Raw, tmp_path: Path) -> None:
    parts: list[bytes] = []
    for number in range(1, 7):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.write(image(tmp_path, number), f"{number}.dcm")
        parts.append(packed.getvalue())
    query = {"import-handler": "DICOM-zip"}
    with ThreadPoolExecutor(6) as pool:
        urls = set(pool.map(lambda part: send(raw, part, "Together", **query), parts))
    assert len(urls) == 1
    files = raw.rows(f"{urls.pop()}/scans/1/resources/DICOM/files")
    assert len(files) == 6
