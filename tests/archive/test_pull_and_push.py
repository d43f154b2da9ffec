"""Pull and push against a live archive that misbehaves on demand."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from localxnat_support import write_dicom, write_study

from coil.archive import pull as pulling
from coil.archive.client import Address, Archive, connect
from coil.archive.listing import Session, list_sessions
from coil.archive.pull import Request, pull_session
from coil.archive.push import push_files
from coil.errors import ArchiveError, DataError
from coil.files import md5, read_json
from localxnat.testing import Server, import_dicom, running

ZIP = "files.*format=zip"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("archive")
    import_dicom(folder / "root", "P", "S", "E", write_study(folder / "study"))
    with running(folder / "root") as server:
        yield server


@pytest.fixture
def archive(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Archive]:
    """A connection; no fault is left from a test before."""
    monkeypatch.setenv("XNAT_USER", server.user)
    monkeypatch.setenv("XNAT_PASS", server.password)
    monkeypatch.setattr(pulling, "PAUSES", (0.0,))
    server.faults()
    with connect(Address(server.url)) as connection:
        yield connection
    server.faults()


@pytest.fixture
def session(archive: Archive) -> Session:
    return list_sessions(archive, "P")[0]


def request(session: Session) -> Request:
    return Request(session.id, session.scans, [], {"session_id": session.id})


def pulled_files(folder: Path) -> list[Path]:
    return sorted(path for path in (folder / "series").rglob("*") if path.is_file())


def test_a_pull_has_every_file_once_with_the_bytes_of_the_archive(
    archive: Archive, session: Session, tmp_path: Path, server: Server
) -> None:
    pull_session(archive, request(session), tmp_path / "out")
    stored = list((server.root / "archive").rglob("*.dcm"))
    assert len(stored) == 10
    assert sorted(map(md5, pulled_files(tmp_path / "out"))) == sorted(map(md5, stored))


def test_names_in_the_quarantine_are_neutral_and_there_is_a_folder_for_each_series(
    archive: Archive, session: Session, tmp_path: Path
) -> None:
    pull_session(archive, request(session), tmp_path / "out")
    rows = read_json(tmp_path / "out" / "pulled.json")["scans"]
    assert [(row["scan"], row["folder"], row["files"]) for row in rows] == [
        ("2", "series/001", 3),
        ("4", "series/002", 2),
        ("6-MR1", "series/003", 2),
        ("6-MR2", "series/004", 2),
        ("99", "series/005", 1),
    ]
    names = {path.name for path in pulled_files(tmp_path / "out")}
    assert names <= {f"{number:06d}.dcm" for number in range(1, 11)}


def test_a_pull_asks_two_things_of_the_archive(
    archive: Archive, session: Session, tmp_path: Path, server: Server
) -> None:
    before = len(server.requests())
    pull_session(archive, request(session), tmp_path / "out")
    assert len(server.requests()) - before == 2


def test_only_the_chosen_scans_are_pulled(
    archive: Archive, session: Session, tmp_path: Path
) -> None:
    chosen = [scan for scan in session.scans if scan.scan in ("4", "6-MR2")]
    pull_session(archive, Request(session.id, chosen, [], {}), tmp_path / "out")
    assert len(pulled_files(tmp_path / "out")) == 4


@pytest.mark.parametrize(
    "fault",
    [
        {"truncate": 600, "end": "close"},
        {"truncate": 600, "end": "clean"},
        {"truncate": 600, "end": "short"},
        {"login_page": 200},
        {"status": 503, "retry_after": 0},
    ],
    ids=lambda fault: "-".join(map(str, fault.values())),
)
def test_a_transfer_that_breaks_once_is_begun_anew(
    archive: Archive, session: Session, tmp_path: Path, server: Server, fault: dict
) -> None:
    server.faults({"path": ZIP, "fault": fault})
    pull_session(archive, request(session), tmp_path / "out")
    assert len(pulled_files(tmp_path / "out")) == 10


@pytest.mark.parametrize("end", ["close", "clean", "short"])
def test_a_transfer_that_always_breaks_leaves_nothing_to_trust(
    archive: Archive, session: Session, tmp_path: Path, server: Server, end: str
) -> None:
    server.faults({"path": ZIP, "times": 0, "fault": {"truncate": 600, "end": end}})
    with pytest.raises(ArchiveError):
        pull_session(archive, request(session), tmp_path / "out")
    assert not (tmp_path / "out" / "pulled.json").exists()


def test_bytes_that_the_digests_do_not_know_are_refused(
    archive: Archive, session: Session, tmp_path: Path, server: Server
) -> None:
    server.faults({"path": "scans/ALL/files", "fault": {"digest": "wrong"}})
    with pytest.raises(ArchiveError, match="other bytes than the archive lists"):
        pull_session(archive, request(session), tmp_path / "out")


def test_a_blank_digest_is_unknown_and_not_wrong(
    archive: Archive, session: Session, tmp_path: Path, server: Server
) -> None:
    server.faults({"path": "scans/ALL/files", "fault": {"digest": "blank"}})
    pull_session(archive, request(session), tmp_path / "out")
    assert len(pulled_files(tmp_path / "out")) == 10


def test_a_file_that_is_no_dicom_is_named_by_its_scan(
    archive: Archive, tmp_path: Path, server: Server
) -> None:
    write_dicom(tmp_path / "x" / "1.dcm", 3, "t1", "3", "1.2.840.10008.5.1.4.1.1.4", "MR", 1)
    import_dicom(server.root, "Q", "S", "broken", tmp_path / "x")
    (session,) = list_sessions(archive, "Q")
    path = f"/data/experiments/{session.id}/scans/3/resources/DICOM/files/2.dcm"
    archive.put(path, data=b"this is no DICOM file, whatever its name says")
    (session,) = list_sessions(archive, "Q")
    with pytest.raises(DataError, match=r"^scan 3: file \d .*is not a readable DICOM file"):
        pull_session(archive, request(session), tmp_path / "out")


def base(session: Session) -> str:
    return f"/data/experiments/{session.id}"


def page(tmp_path: Path, text: str) -> dict[str, Path]:
    path = tmp_path / "page.html"
    path.write_text(text)
    return {"report.html": path}


def test_what_is_pushed_is_read_back_with_its_digest(
    archive: Archive, session: Session, tmp_path: Path
) -> None:
    sources = page(tmp_path, "one")
    receipt = push_files(archive, base(session), "first", sources)
    assert receipt["files"] == {"report.html": md5(sources["report.html"])}
    assert receipt["pushed"] == ["report.html"]


def test_a_second_push_of_the_same_bytes_sends_nothing(
    archive: Archive, session: Session, tmp_path: Path
) -> None:
    push_files(archive, base(session), "second", page(tmp_path, "one"))
    receipt = push_files(archive, base(session), "second", page(tmp_path, "one"))
    assert (receipt["pushed"], receipt["unchanged"]) == ([], ["report.html"])


def test_what_this_workflow_wrote_is_replaced(
    archive: Archive, session: Session, tmp_path: Path
) -> None:
    push_files(archive, base(session), "third", page(tmp_path, "one"))
    receipt = push_files(archive, base(session), "third", page(tmp_path, "two"))
    assert receipt["pushed"] == ["report.html"]


def test_what_somebody_else_wrote_is_left_alone(
    archive: Archive, session: Session, tmp_path: Path
) -> None:
    resource = f"{base(session)}/resources/fourth"
    archive.put(resource)
    archive.put(f"{resource}/files/report.html", data=b"a colleague's")
    with pytest.raises(DataError, match="that this workflow did not write"):
        push_files(archive, base(session), "fourth", page(tmp_path, "ours"))
    with archive.stream(f"{resource}/files/report.html") as chunks:
        assert b"".join(chunks) == b"a colleague's"


def test_what_somebody_changed_after_us_is_left_alone(
    archive: Archive, session: Session, tmp_path: Path
) -> None:
    push_files(archive, base(session), "fifth", page(tmp_path, "one"))
    file = f"{base(session)}/resources/fifth/files/report.html"
    archive.put(file, data=b"annotated by hand", overwrite="true")
    with pytest.raises(DataError, match="that this workflow did not write"):
        push_files(archive, base(session), "fifth", page(tmp_path, "two"))


def test_a_push_cut_off_after_its_upload_knows_its_own_file_the_next_time(
    archive: Archive, session: Session, tmp_path: Path, server: Server
) -> None:
    push_files(archive, base(session), "sixth", page(tmp_path, "one"))
    # The listing after the upload fails, so that the receipt is not settled.
    server.faults(
        {"path": "sixth/files\\?", "skip": 1, "times": 0, "fault": {"status": 500}},
    )
    with pytest.raises(ArchiveError):
        push_files(archive, base(session), "sixth", page(tmp_path, "two"))
    server.faults()
    receipt = push_files(archive, base(session), "sixth", page(tmp_path, "three"))
    assert receipt["pushed"] == ["report.html"]


def test_a_login_without_a_password_does_not_wait_for_one(
    server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XNAT_USER", "admin")
    monkeypatch.delenv("XNAT_PASS", raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))
    with (
        pytest.raises(ArchiveError, match="XNAT_PASS is not"),
        connect(Address("http://localhost:1")),
    ):
        pass
