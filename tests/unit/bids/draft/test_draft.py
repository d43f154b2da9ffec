"""A draft is a valid config that names each series by one rule, and says what is unsure."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from coil.bids.draft.draft import Draft, draft, quote
from coil.bids.mapping.mapping import parse
from coil.bids.mapping.resolve import resolve
from coil.bids.mapping.sources import with_sources
from coil.bids.series.series import Series
from coil.config.reading import read_project
from coil.records.pulled import PulledScan
from tests.support.corpus import read_corpus

SESSION = (
    "localizer",
    "AAHScout",
    "t1_mprage_sag_p2",
    "SpinEchoFieldMap_AP",
    "SpinEchoFieldMap_PA",
    "fMRI_task-nback_run-1",
    "fMRI_task-nback_run-2",
    "fMRI_task-rest_run-1",
    "gre_field_mapping",
    "gre_field_mapping",
    "dti_64dir_AP",
    "dti_64dir_AP_ADC",
    "what is (this)?",
)
CORPUS = read_corpus()
DESCRIPTIONS = sorted({entry.series.series_description for entry in CORPUS})


def listed(*descriptions: str) -> list[Series]:
    """A session as the archive lists it, 100 files a scan and more for the later ones."""
    return [
        Series.from_listing(PulledScan(scan=str(n), series_description=text, files=100 + n))
        for n, text in enumerate(descriptions, 1)
    ]


def drafted(*sessions: Sequence[Series], project: str = "STUDY") -> Draft:
    return draft(project, "", sessions)


def rules(one: Draft) -> dict[str, dict[str, Any]]:
    """The rules by their pattern."""
    mapping = yaml.safe_load(one.text)["bids"]["mapping"]
    return {rule["match"]["series_description"]: rule for rule in mapping if "match" in rule}


def states(one: Draft, session: list[Series]) -> dict[str, str]:
    """What the draft makes of a session, by description."""
    mapping = parse(yaml.safe_load(one.text)["bids"]["mapping"])
    resolved = resolve(session, with_sources(mapping, session), "X", "Y")
    return {row.series.series_description: row.state for row in resolved if row.series}


def test_a_draft_is_a_whole_config(tmp_path: Path) -> None:
    path = tmp_path / "STUDY.yaml"
    path.write_text(drafted(listed(*SESSION)).text)
    config = read_project(path, "STUDY.yaml")
    parse(config["bids"]["mapping"])
    assert (config["project"], config["bids"]["name"]) == ("STUDY", "STUDY")


def test_what_varies_in_a_name_becomes_a_group_of_its_pattern() -> None:
    found = rules(drafted(listed(*SESSION)))
    task = found[r"^fMRI_task-(?P<task>nback|rest)_run-(?P<run>\d+)$"]
    assert task["entities"] == {"task": "{task}", "run": "{run}"}
    assert found["^SpinEchoFieldMap_(?P<dir>AP|PA)$"]["entities"] == {"dir": "{dir}"}


def test_what_did_not_vary_is_written_out() -> None:
    found = rules(drafted(listed(*SESSION)))
    assert found["^dti_64dir_AP$"]["entities"] == {"dir": "AP"}


def test_a_question_is_a_rule_that_says_todo() -> None:
    one = drafted(listed(*SESSION))
    assert rules(one)[r"^what is \(this\)\?$"]["ignore"].startswith("TODO")
    assert one.open == 1


def test_a_guess_that_is_not_sure_stands_beside_its_question() -> None:
    text = drafted(listed("EPI PE=AP", "EPI PE=PA")).text
    rule = text[text.index("    - match:") :]
    assert rule == (
        "    - match: {series_description: '^EPI PE=(?P<dir>AP|PA)$'}\n"
        "      ignore: 'TODO: probably fmap/epi; look at it'\n"
        "      # to: fmap/epi\n"
        "      # entities: {dir: '{dir}'}\n"
    )


def test_series_that_are_left_out_for_one_reason_are_one_rule() -> None:
    found = rules(drafted(listed(*SESSION)))
    assert found["^(?:localizer|AAHScout)$"]["ignore"] == "planning scan"


def test_the_parts_of_a_field_map_are_told_apart_by_image_type() -> None:
    mapping = yaml.safe_load(drafted(listed(*SESSION)).text)["bids"]["mapping"]
    parts = {
        rule["match"]["image_type"]: rule["to"] for rule in mapping if "image_type" in rule["match"]
    }
    assert parts == {"M": "fmap/magnitude", "P": "fmap/phasediff"}


def test_two_kinds_that_would_get_one_name_differ_by_acq() -> None:
    found = rules(drafted(listed("t1_mprage_sag", "t1_mprage_sag_ND")))
    assert "entities" not in found["^t1_mprage_sag$"]
    assert found["^t1_mprage_sag_ND$"]["entities"] == {"acq": "ND"}


def test_two_kinds_that_never_meet_keep_the_one_name() -> None:
    found = rules(drafted(listed("t1_mprage_sag"), listed("T1w_MPR")))
    assert not any("entities" in rule for rule in found.values())


def test_what_all_sessions_hold_is_required_and_expected() -> None:
    found = rules(drafted(*[listed(*SESSION)] * 3))
    assert found["^t1_mprage_sag_p2$"]["required"]
    assert found["^t1_mprage_sag_p2$"]["expect"] == {"files": 103}


def test_of_one_session_nothing_is_said_to_be_the_rule() -> None:
    for rule in rules(drafted(listed(*SESSION))).values():
        assert not {"required", "expect"} & rule.keys()


def test_what_most_sessions_repeat_are_runs_and_else_the_last_counts() -> None:
    often = rules(drafted(*[listed("rest_bold", "rest_bold")] * 3))
    once = rules(drafted(*[listed("rest_bold")] * 3, listed("rest_bold", "rest_bold")))
    assert often["^rest_bold$"]["duplicates"] == "runs"
    assert once["^rest_bold$"]["duplicates"] == "last-complete"


def test_each_rule_says_how_often_it_occurs_and_what_it_rests_on() -> None:
    text = drafted(listed(*SESSION), listed("t1_mprage_sag_p2")).text
    assert "    # 2 scans in 2 of 2 sessions; by the word t1\n" in text


def test_logs_of_physiology_go_with_their_runs() -> None:
    one = drafted(listed("rest_bold_AP", "rest_bold_AP_PhysioLog", "rest_bold_PA_PhysioLog"))
    found = rules(one)["^(?:rest_bold_AP_PhysioLog|rest_bold_PA_PhysioLog)$"]
    assert found["to"] == "func/physio"
    parse(yaml.safe_load(one.text)["bids"]["mapping"])


def test_a_bidsmap_of_the_archive_is_offered_and_not_used_unasked() -> None:
    text = draft("STUDY", "", [listed(*SESSION)], bidsmap=True).text
    assert "    # - {use: bidsmap}\n" in text
    assert not any("use" in rule for rule in yaml.safe_load(text)["bids"]["mapping"])


def test_reproin_names_need_no_rules_of_their_own() -> None:
    session = listed("anat-T1w_acq-tfl", "func-bold_task-rest", "dwi_dir-AP", "odd one")
    one = drafted(session)
    assert "- {use: reproin}" in one.text
    assert states(one, session)["func-bold_task-rest"] == "mapped"
    assert list(rules(one)) == ["^odd one$"]


@pytest.mark.parametrize(
    "text", ["", "yes", "12", "1e3", "a: b", "it's", "- x", "#no", "a\nb", "{x}", "[", "null", "T1"]
)
def test_any_text_stays_a_text_in_yaml(text: str) -> None:
    assert yaml.safe_load(f"x: {quote(text)}")["x"] == text.replace("\n", " ")


@settings(deadline=None)
@given(
    st.lists(
        st.lists(st.sampled_from(DESCRIPTIONS) | st.text(min_size=1, max_size=8), max_size=12),
        min_size=1,
        max_size=4,
    )
)
def test_every_listed_series_is_taken_by_one_rule_of_its_draft(sessions: list[list[str]]) -> None:
    listings = [listed(*descriptions) for descriptions in sessions]
    one = drafted(*listings)
    if one.named + one.ignored + one.open == 0:
        return
    mapping = parse(yaml.safe_load(one.text)["bids"]["mapping"])
    for session in listings:
        complete = with_sources(mapping, session)
        for series in session:
            found = complete.matches(series)
            assert found, series.series_description
            assert len(found) == 1 or all(match.open for match in found), series.series_description
