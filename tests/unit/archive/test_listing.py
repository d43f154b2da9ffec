"""From the rows of one listing to sessions, and which of them are processed."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coil.archive.discover.changes import fingerprint, listing_digest
from coil.archive.listing import Session, group, natural, uncounted


def row(session: str, scan: str, resource: str = "DICOM", files: str = "3") -> dict[str, str]:
    prefix = "xnat:imagescandata/"
    return {
        "ID": session,
        "label": f"label of {session}",
        "subject_label": "someone",
        "xnat:imagesessiondata/subject_id": "S1",
        "date": "2024-05-01",
        "last_modified": "2024-05-02 10:00:00.0",
        f"{prefix}id": scan,
        f"{prefix}series_description": f"series {scan}",
        f"{prefix}file/label": resource,
        f"{prefix}file/file_count": files,
        f"{prefix}file/file_size": "100",
    }


def test_rows_are_grouped_into_sessions_and_scans() -> None:
    found = group([row("E2", "1"), row("E1", "2"), row("E1", "10"), row("E1", "1")])
    assert [(s.id, [scan.scan for scan in s.scans]) for s in found] == [
        ("E1", ["1", "2", "10"]),
        ("E2", ["1"]),
    ]


def test_only_image_resources_count() -> None:
    (found,) = group([row("E1", "1"), row("E1", "1", "SNAPSHOTS", "9")])
    assert found.scans[0].files == 3


def test_a_scan_without_images_is_still_listed() -> None:
    (found,) = group([row("E1", "1", "", "")])
    assert (found.scans[0].scan, found.scans[0].files) == ("1", 0)


def test_a_session_without_scans_is_still_listed() -> None:
    (found,) = group([row("E1", "", "", "")])
    assert found.scans == ()


@given(st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(shuffler: random.Random) -> None:
    rows = [row(f"E{n}", str(scan)) for n in range(3) for scan in range(4)]
    expected = group(rows)
    shuffler.shuffle(rows)
    assert group(rows) == expected


def test_servers_may_spell_columns_in_other_cases() -> None:
    upper = {key.upper(): value for key, value in row("E1", "1").items()}
    assert group([upper]) == group([row("E1", "1")])


def test_scans_are_sorted_as_people_count() -> None:
    assert sorted(["10", "9", "6-MR2", "6-MR1", "6"], key=natural) == [
        "6", "6-MR1", "6-MR2", "9", "10",
    ]  # fmt: skip


def test_the_fingerprint_changes_with_the_data_and_not_with_a_label() -> None:
    (before,) = group([row("E1", "1")])
    (renamed,) = group([{**row("E1", "1"), "label": "another", "last_modified": "later"}])
    (more,) = group([row("E1", "1", files="4")])

    def of(found: Session) -> str:
        return fingerprint(listing_digest(found.scans), "")

    assert of(before) == of(renamed) != of(more)


def test_a_session_has_its_scanner_its_type_and_its_subjects_demographics() -> None:
    person = "xnat:subjectdata/demographics[@xsi:type=xnat:demographicdata]/"
    told = {"gender": "F", "handedness": "", "dob": "1990-01-02", "yob": ""}
    scanner = "xnat:imagesessiondata/scanner"
    more = {"scanner": "Prisma1", f"{scanner}/manufacturer": "ACME", f"{scanner}/model": "3T"}
    (found,) = group(
        [
            row("E1", "1")
            | {"xsiType": "xnat:mrSessionData", **more}
            | {person + key: value for key, value in told.items()}
        ]
    )
    assert (found.type, found.scanner) == ("xnat:mrSessionData", ("Prisma1", "ACME", "3T"))
    assert found.person == told


def test_a_server_that_does_not_tell_of_subjects_is_not_taken_to_know_nothing() -> None:
    (found,) = group([row("E1", "1")])
    assert found.person is None


def shared_row(into: str, subject_into: str) -> dict[str, str]:
    return row("E1", "1") | {
        "xnat:imagesessiondata/sharing/share/project": into,
        "xnat:imagesessiondata/sharing/share/label": f"session in {into}",
        "xnat:subjectdata/sharing/share/project": subject_into,
        "xnat:subjectdata/sharing/share/label": f"subject in {subject_into}",
    }


def test_a_shared_session_counts_once_and_has_the_labels_of_its_project() -> None:
    rows = [shared_row(into, subject) for into in ("A", "B") for subject in ("B", "A")]
    (found,) = group(rows, shared_into="A")
    assert (found.label, found.subject_label) == ("session in A", "subject in A")
    assert found.home_labels == ("label of E1", "someone")
    assert found.scans[0].files == 3


def test_a_shared_session_whose_subject_is_not_shared_keeps_the_subjects_label() -> None:
    (found,) = group([shared_row("A", "B"), shared_row("A", "C")], shared_into="A")
    assert (found.label, found.subject_label) == ("session in A", "someone")
    assert found.scans[0].files == 3


def test_a_row_that_comes_once_for_each_share_counts_once() -> None:
    (found,) = group([row("E1", "1"), row("E1", "1"), row("E1", "1", "secondary", "2")])
    assert found.scans[0].files == 5


@pytest.mark.parametrize("key", ["session_ID", "xnat:mrsessiondata/id"])
def test_sessions_are_told_apart_whatever_the_column_of_their_id_is_called(key: str) -> None:
    rows = []
    for session in ("E1", "E2"):
        listed = row(session, "1") | {key: session, "URI": f"/data/experiments/{session}"}
        del listed["ID"]
        rows.append(listed)
    assert [one.id for one in group(rows)] == ["E1", "E2"]


@pytest.mark.parametrize("count", ["", None])
def test_what_the_archive_has_not_counted_is_unknown_and_not_none_at_all(count: str) -> None:
    (found,) = group([row("E1", "1", files=count), row("E1", "2", "", ""), row("E1", "3")])
    assert [scan.files for scan in found.scans] == [None, 0, 3]
    assert "in 1 session:" in uncounted([found])[0]
    assert uncounted(group([row("E1", "1")])) == []


def test_a_scan_of_which_a_part_is_not_counted_is_not_counted() -> None:
    (found,) = group([row("E1", "1"), row("E1", "1", "secondary", "")])
    assert found.scans[0].files is None


def test_what_is_shared_into_a_project_is_not_its_own() -> None:
    rows = [row("E1", "1") | {"project": "P"}, row("E2", "1") | {"project": "OTHER"}]
    assert [one.id for one in group(rows, "P")] == ["E1"]
