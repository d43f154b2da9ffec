"""Of a series' description those words are told that name a protocol, and no others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coil.deid.bids.descriptions import tell, words_of
from tests.support.corpus import read_corpus


@pytest.mark.parametrize(
    ("description", "told"),
    [
        ("t1_mprage for John Smith", "t1_mprage [removed]"),
        ("visit 19740212", "visit [removed]"),
        ("M\u00fcller T2", "[removed] T2"),
        ("MEYER_T1", "[removed]_T1"),
        ("JohnT1w", "[removed]T1w"),
        ("dwi_b2000_64dir", "dwi_b2000_64dir"),
    ],
)
def test_a_word_that_could_name_somebody_is_left_out(description: str, told: str) -> None:
    assert tell(description) == told


def test_words_of_the_config_are_told() -> None:
    mapping = [{"match": {"series_description": r"(?i)\bstairs_(?P<way>up)"}, "ignore": "a trial"}]
    known = words_of(mapping, {"t1": "hopscotch|TFL"})
    assert tell("Stairs hopscotch Smith", known) == "Stairs hopscotch [removed]"


def test_nearly_all_descriptions_of_many_sites_are_told_whole() -> None:
    said = {entry.series.series_description for entry in read_corpus()}
    whole = [description for description in said if tell(description) == description]
    assert len(whole) > 0.9 * len(said)


@given(st.text(max_size=80), st.from_regex("[B-Y][a-z]{9}zq", fullmatch=True))
def test_an_unknown_word_never_passes(text: str, word: str) -> None:
    assert word.lower() not in tell(f"{text} {word} {text}").lower()
