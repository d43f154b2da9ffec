"""Pull from a live archive that misbehaves on demand."""

from pathlib import Path

import pytest

from coil.archive import contents
from coil.archive.client import Archive
from coil.archive.contents import Contents
from coil.archive.listing import Session, list_sessions
from coil.archive.pull import headers, progress
from coil.archive.pull import session as pulling
from coil.archive.pull.session import Request, pull_session
from coil.bids.mapping.mapping import parse
from coil.bids.mapping.resolve import resolve
from coil.bids.series.reading import read_series
from coil.errors import ArchiveError, DataError
from coil.files import md5, read_json
from coil.records.pulled import ArchiveNames
from localxnat.testing import Server, import_dicom
from localxnat.tests.support import write_dicom

ZIP = "files.*format=zip"


def request(session: Session) -> Request:
    return Request(session.id, session.scans, [], ArchiveNames(session_id=session.id))


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
    pull_session(archive, Request(session.id, chosen, [], ArchiveNames()), tmp_path / "out")
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


def test_a_file_that_a_desktop_leaves_is_counted_and_left_out_and_another_fails_its_scan_alone(
    archive: Archive, tmp_path: Path, server: Server
) -> None:
    for scan in ("3", "4", "5"):
        write_dicom(tmp_path / "x" / f"{scan}.dcm", int(scan), "t1", scan,
                    "1.2.840.10008.5.1.4.1.1.4", "MR", 1)  # fmt: skip
    import_dicom(server.root, "T", "S", "strays", tmp_path / "x")
    (session,) = list_sessions(archive, "T")
    for place in ("3/resources/DICOM/files/.DS_Store", "3/resources/DICOM/files/a/Thumbs.db",
                  "4/resources/DICOM/files/2.dcm"):  # fmt: skip
        path = f"/data/experiments/{session.id}/scans/{place}"
        archive.put(path, data=b"\0\0\0\1Bud1")
    (session,) = list_sessions(archive, "T")
    pull_session(archive, request(session), tmp_path / "out")
    told = {row.scan: row for row in read_series(tmp_path / "out")}
    assert [(row.files, row.strays) for row in told.values()] == [(1, 2), (1, 0), (1, 0)]
    assert [bool(row.broken) for row in told.values()] == [False, True, False]
    rows = {row.series.scan: row for row in resolve([*told.values()], parse([]), "X", "Y")
            if row.series}  # fmt: skip
    assert rows["3"].reason.endswith("; 2 files that are no DICOM left out")
    assert (rows["4"].state, rows["4"].reason[:6]) == ("failed", "file 2")
    assert [file.path[-4:] for file in headers.likely_files(archive, session.id)["3"]] == [".dcm"]


def zips(server: Server) -> list[str]:
    return [line.split()[1] for line in server.requests() if "format=zip" in line]


def test_a_transfer_that_breaks_keeps_what_came_and_asks_only_for_scans_that_lack_files(
    archive: Archive, session: Session, tmp_path: Path, server: Server
) -> None:
    # Each packs to some 700 bytes: the first files come whole.
    server.faults({"path": ZIP, "fault": {"truncate": 3000, "end": "clean"}})
    before = len(zips(server))
    pull_session(archive, request(session), tmp_path / "out")
    first, second = zips(server)[before:]
    assert "/scans/ALL/" in first
    asked = second.split("/scans/")[1].split("/")[0].split("%2C")
    assert set(",".join(asked).split(",")) < {scan.scan for scan in session.scans}
    assert len(pulled_files(tmp_path / "out")) == 10


def test_a_transfer_that_brings_a_little_every_time_ends(
    archive: Archive, session: Session, tmp_path: Path, server: Server
) -> None:
    server.faults({"path": ZIP, "times": 0, "fault": {"truncate": 2200, "end": "close"}})
    pull_session(archive, request(session), tmp_path / "out")
    assert len(pulled_files(tmp_path / "out")) == 10


def test_scans_of_another_quality_are_never_asked_for(
    archive: Archive, session: Session, tmp_path: Path, server: Server
) -> None:
    before = len(zips(server))
    usable = [scan for scan in session.scans if scan.scan != "2"]
    pull_session(archive, Request(session.id, usable, [], ArchiveNames()), tmp_path / "out")
    (asked,) = zips(server)[before:]
    assert asked.split("/scans/")[1].split("/")[0].replace("%2C", ",") == "4,6-MR1,6-MR2,99"


def test_files_that_came_after_the_listing_mean_that_the_session_is_still_changing(
    archive: Archive, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = contents.read(archive, session.id, [])
    less = Contents([file for file in listed.files if file.path != listed.files[0].path], {})
    monkeypatch.setattr(contents, "read", lambda *_: less)
    with pytest.raises(ArchiveError, match="still changing"):
        pull_session(archive, request(session), tmp_path / "out")
    assert not (tmp_path / "out" / "pulled.json").exists()


def test_files_of_other_resources_are_left_in_the_archive(
    archive: Archive, session: Session, tmp_path: Path
) -> None:
    scan = f"/data/experiments/{session.id}/scans/2/resources"
    archive.put(f"{scan}/SNAPSHOTS/files/2.dcm", data=b"no DICOM")
    archive.put(f"{scan}/NIFTI/files/large.nii", data=bytes(100_000))
    pull_session(archive, request(session), tmp_path / "out")
    assert len(pulled_files(tmp_path / "out")) == 10


def test_what_an_interrupted_pull_left_is_not_taken_for_data(
    archive: Archive, session: Session, tmp_path: Path
) -> None:
    left = tmp_path / "out" / "series" / "001" / "000009.dcm"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half a file")
    (tmp_path / "out" / "pulled.json").write_text("{}")
    pull_session(archive, request(session), tmp_path / "out")
    assert len(pulled_files(tmp_path / "out")) == 10


def test_a_disk_without_room_is_told_before_anything_is_asked_for(
    archive: Archive,
    session: Session,
    tmp_path: Path,
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = len(zips(server))
    monkeypatch.setattr(pulling, "SPARE", 1 << 62)
    with pytest.raises(ArchiveError, match="too little disk"):
        pull_session(archive, request(session), tmp_path / "out")
    assert zips(server)[before:] == []


def test_event_files_come_along_under_their_own_names(
    archive: Archive, session: Session, tmp_path: Path
) -> None:
    files = f"/data/experiments/{session.id}/resources/events/files"
    archive.put(f"{files}/run 1/a%25b.tsv", data=b"onset\n")
    pull_session(
        archive, Request(session.id, session.scans, ["events"], ArchiveNames()), tmp_path / "out"
    )
    assert (tmp_path / "out" / "resources" / "events" / "run 1" / "a%b.tsv").read_bytes()


def test_files_of_a_resource_that_scans_have_come_along_by_scan(
    archive: Archive, session: Session, tmp_path: Path
) -> None:
    path = f"/data/experiments/{session.id}/scans/6-MR1/resources"
    archive.put(f"{path}/PHYSIO/files/log/a.puls", data=b"1 2 40 280")
    archive.put(f"{path}/SNAPSHOTS/files/6.png", data=b"no DICOM")
    wanted = Request(session.id, session.scans, ["scans/PHYSIO", "scans/ABSENT"], ArchiveNames())
    pull_session(archive, wanted, tmp_path / "out")
    beside = tmp_path / "out" / "scan_resources"
    assert [path for path in beside.rglob("*") if path.is_file()] == [
        beside / "6-MR1" / "PHYSIO" / "log" / "a.puls"
    ]
    assert len(pulled_files(tmp_path / "out")) == 10


def test_a_pull_has_no_bar_where_there_is_no_terminal(
    archive: Archive, session: Session, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    pull_session(archive, request(session), tmp_path / "out")
    assert capfd.readouterr() == ("", "")


def test_the_log_has_numbers_and_no_names(
    archive: Archive,
    session: Session,
    tmp_path: Path,
    server: Server,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(progress, "EVERY", 0.0)
    server.faults({"path": ZIP, "fault": {"truncate": 2000, "end": "close"}})
    with caplog.at_level("INFO", "coil"):
        pull_session(archive, request(session), tmp_path / "out")
    assert "0 of 0 MB (100 %)" in caplog.text
    assert session.id not in caplog.text
    assert "localizer" not in caplog.text


def test_what_is_being_removed_is_no_longer_trusted(
    archive: Archive, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pull_session(archive, request(session), tmp_path / "out")

    def cut_off(path: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(pulling.files, "remove_tree", cut_off)
    with pytest.raises(KeyboardInterrupt):
        pull_session(archive, request(session), tmp_path / "out")
    assert not (tmp_path / "out" / "pulled.json").exists()
