"""The names of the ReproIn convention become BIDS names, each series by itself."""

from typing import Any

import pytest
from heudiconv.heuristics import reproin as theirs
from heudiconv.utils import SeqInfo
from hypothesis import given
from hypothesis import strategies as st

from coil.bids import names
from coil.bids.series.series import Series
from tests.support.sources import PHASE, resolved, scan, short

REPROIN = {"use": "reproin"}


@pytest.mark.parametrize(
    ("protocol", "name"),
    [
        # Names from the convention's own documentation and the walkthroughs of its sites.
        ("anat-T1w", "anat/T1w"),
        ("anat_T1w", "anat/T1w"),
        ("anat-T1w_acq-mprage", "anat/acq-mprage_T1w"),
        ("anat-T2w_run-01", "anat/run-01_T2w"),
        ("func_task-rest", "func/task-rest_bold"),
        ("func-bold_task-rest_acq-p2_run-1", "func/task-rest_acq-p2_run-01_bold"),
        ("func_task-memory_run-02_dir-AP", "func/task-memory_dir-AP_run-02_bold"),
        ("func-bold", "func/task-UNKNOWN_bold"),
        ("dwi", "dwi/dwi"),
        ("dwi_acq-multib_dir-PA", "dwi/acq-multib_dir-PA_dwi"),
        ("hardi_64", "dwi/acq-hardi64_dwi"),
        ("fmap_dir-AP", "fmap/dir-AP_epi"),
        ("fmap-epi_dir-PA_acq-mb8", "fmap/acq-mb8_dir-PA_epi"),
        ("fmap_acq-2mm", "fmap/acq-2mm_magnitude"),
        ("PU:anat-T1w_acq-x", "anat/acq-x_T1w"),
        ("WIP func-bold_task-rest", "func/task-rest_bold"),
        ("anat-T1w_ses-{date}", "anat/T1w"),
        ("anat-T1w_ses-pre__a remark", "anat/T1w"),
        ("bids_func_task-rest", "func/task-rest_bold"),
        ("anat_acq-highres_ce-gad_T1w", "anat/acq-highres_ce-gad_T1w"),
        ("func_task-rest_", "func/task-rest_bold"),
    ],
)
def test_a_protocols_name_is_its_bids_name(protocol: str, name: str) -> None:
    assert short(resolved([scan(1, protocol)], REPROIN)) == [name]


@pytest.mark.parametrize("description", ["t1_mprage_sag", "ep2d_bold", "", "Localizer", "anatomy"])
def test_what_is_no_reproin_name_is_left_to_other_rules(description: str) -> None:
    (row,) = resolved([scan(1, description)], REPROIN)
    assert (row.state, row.reason) == ("unmapped", "no rule takes it")


@pytest.mark.parametrize(
    ("protocol", "reason"),
    [
        ("anat-T9w", "its data type and suffix are not in BIDS"),
        ("dwi_ap_b1000", "a part of its name is neither an entity nor a suffix"),
        ("anat-T1w_flavour-sweet", "a part of the name is no BIDS entity"),
        ("dwi_task-rest", "dwi/dwi takes no task"),
        ("anat_acq-x", "its name has no suffix, and its ImageType tells none"),
        ("func_task-a_run-one", "its run is neither an index nor + nor ="),
        ("anat-T1w_acq-{x}", "acq takes letters and digits only"),
    ],
)
def test_a_name_that_bids_does_not_have_stays_unmapped_with_the_reason(
    protocol: str, reason: str
) -> None:
    (row,) = resolved([scan(1, protocol)], REPROIN)
    assert row.state == "unmapped"
    assert row.reason.startswith(f"bids.mapping[0] (reproin): {reason}")


@pytest.mark.parametrize(
    "series",
    [
        scan(1, "anat-scout"),
        scan(1, "scout_ses-01"),
        scan(1, "AAHead_Scout_64ch-head-coil"),
        scan(1, "anat-T1w_setter", protocol_name="anat-T1w"),
        scan(1, "PhoenixZIPReport", protocol_name="func_task-rest"),
        scan(1, "behav_task-rest"),
    ],
    ids=lambda series: series.series_description,
)
def test_scouts_setters_and_reports_are_ignored(series: Series) -> None:
    (row,) = resolved([series], REPROIN)
    assert row.state == "ignored"
    assert row.reason


def test_the_protocols_name_goes_before_the_description() -> None:
    series = scan(1, "func_task-b", protocol_name="func_task-a")
    assert short(resolved([series], REPROIN)) == ["func/task-a_bold"]


def test_run_plus_counts_and_run_equals_repeats() -> None:
    protocols = ["func_task-a_run+", "fmap_dir-AP_run=", "func_task-a_run+", "fmap_dir-AP_run="]
    rows = resolved([scan(i, text) for i, text in enumerate(protocols, start=1)], REPROIN)
    assert short(rows) == [
        "func/task-a_run-01_bold",
        "fmap/dir-AP_run-01_epi",
        "func/task-a_run-02_bold",
        "fmap/dir-AP_run-02_epi",
    ]


def test_reference_bold_phase_and_corrected_series_are_one_run() -> None:
    protocol = "func_task-a_run+"
    moved = ("ORIGINAL", "PRIMARY", "M", "ND", "MOCO")
    rows = resolved(
        [
            scan(1, f"{protocol}_SBRef", protocol_name=protocol),
            scan(2, protocol),
            scan(3, protocol, image_type=PHASE),
            scan(4, "MoCoSeries", protocol_name=protocol, image_type=moved),
            scan(5, f"{protocol}_SBRef", protocol_name=protocol),
            scan(6, protocol),
        ],
        REPROIN,
    )
    assert short(rows) == [
        "func/task-a_run-01_sbref",
        "func/task-a_run-01_bold",
        "func/task-a_run-01_part-phase_bold",
        "func/task-a_rec-moco_run-01_bold",
        "func/task-a_run-02_sbref",
        "func/task-a_run-02_bold",
    ]


def test_a_gradient_field_map_is_told_by_its_image_type() -> None:
    rows = resolved([scan(1, "fmap_run+"), scan(2, "fmap_run+", image_type=PHASE)], REPROIN)
    assert short(rows) == ["fmap/run-01_magnitude", "fmap/run-01_phasediff"]


def test_a_run_that_was_done_again_replaces_the_one_before() -> None:
    rows = resolved([scan(1, "func_task-a_run-01"), scan(2, "func_task-a_run-01")], REPROIN)
    assert short(rows) == ["duplicate", "func/task-a_run-01_bold"]


def test_a_rule_of_the_labs_own_goes_before_the_name() -> None:
    rule = {"match": {"series_description": "anat-T1w"}, "to": "anat/T2w"}
    assert short(resolved([scan(1, "anat-T1w")], REPROIN, rule)) == ["anat/T2w"]


def test_a_rule_takes_what_the_convention_cannot_name() -> None:
    rule = {"match": {"series_description": "anat-T9w"}, "to": "anat/T2w", "priority": -1}
    assert short(resolved([scan(1, "anat-T9w")], REPROIN, rule)) == ["anat/T2w"]


def test_a_listing_leaves_open_what_only_a_header_tells() -> None:
    listed = Series(scan="3", listed=True, series_description="fmap_acq-2mm")
    (row,) = resolved([listed], REPROIN)
    assert row.state == "mapped"
    assert row.reason == "bids.mapping[0] (reproin), if its header agrees on image_type"


def _theirs(series: list[Series]) -> list[str]:
    """What heudiconv's own ReproIn heuristic calls the series."""
    blank = dict.fromkeys(SeqInfo._fields, "")
    infos = [
        SeqInfo(
            **blank
            | {
                "series_id": one.scan,
                "protocol_name": one.protocol_name,
                "series_description": one.series_description,
                "image_type": one.image_type,
                "is_motion_corrected": False,
                "is_derived": False,
                "study_description": "a^b",
            }  # type: ignore[arg-type]
        )
        for one in series
    ]
    named = {ids[0]: template for (template, *_), ids in theirs.infotodict(infos).items()}
    texts = [named[one.scan or ""] for one in series]
    return [
        text.replace("{bids_subject_session_dir}/", "").replace(
            "{bids_subject_session_prefix}_", ""
        )
        for text in texts
    ]


_label = st.text("abcXYZ019", min_size=1, max_size=5)
_entities: dict[str, Any] = {
    "anat": ("acq", "rec"),
    "func": ("task", "acq", "rec", "dir"),
    "dwi": ("acq", "rec", "dir"),
    "fmap": ("acq", "dir"),
}


@st.composite
def protocols(draw: st.DrawFn) -> str:
    """Names by the convention: a kind of image, entities, perhaps a run and a remark."""
    start = draw(
        st.sampled_from(["anat-T1w", "anat-T2w", "func", "func-bold", "dwi", "fmap", "fmap-epi"])
    )
    keys = draw(st.sets(st.sampled_from(_entities[start.partition("-")[0]])))
    if start.startswith("func"):
        keys |= {"task"}
    if start == "fmap-epi":
        keys |= {"dir"}
    parts = [f"{key}-{draw(_label)}" for key in sorted(keys)]
    run = draw(st.sampled_from(["", "_run-1", "_run-12", "_run+", "_run="]))
    return "_".join([start, *parts]) + run + draw(st.sampled_from(["", "__x"]))


@given(st.lists(protocols(), min_size=1, max_size=6, unique=True))
def test_names_are_those_of_heudiconvs_own_heuristic_in_the_order_of_bids(given: list[str]) -> None:
    series = [scan(i, text) for i, text in enumerate(given, start=1)]
    for row, theirs_name in zip(resolved(series, REPROIN), _theirs(series), strict=True):
        if "__dup" in theirs_name or row.name is None:
            assert "__dup" in theirs_name and row.state == "duplicate"
            continue
        datatype, suffix, values = names.split(row.name)
        their_datatype, their_suffix, their_values = names.split(theirs_name)
        ours = {key: value for key, value in values.items() if key not in ("sub", "ses")}
        assert (datatype, suffix, ours) == (their_datatype, their_suffix, their_values)


@given(
    st.lists(
        st.text(st.sampled_from("anatfucdwmptsk-_+=TRrest01 .{}ä"), min_size=0, max_size=24).map(
            lambda text: text.replace("nat", "anat-T1w_")
        )
        | st.builds("{}{}".format, st.sampled_from(["func_", "dwi_", "fmap-", "anat-"]), st.text()),
        min_size=1,
        max_size=4,
    )
)
def test_any_text_is_a_valid_name_or_stays_unmapped_with_a_reason(given: list[str]) -> None:
    for row in resolved([scan(i, text) for i, text in enumerate(given, start=1)], REPROIN):
        assert row.reason
        if row.state == "mapped":
            assert row.name
            numbered = row.name.replace("_magnitude", "_magnitude1")
            assert names.name_problem(numbered if "magnitude" in row.name else row.name) is None
