from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coil.deid.identity.dates import acq_time, age_at, cap_age, read_age, shift, shift_days

SECRET = b"0123456789abcdef" * 4
WHEN = datetime(2024, 5, 1, 13, 7, 43, 900000)
dates = st.datetimes(datetime(1980, 1, 1), datetime(2045, 12, 31))


@given(st.text(), dates, dates)
def test_a_shift_keeps_intervals_and_lands_before_1925(subject: str, one, two):
    days = shift_days(SECRET, "P", subject)
    assert shift(one, days) - shift(two, days) == one - two
    assert shift(one, days).year < 1925
    assert -150 * 365.25 <= days <= -120 * 365.25


def test_a_shift_depends_on_secret_project_and_subject():
    shifts = {
        shift_days(SECRET, "P", "1"),
        shift_days(SECRET[::-1], "P", "1"),
        shift_days(SECRET, "Q", "1"),
        shift_days(SECRET, "P", "2"),
    }
    assert len(shifts) == 4


def test_acq_time_keeps_or_drops_the_time_of_day():
    assert acq_time(WHEN, -50_000) == "1887-06-09T13:07:43.900000"
    assert acq_time(WHEN, -50_000, time_of_day="drop") == "1887-06-09T00:00:00"


def test_acq_time_is_not_available_without_a_date_or_by_config():
    assert acq_time(None, -50_000) == "n/a"
    assert acq_time(WHEN, -50_000, dates="none") == "n/a"


@pytest.mark.parametrize(("age", "capped"), [(31.4, 31.4), (89, 89), (89.1, 89), (97, 89)])
def test_ages_above_89_are_capped(age: float, capped: float):
    assert cap_age(age) == capped


@given(st.dates(date(1930, 1, 1), date(2020, 1, 1)), st.integers(0, 36_000))
def test_an_age_is_rounded_down_to_a_tenth_of_a_year(birth: date, days: int):
    age = age_at(birth, birth + timedelta(days=days))
    assert 0 <= days / 365.25 - age < 0.1 + 1e-9


@pytest.mark.parametrize(
    ("text", "age"), [("031Y", 31), ("018M", 1.5), ("052W", 0.9), ("000Y", None), ("31", None)]
)
def test_dicom_ages_are_read_in_years(text: str, age: float | None):
    assert read_age(text) == age
