"""From the rows of one listing to sessions, and which of them are processed."""

import random

from hypothesis import given
from hypothesis import strategies as st

from coil.archive.discover import fingerprint
from coil.archive.listing import Scan, Session, group, natural, select, usable

SELECT_ALL = {"subjects": "*", "sessions": "*", "scan_quality": ["usable"]}


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


def session(label: str = "A", subject: str = "B", day: str = "2024-05-01") -> Session:
    return Session("E1", label, "S1", subject, day, "", ())


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


def test_sessions_are_selected_by_pattern_and_by_day() -> None:
    sessions = [session("pilot_1"), session("main_1"), session("main_2", day="2020-01-01")]
    settings = {**SELECT_ALL, "sessions": ["main_*"], "after": "2024-01-01"}
    assert [s.label for s in select(sessions, settings)] == ["main_1"]


def test_a_session_without_a_date_lies_in_no_range() -> None:
    assert select([session(day="")], {**SELECT_ALL, "after": "2024-01-01"}) == []
    assert select([session(day="")], SELECT_ALL) != []


def test_a_scan_without_a_quality_counts_as_usable() -> None:
    assert usable(Scan("1"), ["usable"])
    assert not usable(Scan("1", quality="unusable"), ["usable", "questionable"])


def test_scans_are_sorted_as_people_count() -> None:
    assert sorted(["10", "9", "6-MR2", "6-MR1", "6"], key=natural) == [
        "6", "6-MR1", "6-MR2", "9", "10",
    ]  # fmt: skip


def test_the_fingerprint_changes_with_the_data_and_not_with_a_label() -> None:
    (before,) = group([row("E1", "1")])
    (renamed,) = group([{**row("E1", "1"), "label": "another", "last_modified": "later"}])
    (more,) = group([row("E1", "1", files="4")])

    def of(found: Session) -> str:
        return fingerprint({"scans": found.content(), "held": ""})

    assert of(before) == of(renamed) != of(more)
