"""A session's de-identified copy in another project, on a live archive."""

from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
import requests

from coil.archive.client import Archive
from coil.archive.push import mirror
from coil.archive.push.mirror import Copy, Scan
from coil.errors import ArchiveError, DataError, RefusedError
from coil.files import md5
from localxnat.testing import Server
from tests.support import elsewhere

SECRET = b"0123456789abcdef0123456789abcdef"
ABOUT = {"xsiType": "xnat:mrSessionData", "date": "1911-05-01", "UID": "2.25.1"}
PROJECTS = count()


@pytest.fixture
def other(archive: Archive) -> str:
    """An empty project beside the study's."""
    name = f"{elsewhere.PREFIX}OTHER{next(PROJECTS)}"
    archive.put(f"/data/projects/{name}")
    return name


def copy_in(project: str, subject: str = "x1", session: str = "y1", origin: str = "P") -> Copy:
    return Copy.of(project, (subject, session), SECRET, origin, origin)


def scan(folder: Path, ident: str = "4", files: int = 3, text: str = "one") -> Scan:
    """A scan whose files say `text`."""
    place = folder / f"{ident}_{text}"
    place.mkdir(exist_ok=True)
    paths = [place / f"{number:06d}.dcm" for number in range(1, files + 1)]
    for path in paths:
        path.write_text(f"{text} {path.name}")
    return Scan(ident, "xnat:mrScanData", "task-rest_bold", f"2.25.{ident}", tuple(paths))


def held(archive: Archive, copy: Copy) -> dict[str, str]:
    """Name and digest of all files of the copy's scans."""
    found = mirror.find(archive, copy)
    assert found
    rows = archive.rows(f"{found.base}/scans/ALL/files", absent_ok=True)
    rows = [row for row in rows if row["collection"] == "DICOM"]
    return {f"{r['URI'].split('/scans/')[1].split('/')[0]}/{r['Name']}": r["digest"] for r in rows}


def writes(server: Server, since: int) -> list[str]:
    return [line for line in server.requests()[since:] if line.startswith(("PUT", "DELETE"))]


def test_a_session_arrives_with_its_scans_and_reads_back(
    archive: Archive, other: str, tmp_path: Path
) -> None:
    copy = copy_in(other)
    scans = [scan(tmp_path, "4"), scan(tmp_path, "6-MR1")]
    done = mirror.send(archive, copy, scans, ABOUT)
    assert len(done.pushed) == 6
    wanted = {f"{s.id}/{path.name}": md5(path) for s in scans for path in s.files}
    assert held(archive, copy) == wanted
    item = archive.item(f"/data/projects/{other}/experiments/x1_y1")
    assert item and item.meta.xsi_type == "xnat:mrSessionData"
    assert item.text("date") == "1911-05-01"
    assert {row["label"] for row in archive.rows(f"/data/projects/{other}/subjects")} == {"x1"}


def numbered(folder: Path, uid: str, ident: str) -> Scan:
    """A series of the number 6, as an export that has it alone or with others calls it."""
    return replace(scan(folder, ident, text=uid), uid=uid, number="6", later="6-MR")


def test_a_second_series_of_a_number_is_called_as_on_an_import_and_the_first_stays(
    archive: Archive, other: str, tmp_path: Path
) -> None:
    copy = copy_in(other)
    mirror.send(archive, copy, [numbered(tmp_path, "2.25.9", "6")], ABOUT)
    both = [numbered(tmp_path, "2.25.1", "6-MR1"), numbered(tmp_path, "2.25.9", "6-MR2")]
    would = mirror.dry_run(archive, copy, both).would
    done = mirror.send(archive, copy, both, ABOUT)
    assert {name.split("/")[1] for name in done.pushed} == {"6-MR1"}
    assert {name.split("/")[1] for name, what in would.items() if what == "create"} == {"6-MR1"}
    assert {name.split("/")[0] for name in held(archive, copy)} == {"6", "6-MR1"}
    assert mirror.send(archive, copy, both, ABOUT).pushed == ()
    assert mirror.send(archive, copy, both[:1], ABOUT).removed[-1] == "scans/6"


def test_the_files_of_a_new_scan_are_one_request(
    archive: Archive, server: Server, other: str, tmp_path: Path
) -> None:
    before = len(server.requests())
    mirror.send(archive, copy_in(other), [scan(tmp_path, files=40)], ABOUT)
    # The subject, the session, the receipt, the scan, its files, the receipt.
    assert len(writes(server, before)) == 6


def test_a_second_push_writes_nothing(
    archive: Archive, server: Server, other: str, tmp_path: Path
) -> None:
    copy = copy_in(other)
    mirror.send(archive, copy, [scan(tmp_path)], ABOUT)
    before = len(server.requests())
    done = mirror.send(archive, copy, [scan(tmp_path)], ABOUT)
    assert (done.pushed, len(done.unchanged)) == ((), 3)
    assert writes(server, before) == []


def test_a_changed_session_replaces_its_own_files_and_loses_the_series_that_went(
    archive: Archive, other: str, tmp_path: Path
) -> None:
    copy = copy_in(other)
    mirror.send(archive, copy, [scan(tmp_path, "4"), scan(tmp_path, "5")], ABOUT)
    found = mirror.find(archive, copy)
    assert found
    note = f"{found.base}/scans/4/resources/NOTES/files/note.txt"
    archive.put(note, data=b"a colleague's")
    changed = scan(tmp_path, "4", text="two")
    done = mirror.send(archive, copy, [changed], ABOUT)
    assert [*done.pushed] == [f"scans/4/DICOM/{path.name}" for path in changed.files]
    assert "scans/5" in done.removed
    assert held(archive, copy) == {f"4/{path.name}": md5(path) for path in changed.files}
    with archive.stream(note) as chunks:
        assert b"".join(chunks) == b"a colleague's"


def test_a_file_that_somebody_changed_there_is_left_alone(
    archive: Archive, other: str, tmp_path: Path
) -> None:
    copy = copy_in(other)
    mirror.send(archive, copy, [scan(tmp_path)], ABOUT)
    found = mirror.find(archive, copy)
    assert found
    file = f"{found.base}/scans/4/resources/DICOM/files/000002.dcm"
    archive.put(file, data=b"edited by hand", overwrite="true")
    done = mirror.send(archive, copy, [scan(tmp_path, text="two")], ABOUT)
    assert done.left and done.pushed == ()
    with archive.stream(file) as chunks:
        assert b"".join(chunks) == b"edited by hand"


@pytest.mark.parametrize("theirs", ["session", "subject"])
def test_somebody_elses_session_or_subject_of_the_label_is_not_touched(
    archive: Archive, server: Server, other: str, tmp_path: Path, theirs: str
) -> None:
    address = f"/data/projects/{other}/subjects/x1"
    archive.put(address)
    if theirs == "session":
        archive.put(f"{address}/experiments/x1_y1", xsiType="xnat:mrSessionData")
    before = len(server.requests())
    with pytest.raises(DataError, match=f"a {theirs} of this label"):
        mirror.send(archive, copy_in(other), [scan(tmp_path)], ABOUT)
    if theirs == "session":
        with pytest.raises(DataError):
            mirror.withdraw(archive, copy_in(other))
    assert writes(server, before) == []


def test_the_copy_of_another_source_is_somebody_elses(
    archive: Archive, other: str, tmp_path: Path
) -> None:
    mirror.send(archive, copy_in(other), [scan(tmp_path)], ABOUT)
    with pytest.raises(DataError, match="this workflow did not make"):
        mirror.send(archive, copy_in(other, origin="Q"), [scan(tmp_path)], ABOUT)


def test_a_copy_that_is_withdrawn_goes_with_its_subject(
    archive: Archive, other: str, tmp_path: Path
) -> None:
    first, second = copy_in(other), copy_in(other, session="y2")
    for copy in (first, second):
        mirror.send(archive, copy, [scan(tmp_path)], ABOUT)
    assert mirror.withdraw(archive, first).removed == ("x1_y1",)
    assert mirror.list_labels(archive, other) == {"x1_y2"}
    mirror.withdraw(archive, second)
    assert archive.rows(f"/data/projects/{other}/subjects") == []
    assert mirror.withdraw(archive, second).removed == ()


@pytest.mark.parametrize(
    "place", ["resources/NOTES", "scans/4/resources/NIFTI", "scans/4/resources/DICOM"]
)
def test_what_others_added_to_a_withdrawn_copy_stays_and_is_told(
    archive: Archive, other: str, tmp_path: Path, place: str
) -> None:
    copy = copy_in(other)
    mirror.send(archive, copy, [scan(tmp_path)], ABOUT)
    found = mirror.find(archive, copy)
    assert found
    archive.put(f"{found.base}/{place}/files/theirs.txt", data=b"theirs")
    done = mirror.withdraw(archive, copy)
    assert len(done.removed) == 3 and done.left
    with archive.stream(f"{found.base}/{place}/files/theirs.txt") as chunks:
        assert b"".join(chunks) == b"theirs"
    assert not [name for name in held(archive, copy) if name.endswith(".dcm")]


def test_an_unknown_project_is_told_in_one_line(archive: Archive, tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="no such project") as refused:
        mirror.send(archive, copy_in("NOWHERE"), [scan(tmp_path)], ABOUT)
    assert "\n" not in str(refused.value)


def test_another_name_of_the_project_itself_is_refused(
    archive: Archive, other: str, tmp_path: Path
) -> None:
    archive.put(f"/data/projects/{other}", alias=f"{other}_too")
    copy = copy_in(f"{other}_too", origin=other)
    with pytest.raises(DataError, match="another name of the project itself"):
        mirror.send(archive, copy, [scan(tmp_path)], ABOUT)


LATE = {
    "503 after it was done": {"status": 503, "done": True},
    "503 before": {"status": 503},
    "the login ended": {"expire": "before"},
    "the answer is cut": {"truncate": 0, "end": "close"},
}


@pytest.mark.parametrize(
    "request_", ["subjects/x1\\?", "experiments/x1_y1", "scans/4\\?", "files.zip", "receipt"]
)
@pytest.mark.parametrize("fault", LATE.values(), ids=LATE)
def test_a_request_that_goes_wrong_once_ends_right(
    archive: Archive, server: Server, other: str, tmp_path: Path, fault: dict, request_: str
) -> None:
    server.faults({"method": "PUT", "path": request_, "fault": fault})
    mirror.send(archive, copy_in(other), [scan(tmp_path)], ABOUT)
    assert len(held(archive, copy_in(other))) == 3
    assert mirror.send(archive, copy_in(other), [scan(tmp_path)], ABOUT).pushed == ()


@pytest.mark.parametrize(
    "request_", ["experiments/x1_y1", "scans/4\\?", "files.zip", "files/0000", "receipt"]
)
def test_a_push_that_ends_in_the_middle_is_carried_on_by_the_next(
    archive: Archive, server: Server, other: str, tmp_path: Path, request_: str
) -> None:
    fault = {"status": 500}
    rules = [{"method": "PUT", "path": request_, "times": 0, "fault": fault}]
    if request_ == "files/0000":
        rules.append({"method": "PUT", "path": "files.zip", "times": 0, "fault": fault})
    server.faults(*rules)
    if request_ == "files.zip":  # then file by file
        mirror.send(archive, copy_in(other), [scan(tmp_path)], ABOUT)
    else:
        with pytest.raises(ArchiveError):
            mirror.send(archive, copy_in(other), [scan(tmp_path)], ABOUT)
    server.faults()
    mirror.send(archive, copy_in(other), [scan(tmp_path, text="two")], ABOUT)
    wanted = scan(tmp_path, text="two")
    assert held(archive, copy_in(other)) == {f"4/{p.name}": md5(p) for p in wanted.files}


def test_no_name_of_the_source_reaches_the_other_project(
    archive: Archive, server: Server, other: str, tmp_path: Path
) -> None:
    copy = Copy.of(other, ("x1", "y1"), SECRET, "SECRETPROJECT", "SECRETPROJECT")
    before = len(server.requests())
    mirror.send(archive, copy, [scan(tmp_path)], ABOUT)
    told = "".join(server.requests()[before:])
    login = (server.user, server.password)
    for path in (
        "experiments/x1_y1",
        "subjects/x1",
        "experiments/x1_y1/resources/coil/files/receipt.json",
    ):
        url = f"{server.url}/data/projects/{other}/{path}?format=json"
        told += requests.get(url, auth=login, timeout=20).text
    assert "SECRETPROJECT" not in told
