"""What archives do to their clients, one test each: a run ends right or says what is wrong."""

import re
import threading
from pathlib import Path
from typing import Any

import pytest

from coil.archive.client import Address, Archive, connect
from coil.archive.discover.discovery import discover
from coil.archive.listing import Session, list_sessions
from coil.archive.pull.session import Request, pull_session
from coil.archive.push.plan import Upload
from coil.archive.push.push import push
from coil.archive.resources import Resource, ResourceFile
from coil.config.reading import read_project
from coil.errors import ArchiveError, CoilError, DataError
from coil.files import md5
from coil.records.pulled import ArchiveNames
from localxnat.testing import Server, seed
from localxnat.tests.support import Raw, write_dicom

ZIP = "files.*format=zip"
LISTING = "scans/ALL/files.*format=json"


@pytest.fixture
def raw(server: Server) -> Raw:
    return Raw(server)


def pull(archive: Archive, raw: Raw, session: Session, out: Path) -> None:
    """Pull, and compare the whole tree with the archive's files."""
    pull_session(archive, Request(session.id, session.scans, [], ArchiveNames()), out)
    assert pulled(out) == stored(raw, session)


def pulled(out: Path) -> list[str]:
    return sorted(md5(path) for path in (out / "series").rglob("*.dcm"))


def stored(raw: Raw, session: Session) -> list[str]:
    rows = raw.rows(f"/data/experiments/{session.id}/scans/ALL/files")
    return sorted(row["digest"] for row in rows if row["collection"] in ("DICOM", "secondary"))


def base(session: Session) -> str:
    return f"/data/experiments/{session.id}"


def upload(tmp_path: Path, label: str, text: str = "a page") -> Upload:
    path = tmp_path / "report.html"
    path.write_text(text)
    return Upload(label, {ResourceFile(Resource(label), "report.html"): path})


def held(raw: Raw, session: Session, label: str) -> bytes:
    return raw("GET", f"{base(session)}/resources/{label}/files/report.html").content


def look(server: Server, root: Path, project: str = "P") -> Any:
    """Discovery as an invocation does it."""
    root.mkdir(exist_ok=True)
    (root / "study.yaml").write_text(
        f"project: {project}\n"
        f"archive: {{server: '{server.url}'}}\n"
        "bids: {name: Study, mapping: [{match: {series_description: x}, ignore: not needed}]}\n"
    )
    return discover("study", read_project(root / "study.yaml", "study.yaml"), root)


def asked(server: Server, since: int, pattern: str) -> list[str]:
    return [line for line in server.requests()[since:] if re.search(pattern, line)]


def test_01_an_upload_that_a_file_forestalled_is_not_taken_for_done(
    archive: Archive, session: Session, raw: Raw, tmp_path: Path, server: Server
) -> None:
    # Ours waits long enough for another to arrive; it is answered with 200 all the same.
    server.faults({"method": "PUT", "path": "report.html.content=coil", "fault": {"delay": 1}})
    theirs = f"{base(session)}/resources/one/files/report.html"
    other = threading.Timer(0.2, lambda: raw("PUT", theirs, data=b"somebody else's"))
    other.start()
    with pytest.raises(DataError, match="did not write"):
        push(archive, base(session), upload(tmp_path, "one"))
    assert held(raw, session, "one") == b"somebody else's"


@pytest.mark.parametrize("end", ["close", "clean", "short", "reset"])
def test_02_a_stream_that_is_cut_off_is_not_taken_for_whole(
    archive: Archive, session: Session, raw: Raw, tmp_path: Path, server: Server, end: str
) -> None:
    server.faults({"path": ZIP, "fault": {"truncate": 4000, "end": end}})
    pull(archive, raw, session, tmp_path / "out")


@pytest.mark.parametrize("status", [200, 302])
@pytest.mark.parametrize("path", [ZIP, LISTING])
def test_03_a_login_page_is_not_taken_for_data(
    archive: Archive,
    session: Session,
    raw: Raw,
    tmp_path: Path,
    server: Server,
    status: int,
    path: str,
) -> None:
    server.faults({"path": path, "fault": {"login_page": status}})
    try:
        pull(archive, raw, session, tmp_path / "out")
    except ArchiveError as error:
        assert "log" in str(error)
        assert not (tmp_path / "out" / "pulled.json").exists()


@pytest.mark.parametrize("when", ["before", "during"])
@pytest.mark.parametrize("path", [ZIP, LISTING])
def test_04_a_login_that_ends_in_the_middle_ends_nothing_else(
    archive: Archive,
    session: Session,
    raw: Raw,
    tmp_path: Path,
    server: Server,
    when: str,
    path: str,
) -> None:
    server.faults({"path": path, "fault": {"expire": when}})
    pull(archive, raw, session, tmp_path / "out")
    label = f"four{when}{len(path)}"
    server.faults({"method": "PUT", "path": f"{label}/files", "fault": {"expire": when}})
    push(archive, base(session), upload(tmp_path, label))
    assert held(raw, session, label) == b"a page"


def test_05_no_login_outlives_its_work_whatever_happens(
    server: Server, session: Session, raw: Raw, tmp_path: Path
) -> None:
    before = len(server.requests())
    server.faults({"path": LISTING, "times": 0, "fault": {"status": 500}})
    for _ in range(3):
        with pytest.raises(ArchiveError), connect(Address(server.url)) as archive:
            pull(archive, raw, session, tmp_path / "out")
    opened = asked(server, before, "(PUT|POST) /data/(services/auth|JSESSION).* 200")
    closed = asked(server, before, "DELETE /data/JSESSION.* 200")
    assert len(opened) == len(closed)


def test_06_an_overloaded_gateway_is_asked_again_and_nothing_is_sent_twice(
    archive: Archive, session: Session, tmp_path: Path, server: Server, raw: Raw
) -> None:
    server.faults(
        {"path": ZIP, "fault": {"status": 503, "retry_after": 1}},
        {"path": LISTING, "times": 2, "fault": {"status": 502, "retry_after": 0}},
    )
    pull(archive, raw, session, tmp_path / "out")
    server.faults({"method": "PUT", "path": "files/report.html", "fault": {"status": 504}})
    before = len(server.requests())
    push(archive, base(session), upload(tmp_path, "six"))
    assert held(raw, session, "six") == b"a page"
    # The second is sent by our own decision, after a look at what the first one did.
    lines = asked(server, before, "six/files")
    puts = [number for number, line in enumerate(lines) if "PUT" in line and "report" in line]
    assert len(puts) == 2
    assert any(line.startswith("GET") for line in lines[puts[0] : puts[1]])


def test_07_an_address_that_the_server_understands_otherwise_is_never_used(
    archive: Archive, session: Session, raw: Raw, tmp_path: Path, server: Server
) -> None:
    before = len(server.requests())
    look(server, tmp_path / "work")
    pull(archive, raw, session, tmp_path / "out")
    push(archive, base(session), upload(tmp_path, "seven"))
    assert asked(server, before, r" /data/projects/[^/?]+/experiments/[^/?]+/") == []
    assert len(asked(server, before, " /data/experiments/")) > 4


def test_08_a_resource_that_exists_already_is_used(
    archive: Archive, session: Session, raw: Raw, tmp_path: Path, server: Server
) -> None:
    assert raw("PUT", f"{base(session)}/resources/eight").status_code in (200, 201)
    server.faults({"method": "PUT", "path": "eight/files/report", "fault": {"twice": True}})
    push(archive, base(session), upload(tmp_path, "eight"))
    assert held(raw, session, "eight") == b"a page"


def test_09_bytes_that_the_site_rewrote_are_compared_with_its_own_digests(
    archive: Archive, raw: Raw, tmp_path: Path, server: Server
) -> None:
    session = one_file(archive, raw, tmp_path, "anonymised")
    kept = next((server.root / "archive").rglob("anonymised.dcm"))
    kept.write_bytes(kept.read_bytes().replace(b"Doe^Jane", b"removed^"))
    with pytest.raises(ArchiveError, match="refresh the session's catalog"):
        pull(archive, raw, session, tmp_path / "out")
    resource = f"/archive/experiments/{session.id}/scans/3/resources/DICOM"
    query = {"resource": resource, "options": "checksum,append,delete,populateStats"}
    assert raw("POST", "/data/services/refresh/catalog", params=query).status_code == 200
    pull(archive, raw, session, tmp_path / "out")
    assert pulled(tmp_path / "out") == [md5(kept)]


def one_file(archive: Archive, raw: Raw, tmp_path: Path, label: str) -> Session:
    """A session of its own, with one scan of one file that has the session's name."""
    path = f"/data/projects/P/subjects/S/experiments/{label}"
    raw("PUT", f"{path}?xsiType=xnat:mrSessionData")
    raw("PUT", f"{path}/scans/3?xsiType=xnat:mrScanData")
    file = write_dicom(tmp_path / "x.dcm", 3, "t1", "3", "1.2.840.10008.5.1.4.1.1.4", "MR", 1)
    put = f"{path}/scans/3/resources/DICOM/files/{label}.dcm"
    assert raw("PUT", put, data=file.read_bytes()).status_code == 200
    return next(one for one in list_sessions(archive, "P") if one.label == label)


def test_10_a_session_that_the_archive_is_still_receiving_is_not_taken(
    archive: Archive, raw: Raw, tmp_path: Path, server: Server
) -> None:
    session = one_file(archive, raw, tmp_path, "growing")
    slice_ = write_dicom(tmp_path / "x.dcm", 3, "t1", "3", "1.2.840.10008.5.1.4.1.1.4", "MR", 2)
    where = {"project": "P", "subject": "S", "session": "growing"}
    query = {**where, "import-handler": "gradual-DICOM"}
    raw("POST", "/data/services/import", params=query, data=slice_.read_bytes())
    assert "1 waiting: the archive is still receiving it" in str(look(server, tmp_path / "work"))
    server.faults({"path": ZIP, "fault": {"delay": 0.5}})
    more = f"{base(session)}/scans/3/resources/DICOM/files/more.dcm"
    scanner = threading.Timer(0.2, lambda: raw("PUT", more, data=b"the next slice"))
    scanner.start()
    with pytest.raises(ArchiveError, match="still changing"):
        pull(archive, raw, session, tmp_path / "out")
    scanner.join()
    assert not (tmp_path / "out" / "pulled.json").exists()


def test_11_what_the_archive_refuses_is_told_and_not_sent_again(
    archive: Archive, session: Session, tmp_path: Path, server: Server
) -> None:
    server.faults({"method": "PUT", "path": "eleven", "times": 0, "fault": {"status": 400}})
    before = len(server.requests())
    with pytest.raises(CoilError, match="400"):
        push(archive, base(session), upload(tmp_path, "eleven"))
    assert len(asked(server, before, "PUT .*eleven")) == 1


def test_12_a_failure_inside_a_200_is_read(
    archive: Archive, session: Session, raw: Raw, tmp_path: Path, server: Server
) -> None:
    server.faults({"path": "/experiments\\?", "times": 0, "fault": {"login_page": 200}})
    with pytest.raises(ArchiveError):
        look(server, tmp_path / "work")
    assert not list((tmp_path / "work").rglob("sessions.tsv"))


def test_13_what_this_login_may_not_see_is_told_as_such(
    archive: Archive, session: Session, raw: Raw, tmp_path: Path, server: Server
) -> None:
    for status in (403, 404):
        server.faults({"path": ZIP, "times": 0, "fault": {"status": status}})
        with pytest.raises(ArchiveError, match=f"{status}"):
            pull(archive, raw, session, tmp_path / "out")
    server.faults()
    with pytest.raises(CoilError, match="no such project, or this login may not see it"):
        look(server, tmp_path / "work", "NOWHERE")


def test_14_a_stale_catalog_is_told_and_a_blank_digest_is_unknown(
    archive: Archive, raw: Raw, tmp_path: Path, server: Server
) -> None:
    session = one_file(archive, raw, tmp_path, "stale")
    server.faults({"path": LISTING, "fault": {"digest": "blank"}})
    pull(archive, raw, session, tmp_path / "out")
    next((server.root / "archive").rglob("stale.dcm")).unlink()
    with pytest.raises(ArchiveError, match="refresh the session's catalog"):
        pull(archive, raw, session, tmp_path / "out")
    assert not (tmp_path / "out" / "pulled.json").exists()


def test_15_a_project_of_any_size_takes_as_many_requests_as_a_small_one(
    archive: Archive, tmp_path: Path, server: Server
) -> None:
    counts = []
    for project, size in (("SMALL", 2), ("BIG", 400)):
        seed(server.root, project, size)
        before = len(server.requests())
        look(server, tmp_path / project, project)
        counts.append(len(server.requests()) - before)
    assert counts[0] == counts[1]
