"""What the data protection summary says to an ethics board, and what it does not."""

import copy
import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from coil.records.data_protection import DataProtection, LeakRefusals
from coil.records.export import ExportRecord, ProfileRecord, PruneRecord, Searched
from coil.records.push import ForeignFiles, PushRecord
from coil.report import data_protection, session
from coil.report.data_protection import Study
from coil.report.sent import Sent
from tests.support import records
from tests.unit.report.test_session import Page

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


def all_records():
    return [*(records.admitted(label) for label in ("A7KQ", "B2ZW")), records.failed()]


def summary(keep=False, **changed):
    return Page(data_protection.render(values(keep, **changed)))


def values(keep=False, sent=None, **changed):
    study = Study(copy.deepcopy(SETTINGS) | changed, keep)
    return data_protection.summarize("DEMO", study, all_records(), sent or Sent())


@pytest.fixture
def shown():
    return summary()


def test_the_leak_checks_of_all_sessions_are_added_up(shown):
    assert "2 sessions, 114 identifiers, 66 files, 246,912 bytes: 0 hits" in shown.text
    assert "name 80 0 UID 34 0" in shown.text


def test_a_refused_session_is_told_with_its_reason_and_not_counted_as_admitted(shown):
    assert "2 of 3 sessions in the dataset, no identifier found in them" in shown.text
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
    assert "The config sends it reports and numbers of quality control. " in shown.text
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
    assert "defaced 2 12 %" in shown.text


def test_the_place_of_the_key_is_in_no_record_and_on_no_page(shown):
    assert "/keys/of/the/lab" not in shown.text
    assert "/keys/of/the/lab" not in str(all_records())


def test_the_page_is_closed_html_that_loads_nothing(shown):
    assert not shown.open
    assert not [tag for tag, attrs in shown.tags if "src" in attrs]


def test_a_record_counts_what_each_rule_did():
    account = all_records()[0].protection.account
    assert [(row.action, row.what, row.count) for row in account] == [
        ("removed", "values of sidecars", 7),
        ("removed", "fields of image headers", 1),
        ("changed", "faces", 1),
    ]


def test_a_refused_session_has_rules_and_editions_but_nothing_that_they_did():
    refused = all_records()[-1].protection
    assert refused.account == ()
    assert refused.editions["BIDS"] == "1.11.1" and refused.policies["dates"] == "shift"


def test_the_page_of_a_session_shows_what_was_done_and_by_which_edition(tmp_path):
    page = Page(session.render(all_records()[0], {}, tmp_path))
    assert "removed values of sidecars 7 not in the allow-list" in page.text
    assert "BIDS 1.11.1" in page.text and "name 40" in page.text


def test_what_the_leak_check_refused_is_counted_by_kind_of_identifier():
    refused = replace(records.failed("L34K"), leaks={"name": 2, "date": 1})
    why = "leak check: a file of series 4"
    exported = ExportRecord(
        project="DEMO", subject="A7KQ", session="1", state="failed", leaks={"name": 1}, reason=why
    )
    study = Study(SETTINGS | {"export": "dicom"})
    told = data_protection.summarize(
        "DEMO", study, [*all_records(), refused], Sent(exports=[exported])
    )
    assert told.leak_refusals == LeakRefusals(sessions=2, kinds={"date": 1, "name": 3})
    shown = Page(data_protection.render(told))
    assert "It refused 2 sessions" in shown.text and "name 80 3" in shown.text
    assert "sub-A7KQ ses-1: leak check" in shown.text


def test_what_was_sent_is_counted_from_the_receipts_and_not_from_the_config():
    files = ("report.html", "qc.json", "scans/4/NIFTI/a.nii.gz", "resources/coil_qc/b.tsv")
    left = ForeignFiles(resource="NIFTI", scan="5")
    done = PushRecord(state="done", files=dict.fromkeys(files, "md5"), left=(left,))
    copied = PushRecord(state="done", files={"scans/4/DICOM/000001.dcm": "md5"})
    sent = Sent(
        pushes={"sub-A_ses-1": done, "sub-B_ses-1": PushRecord(state="rehearsed")},
        copies={"sub-A_ses-1": copied},
        withdrawn=[PushRecord(state="done", removed=("C_1",))],
    )
    told = values(sent=sent, export={"to": {"project": "OTHER", "server": "https://elsewhere"}})
    assert told.push.states == {"done": 1, "rehearsed": 1}
    shown = Page(data_protection.render(told)).text
    assert "anonymized images and their sidecars 1 1" in shown
    assert "reports and their numbers 1 2" in shown
    assert "de-identified DICOM files 1 1" in shown
    assert "the project OTHER on another server, https://elsewhere" in shown
    assert "the last time 1 session" in shown and "1 time somebody else's files" in shown


def test_the_gates_of_defacing_are_told_with_their_limits_and_the_templates_edition(shown):
    assert "resemblance to the average head after registration 0.58 or more" in shown.text
    assert "share of the head that goes 2% to 25%" in shown.text
    assert "head and mask of pydeface 2.1.0" in shown.text


def test_every_change_has_its_rule_and_the_rules_edition():
    told = values()
    assert told.account
    for row in told.account:
        assert row.rule and row.edition
    (faces,) = [row for row in told.account if row.what == "faces"]
    assert faces.edition.endswith("template of pydeface 2.1.0")


def test_the_json_twin_holds_all_that_the_page_says():
    told = values()
    again = DataProtection.from_fields(json.loads(json.dumps(told.fields())))
    assert data_protection.render(again) == data_protection.render(told)


def test_exported_files_are_in_the_account_with_the_edition_of_the_table_and_the_allow_list(
    tmp_path: Path,
):
    profile = ProfileRecord(
        table="PS3.15 2026c", options=("Clean Descriptors",), allow_list="SHA-256 7"
    )
    for unit in ("sub-A_ses-1", "sub-B_ses-1"):
        ExportRecord(
            project="DEMO", subject="A", session="1", state="done", files=30, profile=profile,
            leak_check=Searched(identifiers=57, files=30, hits=0),
        ).write(tmp_path / unit / "export.json")  # fmt: skip
    PruneRecord(removed=("sub-C_ses-1",)).write(tmp_path / "project" / "export.json")
    sent = Sent.read(sorted(tmp_path.glob("*/export.json")))
    row = values(sent=sent, export="dicom").account[-1]
    assert (row.what, row.count) == ("headers of DICOM files", 60)
    assert row.edition == "PS3.15 2026c; SHA-256 7"
