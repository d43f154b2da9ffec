"""Which sessions and scans the config's `select` takes."""

from typing import Any

import pytest

from coil.archive.discover.selection import kind, scan_filter, select
from coil.archive.listing import Session
from coil.records.listing import Scan

SELECT_ALL = {
    "subjects": "*",
    "sessions": "*",
    "session_types": "*",
    "scanners": "*",
    "scan_quality": ["usable"],
    "scan_types": "*",
    "skip_scan_types": [],
}


def session(label: str = "A", day: str = "2024-05-01", **more: Any) -> Session:
    return Session("E1", label, "S1", "B", day, "", (), **more)


def labels(found: list[Session], **settings: Any) -> list[str]:
    return [one.label for one in select(found, SELECT_ALL | settings)]


def test_everything_is_selected_by_default() -> None:
    assert labels([session(), session("C", "", scanner=("", "", ""))]) == ["A", "C"]


def test_sessions_are_selected_by_pattern_and_by_day() -> None:
    sessions = [session("pilot_1"), session("main_1"), session("main_2", day="2020-01-01")]
    assert labels(sessions, sessions=["main_*"], after="2024-01-01") == ["main_1"]


def test_the_days_of_a_range_belong_to_it() -> None:
    days = ["2024-04-30", "2024-05-01", "2024-05-02", "2024-05-03"]
    sessions = [session(day, day) for day in days]
    assert labels(sessions, after="2024-05-01", before="2024-05-02") == days[1:3]


def test_a_session_without_a_date_lies_in_no_range() -> None:
    assert labels([session(day="")], after="2024-01-01") == []
    assert labels([session(day="")], before="2024-01-01") == []


@pytest.mark.parametrize(
    ("xsi_type", "expected"),
    [
        ("xnat:mrSessionData", "MR"),
        ("xnat:petmrSessionData", "PETMR"),
        ("xnat:otherDicomSessionData", "OTHERDICOM"),
        ("site:odd", "ODD"),
    ],
)
def test_a_sessions_kind_is_in_its_type(xsi_type: str, expected: str) -> None:
    assert kind(xsi_type) == expected


def test_sessions_are_selected_by_kind() -> None:
    sessions = [session(kind, type=f"xnat:{kind}SessionData") for kind in ("mr", "pet", "petmr")]
    assert labels(sessions, session_types=["MR", "pet"]) == ["mr", "pet"]


def test_sessions_are_selected_by_the_scanners_name_maker_or_model() -> None:
    sessions = [
        session("old", scanner=("MRC35105", "SIEMENS", "TrioTim")),
        session("new", scanner=("MRC40000", "Siemens Healthineers", "Prisma_fit")),
        session("other", scanner=("", "", "")),
    ]
    assert labels(sessions, scanners="siemens*") == ["old", "new"]
    assert labels(sessions, scanners=["prisma*", "MRC351*"]) == ["old", "new"]
    assert labels(sessions, scanners="*Trio*") == ["old"]


def taken(*scans: Scan, **settings: Any) -> list[str]:
    return [scan.scan for scan in filter(scan_filter(SELECT_ALL | settings), scans)]


def test_a_scan_without_a_quality_counts_as_usable() -> None:
    assert taken(Scan("1")) == ["1"]
    settings = {"scan_quality": ["usable", "questionable"]}
    assert taken(Scan("1", quality="unusable"), Scan("2", quality="Usable"), **settings) == ["2"]


def test_scans_are_selected_by_type() -> None:
    scans = [Scan("1", "T1w"), Scan("2", "T1w_setter"), Scan("3", "localizer")]
    assert taken(*scans, scan_types="T1w*") == ["1", "2"]
    assert taken(*scans, skip_scan_types=["*setter", "local*"]) == ["1"]
