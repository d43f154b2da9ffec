"""The laws of logs among the series."""

from collections import Counter
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from coil.bids.mapping.mapping import parse
from coil.bids.mapping.resolve import resolve
from coil.bids.series.series import Series

MAPPING = parse(
    [
        {
            "match": {"series_description": "^(?P<task>[ab])$"},
            "to": "func/bold",
            "entities": {"task": "{task}"},
            "duplicates": "runs",
            "expect": {"files": 3},
        },
        {"match": {"series_description": "Physio"}, "to": "func/physio"},
    ]
)
DESCRIPTIONS = ["a", "b", "a_PhysioLog", "b_PhysioLog", "c_PhysioLog", "PhysioLog"]


@st.composite
def sessions(draw: st.DrawFn) -> list[Series]:
    """Runs of two tasks, some of them aborted, and logs, in whatever order."""
    drawn = draw(st.lists(st.tuples(st.sampled_from(DESCRIPTIONS), st.integers(2, 3)), max_size=7))
    return [
        Series(
            scan=str(number),
            folder=f"series/{number:03d}",
            series_description=description,
            files=files,
            series_number=number,
            acq_time=f"2024-05-01T13:{number:02d}:00.000000",
            is_image="Physio" not in description,
        )
        for number, (description, files) in enumerate(drawn, start=1)
    ]


@given(sessions(), st.randoms(use_true_random=False))
def test_logs_have_names_of_their_own_whatever_the_order_of_arrival(
    series: list[Series], chance: Random
) -> None:
    rows = resolve(series, MAPPING, "X", "Y")
    shuffled = list(series)
    chance.shuffle(shuffled)
    assert resolve(shuffled, MAPPING, "X", "Y") == rows
    assert len(rows) == len(series)
    named = Counter(row.name for row in rows if row.name)
    assert set(named.values()) <= {1}
    for row in rows:
        assert (row.name is None) == (row.state != "mapped")


@given(sessions())
def test_a_log_goes_with_a_run_that_is_described_alike_or_stands_before_it(
    series: list[Series],
) -> None:
    rows = resolve(series, MAPPING, "X", "Y")
    runs = {row.name: row.series for row in rows if row.name and row.name.endswith("_bold")}
    for row in rows:
        if row.name is None or not row.name.endswith("_physio") or row.series is None:
            continue
        run = runs[row.name.replace("_physio", "_bold")]
        assert run is not None
        described = row.series.series_description.rpartition("_")[0]
        alike = any(one.series_description == described for one in series)
        if alike:
            assert run.series_description == described
        else:
            assert (run.series_number or 0) < (row.series.series_number or 0)
