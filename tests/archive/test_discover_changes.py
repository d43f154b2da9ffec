"""A session runs again when its data changed in the archive, and only then."""

from collections.abc import Callable
from pathlib import Path

import pytest

from coil import files
from coil.archive.client import Address, connect
from coil.archive.pull.headers import fetch_headers
from coil.doctor.findings import PAGE
from coil.records.listed import ListedIndex
from coil.records.listing import UNCOUNTED, ListedSession, Scan, listed_bytes
from localxnat.testing import forget_counts
from tests.archive.discover_support import Study

pytest_plugins = ["tests.archive.discover_support"]

SCAN = "xnat:mrScanData"
MAPPING = [{"events": {"resource": "events"}, "physio": [{"resource": "PHYSIO", "of": "scan"}]}]


def other_bytes(study: Study, session: str) -> None:
    path = f"{session}/scans/1/resources/DICOM/files/1.dcm"
    study.put(path, b"87654321", overwrite="true")


def another_file(study: Study, session: str) -> None:
    study.put(f"{session}/scans/1/resources/DICOM/files/2.dcm", b"1")


def another_image_resource(study: Study, session: str) -> None:
    study.put(f"{session}/scans/1/resources/secondary/files/1.dcm", b"1")


def another_scan(study: Study, session: str) -> None:
    study.scan(session, "2", type="rest")


def scan_removed(study: Study, session: str) -> None:
    study.raw("DELETE", f"{session}/scans/1", params={"removeFiles": "true"})


def quality(study: Study, session: str) -> None:
    study.put(f"{session}/scans/1", xsiType=SCAN, quality="questionable")


def scan_note(study: Study, session: str) -> None:
    study.put(f"{session}/scans/1", xsiType=SCAN, note="moved")


def log_of_a_scan(study: Study, session: str) -> None:
    study.put(f"{session}/scans/1/resources/PHYSIO/files/a.puls", b"1 2")


def events(study: Study, session: str) -> None:
    study.put(f"{session}/resources/events/files/task.tsv", b"onset")


@pytest.mark.parametrize(
    "change",
    [
        other_bytes,
        another_file,
        another_image_resource,
        another_scan,
        scan_removed,
        quality,
        scan_note,
        events,
        log_of_a_scan,
    ],
)
def test_a_change_of_the_data_changes_the_fingerprint(
    study: Study, change: Callable[[Study, str], None]
) -> None:
    study.settings = {"bids": {"name": "n", "mapping": MAPPING}}
    session = study.session("A_1")
    study.discover()
    study.work_on("A_1", session)
    before = study.fingerprint("A_1")
    change(study, session)
    assert study.discover().changed == [study.units()["A_1"]]
    after = study.fingerprint("A_1")
    assert after != before
    study.work_on("A_1", session)
    assert study.discover().same == [study.units()["A_1"]]
    assert study.fingerprint("A_1") == after


def renamed(study: Study, session: str) -> None:
    study.put(session, label="A_renamed")
    study.put(f"/data/projects/{study.project}/subjects/A", label="B")


def session_note(study: Study, session: str) -> None:
    study.put(session, **{"xnat:mrSessionData/note": "late"})


def our_push(study: Study, session: str) -> None:
    study.put(f"{session}/resources/coil/files/report.html", b"<p>")


def anothers_push(study: Study, session: str) -> None:
    study.put(f"{session}/resources/freesurfer/files/aseg.stats", b"1")
    study.put(f"{session}/scans/1/resources/NIFTI/files/1.nii.gz", b"1")


@pytest.mark.parametrize("change", [renamed, session_note, our_push, anothers_push])
def test_a_change_of_something_else_runs_nothing(
    study: Study, change: Callable[[Study, str], None]
) -> None:
    session = study.session("A_1")
    study.discover()
    study.work_on("A_1", session)
    noted = study.noted("A_1")
    before = noted.read_bytes(), noted.stat().st_mtime_ns
    change(study, session)
    assert len(study.discover().same) == 1
    assert (noted.read_bytes(), noted.stat().st_mtime_ns) == before


def test_digests_that_the_archive_lost_are_unknown_and_no_change(study: Study) -> None:
    session = study.session("A_1")
    study.discover()
    study.work_on("A_1", session)
    session_note(study, session)
    study.server.faults({"path": "/files", "fault": {"digest": "blank"}})
    assert len(study.discover().same) == 1


def test_a_touched_session_is_looked_at_once(study: Study) -> None:
    session = study.session("A_1")
    study.discover()
    study.work_on("A_1", session)
    our_push(study, session)
    assert study.asked() == [study.listing, f"{session}/scans/ALL/files"]
    assert study.asked() == [study.listing]


def test_what_was_noted_is_told_from_the_files_where_the_index_is_lost(study: Study) -> None:
    session = study.session("A_1")
    study.discover()
    study.work_on("A_1", session)
    before = study.noted("A_1").stat().st_mtime_ns
    (study.private / "listed.json").unlink()
    assert len(study.discover().same) == 1
    assert study.noted("A_1").stat().st_mtime_ns == before


def test_a_replaced_file_that_the_listing_does_not_show_is_found_by_a_thorough_look(
    study: Study,
) -> None:
    session = study.session("A_1")
    study.discover()
    study.work_on("A_1", session)
    other_bytes(study, session)
    # As if the server had not told that the session was touched.
    (told,) = study.raw.rows(study.listing, columns="last_modified")
    listed = study.private / "listed.json"
    ((key, (scans, _)),) = ListedIndex.read(listed).sessions.items()
    ListedIndex(sessions={key: (scans, told["last_modified"])}).write(listed)
    assert study.discover().changed == []
    study.thorough = True
    assert study.discover().changed == [study.units()["A_1"]]


def test_what_an_earlier_version_noted_is_noted_anew(study: Study) -> None:
    session = study.session("A_1")
    study.discover()
    study.work_on("A_1", session)
    for path in (study.noted("A_1"), study.private / "listed.json"):
        fields = files.read_json(path)
        del fields["version"]
        files.write_json(path, fields)
    assert study.discover().changed == [study.units()["A_1"]]
    assert ListedSession.read(study.noted("A_1")).scans
    study.work_on("A_1", session)
    assert study.discover().changed == []


def test_the_doctors_page_goes_with_the_sessions_that_it_may_name(study: Study) -> None:
    session = study.session("A_1")
    study.session("B_1", "B")
    study.discover()
    page = study.work / PAGE
    page.write_text("A_1 has no BIDS label")
    study.discover()
    assert page.exists()
    assert study.raw("DELETE", session).ok
    study.discover()
    assert not page.exists()


def test_scans_that_are_not_counted_are_taken_as_scans_with_images(study: Study) -> None:
    session = study.session("A_1")
    forget_counts(study.server.root, study.project)
    assert "the archive has not counted the files of all scans in 1 session" in str(
        study.discover()
    )
    (scan,) = files.read_json(study.noted("A_1"))["scans"]
    assert (scan["files"], scan["bytes"]) == (None, None)
    assert listed_bytes(study.noted("A_1")) == UNCOUNTED
    with connect(Address(study.server.url)) as archive:
        fetch_headers(archive, Path(session).name, [Scan(**scan)], study.work / "peeked")
    (peeked,) = files.read_json(study.work / "peeked" / "pulled.json")["scans"]
    assert peeked["folder"] and peeked["problem"] is None


def test_what_was_counted_meanwhile_is_no_change_of_the_data(study: Study) -> None:
    session = study.session("A_1")
    forget_counts(study.server.root, study.project)
    study.discover()
    study.work_on("A_1", session)
    before = study.noted("A_1").read_bytes()
    resource = f"/archive/experiments/{Path(session).name}/scans/1/resources/DICOM"
    refresh = {"resource": resource, "options": "populateStats"}
    assert study.raw("POST", "/data/services/refresh/catalog", params=refresh).ok
    found = study.discover()
    assert len(found.same) == 1 and found.remarks == []
    assert study.noted("A_1").read_bytes() == before
    study.put(f"{session}/scans/1/resources/DICOM/files/2.dcm", b"87654321")
    assert len(study.discover().changed) == 1


def test_a_prearchive_that_cannot_be_listed_holds_nothing_up_and_is_told(study: Study) -> None:
    study.session("A_1")
    study.server.faults({"path": "/data/prearchive", "times": 0, "fault": {"status": 500}})
    assert "the prearchive cannot be listed (500)" in str(study.discover())
    assert list(study.units()) == ["A_1"]
