"""The bidsmaps that labs keep in XNAT become BIDS names."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coil.bids import names
from coil.bids.mapping.resolution import Resolution
from coil.bids.mapping.sources.bidsmap import parse
from coil.bids.series.series import Series
from coil.errors import ConfigError
from coil.files import write_json
from coil.records.bidsmaps import KeptBidsmap
from tests.support.sources import PHASE, resolved, scan, short

USE = {"use": "bidsmap"}
PROJECT, SITE = "the project's bidsmap", "the site's bidsmap"


def exact(text: str, name: str | None) -> dict[str, Any]:
    return {"series_description": text, "bidsname": name}


@pytest.fixture
def by_map(tmp_path: Path) -> Any:
    """The states of series by a project's map, and a site's."""

    def resolve(series: list[Series], project: Any, site: Any = None) -> list[Resolution]:
        return by(tmp_path, series, project, site)

    return resolve


def by(folder: Path, series: list[Series], project: Any, site: Any = None) -> list[Resolution]:
    maps = [{"place": PROJECT, "map": project}]
    maps += [{"place": SITE, "map": site}] if site is not None else []
    write_json(folder / "bidsmap.json", maps)
    return resolved(series, USE, files={"bidsmap": folder / "bidsmap.json"})


@pytest.mark.parametrize(
    ("bidsname", "name"),
    [
        ("T1w", "anat/T1w"),
        ("acq-mprage_T1w", "anat/acq-mprage_T1w"),
        ("t1w", "anat/T1w"),
        ("FLAIR", "anat/FLAIR"),
        ("task-rest_bold", "func/task-rest_bold"),
        ("task-rest_run-01_bold", "func/task-rest_run-01_bold"),
        ("task-rest_sbref", "func/task-rest_sbref"),
        ("dir-AP_sbref", "dwi/dir-AP_sbref"),
        ("acq-98dir_dwi", "dwi/acq-98dir_dwi"),
        ("dir-AP_epi", "fmap/dir-AP_epi"),
        ("magnitude", "fmap/magnitude"),
        ("phasediff", "fmap/phasediff"),
        ("asl", "perf/asl"),
        ("m0scan", "perf/m0scan"),
        ("fmap/m0scan", "fmap/m0scan"),
        ("anat/acq-x_T1w", "anat/acq-x_T1w"),
        ("sub-01_ses-02_T2w.nii.gz", "anat/T2w"),
        ("func-bold_task-rest_run+", "func/task-rest_run-01_bold"),
        ("anat-T1w_acq-memprage", "anat/acq-memprage_T1w"),
        ("anat-scout", "ignored"),
    ],
)
def test_a_series_gets_the_name_of_its_description(by_map: Any, bidsname: str, name: str) -> None:
    assert short(by_map([scan(1, "AX thing")], [exact("AX thing", bidsname)])) == [name]


def test_a_description_fits_whole_and_in_capitals_or_not(by_map: Any) -> None:
    rows = by_map([scan(1, "T1 Mprage"), scan(2, "t1 mprage nd")], [exact("t1 MPRAGE", "T1w")])
    assert short(rows) == ["anat/T1w", "unmapped"]


def test_a_pattern_is_searched_and_may_say_the_data_type(by_map: Any) -> None:
    entries = [
        {"pattern": "(?i)^se_field", "suffix": "dir-AP_epi", "modality": "fmap"},
        {"pattern": "^se", "suffix": "T2w"},
    ]
    assert short(by_map([scan(1, "SE_Field_1"), scan(2, "sequence")], {"mappings": entries})) == [
        "fmap/dir-AP_epi",
        "anat/T2w",
    ]


def test_an_exact_entry_goes_before_a_pattern(by_map: Any) -> None:
    entries = [
        {"pattern": "(?i)bold", "suffix": "task-any_bold", "modality": "func"},
        {"xnat_field": "BOLD rest", "bidsname": "task-rest_bold"},
    ]
    assert short(by_map([scan(1, "bold REST"), scan(2, "bold x")], entries)) == [
        "func/task-rest_bold",
        "func/task-any_bold",
    ]


@pytest.mark.parametrize(
    "entry",
    [{"pattern": "(?i)scout"}, {"pattern": "(?i)scout", "suffix": None}, exact("Scout", "")],
)
def test_an_entry_without_a_name_leaves_its_series_out(by_map: Any, entry: Any) -> None:
    (row,) = by_map([scan(1, "Scout")], [entry])
    assert (row.state, row.reason) == ("ignored", f"left out by {PROJECT}, entry 1")


def test_what_the_project_says_goes_before_what_the_site_says(by_map: Any) -> None:
    site = [exact("A", "T2w"), exact("B", "FLAIR"), {"pattern": "^C", "suffix": "T2w"}]
    project = [exact("a", "T1w"), {"pattern": "^C1", "suffix": "PDw"}]
    rows = by_map([scan(1, "A"), scan(2, "B"), scan(3, "C1"), scan(4, "C2")], project, site)
    assert short(rows) == ["anat/T1w", "anat/FLAIR", "anat/PDw", "anat/T2w"]


def test_series_that_get_one_name_are_numbered_as_runs(by_map: Any) -> None:
    entries = [exact("rest1", "task-rest_bold"), exact("rest2", "task-rest_bold")]
    assert short(by_map([scan(1, "rest1"), scan(2, "rest2")], entries)) == [
        "func/task-rest_run-1_bold",
        "func/task-rest_run-2_bold",
    ]


def test_a_run_that_an_entry_writes_out_is_counted_where_several_series_fit(by_map: Any) -> None:
    rows = by_map([scan(1, "rest"), scan(2, "rest")], [exact("rest", "task-rest_run-01_bold")])
    assert short(rows) == ["func/task-rest_run-1_bold", "func/task-rest_run-2_bold"]


@pytest.mark.parametrize("bidsname", ["fieldmap", "magnitude", "run-01_fieldmap"])
def test_one_entry_names_magnitude_and_phase_of_a_field_map(by_map: Any, bidsname: str) -> None:
    pair = [scan(1, "gre_field_map"), scan(2, "gre_field_map", image_type=PHASE)]
    again = [scan(3, "gre_field_map"), scan(4, "gre_field_map", image_type=PHASE)]
    entries = [exact("gre_field_map", bidsname)]
    run = "run-01_" if "run" in bidsname else ""
    assert short(by_map(pair, entries)) == [f"fmap/{run}magnitude", f"fmap/{run}phasediff"]
    assert short(by_map([*pair, *again], entries)) == [
        "fmap/run-1_magnitude",
        "fmap/run-1_phasediff",
        "fmap/run-2_magnitude",
        "fmap/run-2_phasediff",
    ]


def test_a_field_map_by_itself_keeps_its_name(by_map: Any) -> None:
    assert short(by_map([scan(1, "B0")], [exact("B0", "fieldmap")])) == ["fmap/fieldmap"]


def test_names_by_description_may_be_the_whole_map(by_map: Any) -> None:
    rows = by_map([scan(1, "MPRAGE"), scan(2, "scout")], {"mprage": "T1w", "Scout": None})
    assert short(rows) == ["anat/T1w", "ignored"]


def test_the_archives_type_serves_where_the_description_finds_nothing(by_map: Any) -> None:
    series = [scan(1, "", type="T1"), scan(2, "odd", type="t2")]
    assert short(by_map(series, [exact("T1", "T1w"), exact("T2", "T2w")])) == [
        "anat/T1w",
        "anat/T2w",
    ]


def test_an_entry_for_just_that_series_takes_what_the_scanner_computed(by_map: Any) -> None:
    derived = {"image_type": ("DERIVED", "PRIMARY", "M")}
    series = [scan(1, "mp2rage_UNI", **derived), scan(2, "dti_ADC", **derived)]
    entries = [exact("mp2rage_UNI", "UNIT1"), {"pattern": "^dti", "suffix": "dwi"}]
    assert short(by_map(series, entries)) == ["anat/UNIT1", "derived"]


@pytest.mark.parametrize(
    ("bidsname", "reason"),
    [
        ("banana", "gives a suffix that is not in BIDS"),
        ("T1w_mprage", "gives a name that is no BIDS name"),
        ("acq-x_flavour-y_T1w", "takes it, but a part of the name is no BIDS entity"),
        ("bold", "takes it, but func/bold needs task"),
        ("func/T1w", "takes it, but its data type and suffix are not in BIDS 1"),
    ],
)
def test_a_name_that_bids_does_not_have_stays_unmapped_with_its_entry(
    by_map: Any, bidsname: str, reason: str
) -> None:
    (row,) = by_map([scan(1, "x")], [exact("y", "T1w"), exact("x", bidsname)])
    assert row.state == "unmapped"
    assert f"{PROJECT}, entry 2 {reason}" in row.reason


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"mappings": 3}, ": neither a JSON list of entries nor an object with the list `mappin"),
        ({"T1": "T1w", "T2": ["T2w"]}, ", entry 2: bidsname: is no text"),
        ("text", ": neither a JSON list"),
        (["T1w"], ", entry 1: is no JSON object"),
        ([exact("a", "T1w"), {"bidsname": "T1w"}], ", entry 2: has neither series_description nor"),
        ([{"series_description": 3, "bidsname": "T1w"}], ", entry 1: series_description: is no te"),
        ([{"series_description": "a", "bidsname": ["T1w"]}], ", entry 1: bidsname: is no text"),
        ([{"pattern": "(a", "suffix": "T1w"}], ", entry 1: pattern: not a regular expression"),
    ],
)
def test_a_broken_map_is_told_by_its_place_and_entry(content: Any, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse([KeptBidsmap(source=PROJECT, content=content)])
    assert str(caught.value).startswith(PROJECT + said)
    assert "\n" not in str(caught.value)


def test_two_sources_that_differ_are_ambiguous_and_two_that_agree_are_not(tmp_path: Path) -> None:
    entries = [exact("anat-T1w", "T1w"), exact("anat-T2w", "FLAIR")]
    write_json(tmp_path / "b.json", [{"place": PROJECT, "map": entries}])
    series = [scan(1, "anat-T1w"), scan(2, "anat-T2w")]
    rows = resolved(series, USE, {"use": "reproin"}, files={"bidsmap": tmp_path / "b.json"})
    assert short(rows) == ["anat/T1w", "ambiguous"]
    assert rows[1].reason.startswith(
        "bids.mapping[0] (bidsmap) (anat/FLAIR) and bids.mapping[1] (reproin) (anat/T2w) take it"
    )


_names = st.sampled_from(["T1w", "task-a_bold", "dwi", "dir-AP_epi", "acq-x_T2w"]) | st.text(
    "Tabc1_-/. w", max_size=12
)


@given(st.lists(st.tuples(st.sampled_from("ABCD"), _names | st.none()), max_size=5))
def test_any_name_is_valid_or_its_series_stays_unmapped(
    tmp_path_factory: pytest.TempPathFactory, entries: list[tuple[str, str | None]]
) -> None:
    folder = tmp_path_factory.mktemp("map", numbered=True)
    rows = by(folder, [scan(i, t) for i, t in enumerate("AABCD", 1)], [exact(*e) for e in entries])
    for row in rows:
        assert row.reason
        assert row.name is None or names.name_problem(row.name) is None
