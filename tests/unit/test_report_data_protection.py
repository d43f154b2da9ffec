"""What the data protection summary says to an ethics board, and what it does not."""

import copy

import pytest
from test_report_session import Page

from coil.deid.record import protection
from coil.report import data_protection, session
from tests import records

SETTINGS = {
    "identity": {
        "subjects": "hmac", "sessions": "label", "dates": "shift", "time_of_day": "keep",
        "secret_file": "/keys/of/the/lab",
    },
    "deface": ["T1w"],
    "bids": {"name": "Demo study", "sidecar_keys": ["ImageComments"]},
    "participants": [{"name": "story", "description": "told", "format": "string"}],
    "sessions": [],
    "phenotype": [{"instrument": "phq9", "strings": ["remark"]}],
    "push": {"reports": True, "bids_resources": False, "derivatives": [], "assessor": False},
    "export": "none",
}  # fmt: skip
RULES = {
    "identity": SETTINGS["identity"],
    "deface": SETTINGS["deface"],
    "sidecar_keys": SETTINGS["bids"]["sidecar_keys"],
}


def recorded(record):
    checked = record.get("leak_check")
    if checked:
        record["leak_check"] = checked | {"kinds": {"name": 40, "UID": 17}}
    return record | {"protection": protection(record, RULES, "1.11.1")}


def all_records():
    admitted = [recorded(records.admitted(label)) for label in ("A7KQ", "B2ZW")]
    return [*admitted, recorded(records.failed())]


def summary(keep=False, **changed):
    settings = copy.deepcopy(SETTINGS) | changed
    return Page(data_protection.render("DEMO", settings, all_records(), records.VERSIONS, keep))


@pytest.fixture
def shown():
    return summary()


def test_the_leak_checks_of_all_sessions_are_added_up(shown):
    assert "2 sessions, 114 identifiers, 66 files, 246,912 bytes: 0 hits" in shown.text
    assert "UID 34 name 80" in shown.text


def test_a_refused_session_is_told_with_its_reason_and_not_counted_as_admitted(shown):
    assert "Sessions admitted 2 of 3" in shown.text
    assert "sub-F1QK ses-1 pull Two subjects in one session" in shown.text


def test_every_free_text_that_the_config_lets_through_is_named(shown):
    for text in (
        "ImageComments (a sidecar key or a column of events)",
        "remark (phenotype/phq9.tsv)",
        "story (participants.tsv)",
    ):
        assert text in shown.text


def test_without_free_text_the_page_says_so():
    closed = {"bids": SETTINGS["bids"] | {"sidecar_keys": []}, "participants": [], "phenotype": []}
    assert "The config lets no free text through" in summary(**closed).text


def test_what_goes_back_to_the_archive_is_what_the_config_asks_for(shown):
    assert "as the config asks: reports and numbers of quality control. " in shown.text
    nothing = dict.fromkeys(SETTINGS["push"], False)
    assert "sends nothing back" in summary(push=nothing).text


def test_a_label_of_the_archive_is_told_apart_from_a_pseudonym(shown):
    assert "Participants: a keyed hash" in shown.text
    assert "Sessions: the archive's label as it is" in shown.text


def test_a_quarantine_that_the_config_keeps_is_told(shown):
    assert "admitted or refused; then deleted" in shown.text
    assert "the config keeps it , until" in summary(keep=True).text


def test_exported_faces_are_told():
    export = {"dicom": "mapped", "faces": "keep"}
    assert "By the config their faces are kept" in summary(export=export).text


def test_images_are_counted_by_what_became_of_their_faces(shown):
    assert "defaced 2 12 to 12 %" in shown.text


def test_the_place_of_the_key_is_in_no_record_and_on_no_page(shown):
    assert "/keys/of/the/lab" not in shown.text
    assert "/keys/of/the/lab" not in str(all_records())


def test_the_page_is_closed_html_that_loads_nothing(shown):
    assert not shown.open
    assert not [tag for tag, attrs in shown.tags if "src" in attrs]


def test_a_record_counts_what_each_rule_did():
    account = all_records()[0]["protection"]["account"]
    assert [(row["action"], row["what"], row["count"]) for row in account] == [
        ("removed", "values of sidecars", 7),
        ("removed", "fields of image headers", 1),
        ("changed", "faces", 1),
    ]


def test_a_refused_session_has_rules_and_editions_but_nothing_that_they_did():
    refused = all_records()[-1]["protection"]
    assert refused["account"] == []
    assert refused["editions"]["BIDS"] == "1.11.1" and refused["policies"]["dates"] == "shift"


def test_the_page_of_a_session_shows_what_was_done_and_by_which_edition(tmp_path):
    page = Page(session.render(all_records()[0], None, tmp_path))
    assert "removed values of sidecars 7 not in the allow-list" in page.text
    assert "BIDS 1.11.1" in page.text and "name 40" in page.text
