"""What a column of a table about people lets through, and in which words it refuses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coil.bids.dataset.columns import Column, note_of

MOVE = -45_000


def column(**note: object) -> Column:
    return Column.described("c", {"Description": "A column", **note})


@pytest.mark.parametrize(
    ("note", "cell", "leaves"),
    [
        ({}, "3.50", "3.50"),
        ({}, "", "n/a"),
        ({}, "NA", "n/a"),
        ({"Levels": {"0": "no", "1": "yes"}}, "1", "1"),
        ({"Levels": {"0": "no", "1": "yes"}}, "1.0", "1"),
        ({"Levels": {"NA": "not asked", "1": "yes"}}, "NA", "NA"),
        ({"Format": "integer"}, "3.0", "3"),
        ({"Format": "boolean"}, "TRUE", "true"),
        ({"Format": "time"}, "22:30", "22:30"),
        ({"Format": "string"}, "felt well", "felt well"),
        ({"Format": "date"}, "2024-05-01", "1901-02-16"),
        ({"Format": "date"}, "2024-05-01 13:00", "1901-02-16"),
    ],
)
def test_a_value_that_is_declared_leaves(note: dict, cell: str, leaves: str) -> None:
    assert column(**note).value(cell, MOVE) == leaves


@pytest.mark.parametrize(
    ("note", "cell", "reason"),
    [
        ({"Levels": {"0": "no"}}, "2", "is not one of its levels"),
        ({}, "lots", "is text; list the column's levels"),
        ({}, "inf", "is not a number"),
        ({}, "20240501", "looks like a date"),
        ({}, "4915112345678", "has more than 9 digits"),
        ({"Minimum": 0, "Maximum": 27}, "28", "is below its minimum or above its maximum"),
        ({"Format": "integer"}, "3.5", "is not a whole number"),
        ({"Format": "boolean"}, "perhaps", "is neither true nor false"),
        ({"Format": "time"}, "25:00", "is not a time"),
        ({"Format": "string"}, "a\tb", "holds a tab or a line end"),
        ({"Format": "string"}, "seen on 1.5.2024", "holds a date"),
        ({"Format": "string"}, "since May 3, 2024", "holds a date"),
        ({"Format": "string"}, "since 3 May 2024", "holds a date"),
        ({"Format": "date"}, "May", "is not a date as YYYY-MM-DD"),
    ],
)
def test_a_value_that_is_not_declared_is_refused(note: dict, cell: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        column(**note).value(cell, MOVE)
    assert cell not in str(caught.value)


def test_ages_above_89_are_capped_and_said_to_be() -> None:
    age = Column.described("mother_age", {"Description": "Age of the mother"})
    assert [age.value(cell, MOVE) for cell in ("94", "88.5")] == ["89", "88.5"]
    described = str(note_of([age])["mother_age"]["Description"])
    assert described.endswith("; 89 stands for 89 and above")
    assert Column.described("pages", {}).value("94", MOVE) == "94"


@pytest.mark.parametrize("name", ["dob", "dob_mother", "birthday", "c"])
def test_a_date_of_birth_does_not_leave(name: str) -> None:
    note = {"Format": "date", "Description": "Date of birth" if name == "c" else ""}
    with pytest.raises(ValueError, match="is a date of birth"):
        Column.described(name, note).value("1930-05-01", MOVE)


def test_no_date_leaves_where_the_config_lets_none() -> None:
    with pytest.raises(ValueError, match=r"identity\.dates lets none leave"):
        column(Format="date").value("2024-05-01", None)


@pytest.mark.parametrize(
    ("note", "reason"),
    [
        ({"Format": "telepathy"}, "its Format is none of"),
        ({"Levels": ["a"]}, "its Levels are no table"),
        ({"Minimum": "low"}, "its Minimum or Maximum is no number"),
    ],
)
def test_a_broken_entry_of_a_dictionary_is_refused(note: dict, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        column(**note)


def test_the_configs_words_become_those_of_bids() -> None:
    made = Column.configured(
        {"name": "arm", "field": "study_arm", "description": "Arm", "levels": {1: "drug"}}
    )
    assert (made.name, made.source) == ("arm", "study_arm")
    assert made.note == {"Description": "Arm", "Levels": {"1": "drug"}}


@given(st.text())
def test_free_text_never_leaves_undeclared(text: str) -> None:
    try:
        value = column().value(text, MOVE)
    except ValueError:
        return
    assert value == "n/a" or float(value) == float(text)


@given(st.dates(), st.dates())
def test_the_time_between_two_dates_stays(one: object, other: object) -> None:
    from datetime import date

    days = column(Format="date")
    try:
        moved = [date.fromisoformat(days.value(str(d), -40_000)) for d in (one, other)]
    except ValueError:
        return  # before the calendar begins
    assert moved[0] - moved[1] == one - other  # type: ignore[operator]
