"""One generic mapping resolves the series of many protocols and five vendors."""

from collections.abc import Sequence
from dataclasses import replace
from random import Random

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from coil.bids.mapping.mapping import parse
from coil.bids.mapping.resolve import resolve
from coil.bids.series.series import Series
from tests.support.corpus import MAPPING, Entry, read_corpus

CORPUS = read_corpus()
CONFIG = yaml.safe_load(MAPPING.read_text())
RULES = parse(CONFIG["mapping"], synonyms=CONFIG["synonyms"])


@pytest.mark.parametrize("entry", CORPUS, ids=lambda entry: entry.label)
def test_each_series_gets_its_state_and_name(entry: Entry) -> None:
    (row,) = resolve([entry.series], RULES, "X", "Y")
    name = row.name.replace("sub-X_ses-Y_", "") if row.name else None
    assert (row.state, name) == (entry.state, entry.name), row.reason


def test_the_corpus_is_large_and_of_all_vendors() -> None:
    assert len(CORPUS) >= 300
    makers = " ".join({entry.series.manufacturer or "" for entry in CORPUS})
    assert all(name in makers for name in ("SIEMENS", "Siemens", "GE", "Philips", "UIH", "CANON"))


def brief(series: Sequence[Series]) -> dict[str | None, tuple[str, str | None]]:
    """State and name by the series' UID."""
    rows = resolve(series, RULES, "X", "Y")
    return {row.series.series_uid: (row.state, row.name) for row in rows if row.series}


@given(st.lists(st.sampled_from(CORPUS), min_size=2, max_size=30), st.randoms())
def test_in_any_session_no_two_series_get_one_name(entries: list[Entry], random: Random) -> None:
    series = [
        replace(entry.series, series_uid=str(n), acq_time=f"2024-05-01T13:{n:02d}:00.000000")
        for n, entry in enumerate(entries)
    ]
    found = brief(series)
    assert len(found) == len(series)
    named = [name for state, name in found.values() if state == "mapped"]
    assert len(set(named)) == len(named)
    elsewhere = [
        replace(one, folder=f"series/{number}", series_number=random.randint(1, 99))
        for number, one in enumerate(random.sample(series, len(series)))
    ]
    assert brief(elsewhere) == found


def test_a_listing_is_never_surer_than_the_header() -> None:
    for entry in CORPUS:
        (listed,) = resolve([entry.listed], RULES, "X", "Y")
        (known,) = resolve([entry.series], RULES, "X", "Y")
        assert listed.open or (listed.state, listed.name) == (known.state, known.name), entry.label
