"""What the dataset learns of participants from the archive."""

from dataclasses import replace

from coil.archive.discover.demographics import Subject, Wanted, by_pseudonym
from coil.archive.listing import Session
from coil.deid.identity.identities import Link

SUBJECTS = [
    Subject("S1", "Alice", gender="F", dob="1990-05-01"),
    Subject("S2", "Bob", gender="M", handedness="right", yob="1900"),
]
SESSIONS = [Session("E1", "Alice_1", "S1", "Alice", "2024-05-01", "")]
LINKS = {"E1": Link("S1", "E1", "Alice", "Alice_1", "p1", "v1")}


def test_subjects_are_known_by_their_pseudonyms_and_empty_values_left_out() -> None:
    found = by_pseudonym(SUBJECTS, SESSIONS, LINKS)
    assert found.fields()["linked"] == {
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
    subjects = [replace(one, fields={"arm": "drug"}) for one in SUBJECTS]
    known = by_pseudonym(subjects, SESSIONS, LINKS, SESSIONS, wanted).linked["p1"]
    assert (known.fields, known.days) == ({"arm": "drug"}, -45_000)
    assert known.sessions["v1"].fields == {"fasting": "yes"}


def test_sessions_that_were_not_taken_are_known_by_label() -> None:
    other = Session("E2", "Alice_2", "S1", "Alice", "2024-06-01", "")
    found = by_pseudonym(SUBJECTS, SESSIONS, LINKS, [*SESSIONS, other])
    assert found.other_sessions == {"Alice": ("Alice_2",)}


def test_subjects_without_a_chosen_session_are_known_by_label_only() -> None:
    assert by_pseudonym(SUBJECTS, SESSIONS, LINKS).others == ("Bob",)


def test_the_age_comes_from_the_date_of_birth_or_else_from_the_year() -> None:
    assert SUBJECTS[0].age_on("2024-04-30") == 33.9
    assert Subject(yob="1990").age_on("2024-05-01") == 34


def test_ages_above_89_are_capped() -> None:
    assert SUBJECTS[1].age_on("2024-05-01") == 89


def test_an_age_that_cannot_be_is_unknown() -> None:
    assert Subject(yob="2030").age_on("2024-05-01") is None
    assert Subject(yob="?").age_on("2024-05-01") is None
    assert Subject(dob="1990-05-01").age_on("") is None
