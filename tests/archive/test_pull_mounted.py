"""Pulls where the archive's own folder is mounted, in both layouts that XNATs have."""

import shutil
from pathlib import Path

import pytest

from coil.archive import contents
from coil.archive.client import Archive
from coil.archive.listing import Session
from coil.archive.pull import mounted
from coil.archive.pull.session import Request, pull_session
from coil.files import md5
from coil.records.pulled import ArchiveNames
from localxnat.testing import Server

LAYOUTS = ["projects/P/experiments/E", "P/arc001/E", "P/arc002/E"]


def mount(archive: Archive, server: Server, session: Session, folder: Path) -> list[Path]:
    """The session's files laid out in `folder` as an XNAT's archive has them."""
    stored = {md5(path): path for path in (server.root / "archive").rglob("*.dcm")}
    made = []
    for file in contents.list_files(archive, session.id, []):
        path = folder / "SCANS" / file.scan / file.resource / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        made.append(Path(shutil.copy(stored[file.digest], path)))
    return made


def pull(archive: Archive, session: Session, mounted_at: Path, out: Path) -> list[str]:
    """The digests of what is pulled."""
    folder = mounted.find_session(str(mounted_at), "P", session.label)
    pull_session(archive, Request(session.id, session.scans, [], ArchiveNames(), folder), out)
    return sorted(md5(path) for path in (out / "series").rglob("*.dcm"))


def digests(server: Server) -> list[str]:
    return sorted(md5(path) for path in (server.root / "archive").rglob("*.dcm"))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_mounted_archive_is_asked_for_a_listing_and_nothing_else(
    archive: Archive, session: Session, server: Server, tmp_path: Path, layout: str
) -> None:
    mount(archive, server, session, tmp_path / "mount" / layout)
    before = len(server.requests())
    assert pull(archive, session, tmp_path / "mount", tmp_path / "out") == digests(server)
    assert len(server.requests()) - before == 1


def test_what_is_missing_or_differs_in_the_mounted_archive_comes_over_the_network(
    archive: Archive,
    session: Session,
    server: Server,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    files = mount(archive, server, session, tmp_path / "mount" / LAYOUTS[0])
    files[0].unlink()
    altered = bytearray(files[1].read_bytes())
    altered[-1] ^= 1
    files[1].write_bytes(altered)
    files[2].write_bytes(b"half")
    with caplog.at_level("INFO", "coil"):
        assert pull(archive, session, tmp_path / "mount", tmp_path / "out") == digests(server)
    assert "7 of 10 files from the mounted archive, the others come over the network" in caplog.text


def test_a_mounted_file_without_a_digest_to_compare_with_is_not_trusted(
    archive: Archive, session: Session, server: Server, tmp_path: Path
) -> None:
    files = mount(archive, server, session, tmp_path / "mount" / LAYOUTS[0])
    files[0].write_bytes(bytes(files[0].stat().st_size))
    server.faults({"path": "scans/ALL/files", "fault": {"digest": "blank"}})
    assert pull(archive, session, tmp_path / "mount", tmp_path / "out") == digests(server)


def test_xnat_data_tells_where_the_archive_is_mounted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / LAYOUTS[0]).mkdir(parents=True)
    monkeypatch.setenv("XNAT_DATA", str(tmp_path))
    assert mounted.find_session(None, "P", "E") == tmp_path / LAYOUTS[0]
    assert mounted.find_session(None, "P", "another") is None
    monkeypatch.delenv("XNAT_DATA")
    assert mounted.find_session(None, "P", "E") is None
