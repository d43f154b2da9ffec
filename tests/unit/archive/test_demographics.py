"""What the dataset learns of participants from the archive."""

from coil.archive.discover.demographics import Wanted, age_in, by_pseudonym
from coil.archive.listing import Session
from coil.deid.identity.identities import Link

ROWS = [
    {"ID": "S1", "label": "Alice", "gender": "F", "handedness": "", "dob": "1990-05-01", "yob": ""},
    {"ID": "S2", "label": "Bob", "gender": "M", "handedness": "right", "dob": "", "yob": "1900"},
]
SESSIONS = [Session("E1", "Alice_1", "S1", "Alice", "2024-05-01", "")]
LINKS = {"E1": Link("S1", "E1", "Alice", "Alice_1", "p1", "v1")}


def test_subjects_are_known_by_their_pseudonyms_and_empty_values_left_out() -> None:
    found = by_pseudonym(ROWS, SESSIONS, LINKS)
    assert found["linked"] == {
        "p1": {
            "gender": "F",
            "archive_label": "Alice",
            "ages": {"v1": 34.0},
            "fields": {},
            "days": None,
            "sessions": {"v1": {"archive_label": "Alice_1", "fields": {}}},
        }
    }


def test_custom_variables_come_by_subject_and_by_session() -> None:
    wanted = Wanted(["arm"], {"E1": {"fasting": "yes"}}, lambda _: -45_000)
    rows = [row | {"fields": {"arm": "drug"}} for row in ROWS]
    found = by_pseudonym(rows, SESSIONS, LINKS, SESSIONS, wanted)["linked"]["p1"]
    assert (found["fields"], found["days"]) == ({"arm": "drug"}, -45_000)
    assert found["sessions"]["v1"]["fields"] == {"fasting": "yes"}


def test_sessions_that_were_not_taken_are_known_by_label() -> None:
    other = Session("E2", "Alice_2", "S1", "Alice", "2024-06-01", "")
    found = by_pseudonym(ROWS, SESSIONS, LINKS, [*SESSIONS, other])
    assert found["other_sessions"] == {"Alice": ["Alice_2"]}


def test_subjects_without_a_chosen_session_are_known_by_label_only() -> None:
    assert by_pseudonym(ROWS, SESSIONS, LINKS)["others"] == ["Bob"]


def test_the_age_comes_from_the_date_of_birth_or_else_from_the_year() -> None:
    assert age_in(ROWS[0], "2024-04-30") == 33.9
    assert age_in({"yob": "1990"}, "2024-05-01") == 34


def test_ages_above_89_are_capped() -> None:
    assert age_in(ROWS[1], "2024-05-01") == 89


def test_an_age_that_cannot_be_is_unknown() -> None:
    assert age_in({"yob": "2030"}, "2024-05-01") is None
    assert age_in({"yob": "?"}, "2024-05-01") is None
    assert age_in({"dob": "1990-05-01"}, "") is None
