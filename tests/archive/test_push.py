"""Push to a live archive that misbehaves on demand."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from localxnat_support import logged_in, served_study

from coil.archive.client import Address, Archive, connect
from coil.archive.listing import Session, list_sessions
from coil.archive.places import Place, Spot
from coil.archive.plan import Parcel
from coil.archive.push import push
from coil.errors import ArchiveError, DataError
from coil.files import md5
from localxnat.testing import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with served_study(tmp_path_factory.mktemp("archive")) as server:
        yield server


@pytest.fixture
def archive(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Archive]:
    with logged_in(server, monkeypatch) as connection:
        yield connection


@pytest.fixture
def session(archive: Archive) -> Session:
    return list_sessions(archive, "P")[0]


def base(session: Session) -> str:
    return f"/data/experiments/{session.id}"


def push_files(archive: Archive, base: str, label: str, sources: dict[str, Path]) -> dict:
    """Push files into one resource of the session or the project."""
    return push(
        archive, base, Parcel(label, {Spot(Place(label), n): p for n, p in sources.items()})
    )


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
