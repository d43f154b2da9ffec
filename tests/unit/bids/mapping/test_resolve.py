"""Every series ends in exactly one state, whatever the order in which series arrive."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coil.bids.mapping.mapping import parse
from coil.bids.mapping.resolution import Resolution
from coil.bids.mapping.resolve import resolve
from coil.bids.series.series import Series
from coil.bids.series.stack import Counted
from coil.errors import DataError
from coil.records.pulled import PulledScan

RULES: list[dict[str, Any]] = [
    {"match": {"series_description": "mprage"}, "to": "anat/T1w", "duplicates": "last-complete"},
    {
        "match": {"series_description": "rest"},
        "to": "func/bold",
        "entities": {"task": "rest"},
        "expect": {"volumes": 200},
        "duplicates": "runs",
    },
    {"match": {"series_description": "localizer"}, "ignore": "planning scan"},
    {"match": {"series_description": "t2"}, "to": "anat/T2w"},
    {"match": {"series_description": "adc", "image_type": "ADC"}, "to": "dwi/ADC"},
]


def scan(number: int, description: str, **fields: Any) -> Series:
    defaults: dict[str, Any] = {
        "folder": f"series/{number:03d}",
        "image_type": ("ORIGINAL", "PRIMARY", "M"),
        "patient_id": "p",
        "study_uid": "s",
        "series_number": number,
        "acq_time": f"2024-05-01T13:{number:02d}:00.000000",
    }
    return Series(scan=str(number), series_description=description, **defaults | fields)


def states(series: list[Series], rules: list[dict[str, Any]] | None = None) -> list[Resolution]:
    return resolve(series, parse(rules or RULES), "X", "Y")


def brief(rows: list[Resolution]) -> list[tuple[str | None, str, str | None]]:
    return [(row.series.scan if row.series else None, row.state, row.name) for row in rows]


def test_a_series_is_named_by_the_rule_that_takes_it() -> None:
    (row,) = states([scan(1, "mprage")])
    assert (row.state, row.rule, row.name) == ("mapped", 0, "anat/sub-X_ses-Y_T1w")


def test_an_ignored_series_keeps_the_rules_reason() -> None:
    (row,) = states([scan(1, "localizer")])
    assert (row.state, row.reason) == ("ignored", "planning scan")


def test_a_series_without_a_rule_is_unmapped() -> None:
    (row,) = states([scan(1, "fancy new sequence")])
    assert (row.state, row.rule, row.name) == ("unmapped", None, None)


@pytest.mark.parametrize("token", ["DERIVED", "MOCO"])
def test_what_the_scanner_computed_is_left_out(token: str) -> None:
    (row,) = states([scan(1, "rest", image_type=(token, "PRIMARY"), counted=Counted(200, 30))])
    assert row.state == "derived"


def test_a_rule_may_ask_for_what_the_scanner_computed() -> None:
    (row,) = states([scan(1, "adc", image_type=("DERIVED", "PRIMARY", "ADC"))])
    assert (row.state, row.name) == ("mapped", "dwi/sub-X_ses-Y_ADC")


def test_two_rules_for_one_series_are_ambiguous() -> None:
    (row,) = states([scan(1, "mprage t2")])
    assert row.state == "ambiguous"
    assert row.reason == (
        "bids.mapping[0] (anat/T1w) and bids.mapping[3] (anat/T2w) take it; "
        "narrow one or set a priority"
    )


def test_an_aborted_run_is_incomplete_and_takes_no_run_number() -> None:
    rows = states(
        [
            scan(1, "rest", counted=Counted(200, 30)),
            scan(2, "rest", counted=Counted(57, 30)),
            scan(3, "rest", counted=Counted(200, 30)),
        ]
    )
    assert brief(rows) == [
        ("1", "mapped", "func/sub-X_ses-Y_task-rest_run-1_bold"),
        ("2", "incomplete", None),
        ("3", "mapped", "func/sub-X_ses-Y_task-rest_run-2_bold"),
    ]
    assert rows[1].reason == "57 of 200 volumes: aborted or not wholly archived"


def test_a_single_run_has_no_index() -> None:
    rows = states(
        [scan(1, "rest", counted=Counted(57, 30)), scan(2, "rest", counted=Counted(200, 30))]
    )
    assert brief(rows)[1] == ("2", "mapped", "func/sub-X_ses-Y_task-rest_bold")


@pytest.mark.parametrize(
    ("expect", "state", "reason"),
    [
        (
            {"slices": 30, "echoes": 2},
            "incomplete",
            "1 of 2 echoes: aborted",
        ),
        ({"volumes": {"min": 150, "max": 180}}, "mapped", "200 volumes where 180 are expected"),
        ({"volumes": {"max": 300}, "files": {"min": 5}}, "mapped", "bids.mapping[0]"),
        ({"files": 7}, "incomplete", "6 of 7 files: aborted or not wholly archived"),
    ],
)
def test_what_a_complete_series_has_may_be_told_in_several_ways(
    expect: dict[str, Any], state: str, reason: str
) -> None:
    rule = RULES[1] | {"expect": expect}
    (row,) = states([scan(1, "rest", counted=Counted(200, 30, 1), files=6)], [rule])
    assert row.state == state
    assert reason in row.reason


def test_a_single_run_has_an_index_where_the_rule_asks() -> None:
    rule = RULES[1] | {"entities": {"task": "rest", "run": "auto"}}
    (row,) = states([scan(1, "rest", counted=Counted(200, 30))], [rule])
    assert row.name == "func/sub-X_ses-Y_task-rest_run-1_bold"


def test_runs_are_in_order_of_acquisition_not_of_number() -> None:
    early = scan(9, "rest", counted=Counted(200, 30), acq_time="2024-05-01T13:00:00.000000")
    late = scan(2, "rest", counted=Counted(200, 30), acq_time="2024-05-01T14:00:00.000000")
    assert [(scan, name) for scan, _, name in brief(states([late, early]))] == [
        ("9", "func/sub-X_ses-Y_task-rest_run-1_bold"),
        ("2", "func/sub-X_ses-Y_task-rest_run-2_bold"),
    ]


def test_the_last_complete_repetition_is_taken() -> None:
    rows = states([scan(1, "mprage"), scan(2, "mprage")])
    assert brief(rows) == [
        ("1", "duplicate", None),
        ("2", "mapped", "anat/sub-X_ses-Y_T1w"),
    ]
    assert rows[0].reason == "a later complete repetition is taken (scan 2)"


def test_two_series_to_one_name_are_ambiguous_by_default() -> None:
    rows = states([scan(1, "t2"), scan(2, "t2")])
    assert [row.state for row in rows] == ["ambiguous", "ambiguous"]
    assert "scans 1, 2 get one name" in rows[0].reason


def test_a_counted_run_never_takes_the_name_of_a_written_one() -> None:
    fixed = {
        "match": {"series_description": "other"},
        "to": "func/bold",
        "entities": {"task": "rest", "run": "1"},
    }
    series = [
        scan(1, "rest", counted=Counted(200, 30)),
        scan(2, "rest", counted=Counted(200, 30)),
        scan(3, "other"),
    ]
    assert [row.state for row in states(series, [*RULES, fixed])] == [
        "ambiguous",
        "mapped",
        "ambiguous",
    ]


def test_a_scan_without_dicom_is_said_to_lack_it() -> None:
    empty = Series(scan="2", series_description="mprage", problem="no DICOM resource")
    rows = states([scan(1, "mprage"), empty])
    assert (rows[1].state, rows[1].reason) == (
        "incomplete",
        "the archive holds no DICOM for this scan",
    )


def test_a_report_is_not_an_image() -> None:
    rows = states([scan(1, "mprage"), scan(2, "PhoenixZIPReport", is_image=False)])
    assert (rows[1].state, rows[1].reason) == ("ignored", "holds no image (a report or raw data)")


def test_a_required_series_that_nothing_took_is_missing() -> None:
    rules = [RULES[0], RULES[1] | {"required": True}]
    rows = states([scan(1, "mprage"), scan(2, "rest", counted=Counted(3, 30))], rules)
    assert (rows[2].series, rows[2].state, rows[2].rule) == (None, "missing", 1)
    assert rows[2].reason == "func/bold is required by the protocol; no complete series of it"


def test_a_name_that_cannot_be_is_not_given() -> None:
    rule = {
        "match": {"series_description": "run(?P<run>.)"},
        "to": "anat/T1w",
        "entities": {"run": "{run}"},
    }
    (row,) = states([scan(1, "runA")], [rule])
    assert (row.state, row.reason) == (
        "unmapped",
        "bids.mapping[0] takes it, but run takes digits only",
    )


def test_two_subjects_in_one_session_are_refused_without_naming_them() -> None:
    with pytest.raises(DataError, match="two subjects in one session") as caught:
        states([scan(1, "mprage"), scan(2, "t2", patient_id="DOE")])
    assert "DOE" not in str(caught.value)


def test_two_studies_of_one_visit_are_one_session() -> None:
    rows = states([scan(1, "mprage"), scan(2, "t2", study_uid="other")])
    assert [row.state for row in rows] == ["mapped", "mapped"]


def test_two_visits_in_one_session_are_refused() -> None:
    later = scan(2, "t2", study_uid="other", acq_time="2024-06-01T13:00:00.000000")
    with pytest.raises(DataError, match="two visits in one session"):
        states([scan(1, "mprage"), later])


def test_a_listing_is_settled_as_far_as_it_goes() -> None:
    rules = [
        {"match": {"series_description": "gre", "image_type": "M"}, "to": "fmap/magnitude"},
        {"match": {"series_description": "gre", "image_type": "P"}, "to": "fmap/phasediff"},
        *RULES,
    ]
    listing = [
        {"scan": "1", "series_description": "gre"},
        {"scan": "2", "series_description": "mprage", "files": 3},
        {"scan": "3", "series_description": "t2", "problem": "no DICOM resource"},
    ]
    rows = states([Series.from_listing(PulledScan(**row)) for row in listing], rules)
    assert [row.state for row in rows] == ["ambiguous", "mapped", "incomplete"]
    assert "its header decides by image_type" in rows[0].reason


DESCRIPTIONS = ["mprage", "rest", "localizer", "t2", "adc", "mprage t2", "unknown"]
SERIES = st.builds(
    scan,
    st.integers(1, 40),
    st.sampled_from(DESCRIPTIONS),
    image_type=st.sampled_from([("ORIGINAL", "M"), ("DERIVED", "ADC"), ("DERIVED", "MIP")]),
    counted=st.sampled_from([Counted(200, 30), Counted(3, 30), Counted(None, None)]),
    acq_time=st.sampled_from([None, "2024-05-01T13:00:00.000000", "2024-05-01T14:00:00.000000"]),
    series_uid=st.uuids().map(str),
)
POLICIES = st.lists(
    st.sampled_from(["fail", "runs", "last-complete"]), min_size=len(RULES), max_size=len(RULES)
)


def with_policies(policies: list[str]) -> list[dict[str, Any]]:
    return [
        rule | ({"duplicates": policy} if "to" in rule else {})
        for rule, policy in zip(RULES, policies, strict=True)
    ]


@given(st.lists(SERIES, min_size=1, max_size=12), POLICIES)
def test_every_series_has_one_row_and_no_two_one_name(
    series: list[Series], policies: list[str]
) -> None:
    rows = states(series, with_policies(policies))
    assert sorted(row.series.series_uid or "" for row in rows if row.series) == sorted(
        one.series_uid or "" for one in series
    )
    given_names = [row.name for row in rows if row.state == "mapped"]
    assert None not in given_names
    assert len(set(given_names)) == len(given_names)
    assert all(row.name is None for row in rows if row.state != "mapped")
    assert all(row.reason and "\n" not in row.reason for row in rows)


@given(st.lists(SERIES, min_size=1, max_size=8), POLICIES, st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(
    series: list[Series], policies: list[str], random: Any
) -> None:
    shuffled = random.sample(series, len(series))
    rules = with_policies(policies)
    assert states(series, rules) == states(shuffled, rules)


def test_what_a_listing_tells_stands_unless_a_header_says_otherwise() -> None:
    rules = [{"match": {"image_type": "SWI"}, "ignore": "no name", "priority": 1}, *RULES]
    (row,) = states([Series(scan="1", series_description="mprage", listed=True)], rules)
    assert (row.state, row.name, row.rule) == ("mapped", "anat/sub-X_ses-Y_T1w", 1)
    assert row.reason == "bids.mapping[1], unless its header fits bids.mapping[0] (ignore)"
    assert "image_type" in row.open
