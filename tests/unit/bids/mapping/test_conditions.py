"""Conditions follow a logic of three values: a header never contradicts what a listing told."""

import re
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from coil.bids.mapping.conditions import AllOf, AnyOf, Condition, Not, Number, Range, Text, Tokens
from coil.bids.mapping.mapping import parse
from coil.bids.mapping.resolve import resolve
from coil.bids.series.series import Series
from coil.bids.series.stack import Counted

WORDS = st.sampled_from(["t1", "rest_AP", "rest_PA", "dwi", ""])
TYPES = st.sampled_from([("ORIGINAL", "M"), ("ORIGINAL", "P"), ("DERIVED", "ADC"), ()])
HEADERS = st.builds(
    Series,
    scan=st.just("1"),
    folder=st.just("series/001"),
    type=WORDS,
    series_description=WORDS,
    protocol_name=WORDS,
    image_type=TYPES,
    echo_times=st.sampled_from([(), (3.0,), (30.0, 60.0)]),
    is_image=st.booleans(),
    counted=st.builds(Counted, st.integers(1, 3), st.just(30), times=st.just(())),
)
WANTED = st.sampled_from(["M", "P", "ADC"]).map(lambda word: frozenset({word}))
RANGES = st.builds(Range, st.integers(0, 40), st.integers(0, 99))
LEAVES: st.SearchStrategy[Condition] = st.one_of(
    st.builds(
        Text,
        st.sampled_from(["series_description", "scan_type", "protocol_name"]),
        st.sampled_from(["t1", "rest", "(?P<dir>AP|PA)", "(?P<task>dwi|rest)", "$"]).map(
            re.compile
        ),
    ),
    st.builds(
        Tokens,
        st.just("image_type"),
        st.sampled_from(["M", "P", "ADC"]).map(lambda w: frozenset({w})),
    ),
    st.builds(
        Number,
        st.sampled_from(["echo_time", "volumes"]),
        st.builds(Range, st.integers(0, 40), st.integers(0, 99)),
    ),
)
CONDITIONS: st.SearchStrategy[Condition] = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(AllOf, st.lists(inner, max_size=3).map(tuple)),
        st.builds(AnyOf, st.lists(inner, min_size=1, max_size=3).map(tuple)),
        st.builds(Not, inner),
    ),
    max_leaves=6,
)


def listing(series: Series) -> Series:
    """What the archive's listing alone tells of the series."""
    return Series(
        scan="1", type=series.type, series_description=series.series_description, listed=True
    )


def peeked(series: Series) -> Series:
    """What one header tells of it: nothing that is counted over all of them."""
    return replace(series, counted=None)


SEEN = HEADERS.flatmap(lambda one: st.sampled_from([one, listing(one), peeked(one)]))


@given(CONDITIONS, SEEN)
def test_not_not_is_the_condition_itself(condition: Condition, series: Series) -> None:
    assert Not(Not(condition)).answer(series).holds == condition.answer(series).holds


@given(st.lists(CONDITIONS, min_size=1, max_size=3), SEEN)
def test_any_and_all_are_each_others_negation(parts: list[Condition], series: Series) -> None:
    denied = tuple(Not(part) for part in parts)
    assert Not(AnyOf(tuple(parts))).answer(series).holds == AllOf(denied).answer(series).holds
    assert Not(AllOf(tuple(parts))).answer(series).holds == AnyOf(denied).answer(series).holds


@given(CONDITIONS, HEADERS)
def test_with_all_headers_nothing_is_open(condition: Condition, series: Series) -> None:
    found = condition.answer(series)
    assert found.holds is not None
    assert not found.open


@given(CONDITIONS, HEADERS)
def test_an_answer_without_the_header_stays_when_the_header_comes(
    condition: Condition, series: Series
) -> None:
    known = condition.answer(series)
    for seen in (listing(series), peeked(series)):
        found = condition.answer(seen)
        assert found.holds in (None, known.holds)
        assert (found.holds is None) <= bool(found.open)
        if found.holds and not found.open:
            assert found.groups == known.groups


@given(CONDITIONS, SEEN)
def test_only_groups_that_a_condition_names_are_filled(
    condition: Condition, series: Series
) -> None:
    assert set(condition.answer(series).groups) <= condition.groups


MATCHES = st.recursive(
    st.sampled_from(
        [
            {"series_description": "rest"}, {"series_description": "(?P<x>t1|dwi|AP)"},
            {"scan_type": "t1|PA"}, {"protocol_name": "rest|(?P<x>dwi)"}, {"image_type": "M"},
            {"image_type": "ADC"}, {"echo_time": {"min": 10}}, {"volumes": {"min": 2}},
        ]
    ),
    lambda inner: st.one_of(
        inner.map(lambda one: {"not": one}),
        st.lists(inner, min_size=1, max_size=2).map(lambda some: {"any": some}),
        st.lists(inner, min_size=2, max_size=2).map(lambda some: {"all": some}),
    ),
    max_leaves=4,
)  # fmt: skip


@st.composite
def rules(draw: st.DrawFn) -> list[dict[str, Any]]:
    """A mapping of a few rules: names with and without groups, ignored ones, priorities."""
    found = []
    for _ in range(draw(st.integers(1, 4))):
        match = draw(MATCHES)
        rule: dict[str, Any] = {"match": match, "priority": draw(st.integers(0, 2))}
        if draw(st.integers(0, 3)) == 0:
            rule["ignore"] = "not wanted"
        else:
            rule["to"] = draw(st.sampled_from(["anat/T1w", "anat/T2w"]))
            grouped = bool(parse([{"match": match, "ignore": "x"}]).rules[0].condition.groups)
            rule["entities"] = {"acq": "{x}"} if grouped else {}
            rule["duplicates"] = draw(st.sampled_from(["fail", "runs", "last-complete"]))
            if draw(st.booleans()):
                rule["expect"] = {"volumes": draw(st.integers(1, 3))}
        found.append(rule)
    return found


@given(rules(), st.lists(HEADERS, min_size=1, max_size=4), st.data())
def test_what_a_preview_says_surely_the_headers_do_not_change(
    raw: list[dict[str, Any]], headers: list[Series], data: st.DataObject
) -> None:
    mapping = parse(raw)
    series = [
        replace(one, scan=str(n), folder=f"series/{n}", acq_time=f"2024-05-01T13:0{n}:00.000000")
        for n, one in enumerate(headers)
    ]
    seen = []
    for one in series:
        view = data.draw(st.sampled_from([one, listing(one), peeked(one)]))
        seen.append(replace(view, scan=one.scan, folder=one.folder, acq_time=one.acq_time))
    known = {row.series.scan: row for row in resolve(series, mapping, "X", "Y") if row.series}
    for row in resolve(seen, mapping, "X", "Y"):
        if row.series and not row.open:
            truth = known[row.series.scan]
            assert (row.state, row.name) == (truth.state, truth.name)
