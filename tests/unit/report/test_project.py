"""What the page of a project says, and how it judges outliers."""

import doctest
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coil.records.dataset import DatasetRecord, LeftOut
from coil.records.validation import Verdict
from coil.report import group, page, project, session, words
from coil.workspace import Results
from tests.support import records, session_records
from tests.unit.report.test_session import Page


@pytest.fixture(scope="module")
def shown():
    return Page(project.render(records.project()))


def test_the_first_words_are_the_verdict(shown):
    assert "Demo study 8 of 9 sessions in the dataset, valid BIDS" in shown.text
    assert "1 session failed" in shown.text


def test_every_session_is_listed_with_a_link_to_its_page(shown):
    links = {link["href"] for link in shown.of("a")}
    assert {session.report for session in records.project().sessions} <= links


def test_a_failed_session_is_listed_with_its_reason_and_log(shown):
    assert "Two subjects in one session; split it in the archive." in shown.text
    assert "logs/DEMO/pull.log" in shown.text


def test_series_without_a_place_are_listed(shown):
    assert shown.text.count("why it is unmapped") == 8
    assert "48 series accounted for" in shown.text


def test_the_session_that_moved_is_marked_with_its_score(shown):
    assert "sub-S007 ses-1: 1.9 mm" in shown.text
    assert "robust z" in shown.text and "3.5" in shown.text
    (mark,) = [attrs for _, attrs in shown.tags if attrs.get("class") == "far"]
    assert mark


def test_a_protocol_that_differs_is_listed(shown):
    assert "task-rest_bold Repetition time 2 s 2.2 s sub-S007 ses-1" in shown.text


def test_few_images_are_not_judged():
    few = Page(project.render(records.project(3)))
    assert "too few images to judge" in few.text
    assert not any(attrs.get("class") == "far" for _, attrs in few.tags)


def test_a_project_without_sessions_has_a_page():
    empty = records.project(0, sessions=[], validator=None)
    assert "No session was selected" in Page(project.render(empty)).text


def test_receipts_are_counted_only_where_there_are_any(shown):
    assert "Pushed" not in shown.text
    first, *others = records.project().sessions
    pushed = records.project(sessions=[replace(first, pushed=True), *others])
    assert "Pushed back 1 of 9" in Page(project.render(pushed)).text


def test_validator_errors_are_the_verdict():
    wrong = records.project(validator=Verdict(errors=2))
    assert "2 validator errors" in Page(project.render(wrong)).text


def test_derivatives_have_their_own_verdict():
    both = records.project(derivatives={"qc": Verdict(warnings=2)})
    assert "0 errors and 2 warnings in the derivative dataset qc" in Page(project.render(both)).text


def test_the_page_is_well_formed_loads_nothing_and_never_changes(shown):
    assert shown.open == [] and not shown.of("script") and not shown.of("img")
    assert project.render(records.project()) == project.render(records.project())


def test_robust_z_is_that_of_iglewicz_and_hoaglin():
    values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 70.0]
    scores = group.robust_z(values)
    assert scores is not None
    assert scores[-1] == pytest.approx(0.6745 * 66 / 2)
    assert scores[3] == 0


@pytest.mark.parametrize("values", [[1.0, 2.0, 3.0, 4.0, 90.0], [5.0] * 5 + [6.0, 7.0]])
def test_few_or_equal_values_have_no_score(values):
    assert group.robust_z(values) is None


def test_a_value_near_the_median_is_no_outlier_however_large_its_score():
    values = [1.0, 1.0001, 0.9999, 1.0002, 0.9998, 1.0003, 1.05]
    assert group.outlying_scores(values) == [None] * 7


@given(st.lists(st.floats(0.01, 1e6), min_size=6, max_size=30), st.floats(0.01, 100))
def test_outliers_do_not_depend_on_the_unit(values, factor):
    def marked(numbers):
        return [score is not None for score in group.outlying_scores(numbers) or []]

    middle = sorted(values)[len(values) // 2]
    if all(abs(abs(value - middle) - 0.1 * middle) > 1e-3 * middle for value in values):
        scores = group.robust_z(values)
        if scores and all(abs(abs(score) - 3.5) > 1e-3 for score in scores):
            assert marked(values) == marked([value * factor for value in values])


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60))
def test_every_dot_is_inside_its_plot(values):
    plot = group.strip("fd_mean", [group.Value("s", str(i), v) for i, v in enumerate(values)])
    assert all(0 <= dot.x <= 320 and 0 <= dot.y <= 70 for dot in plot.dots)
    assert len(plot.dots) == len(values)
    assert all(-1 <= x <= 321 for x, _ in plot.ticks)


@pytest.mark.parametrize("module", [words, page, session])
def test_examples_in_the_docstrings_hold(module):
    found = doctest.testmod(module)
    assert found.attempted and not found.failed


def test_a_number_keeps_the_digits_that_matter():
    shown = [words.number(value) for value in (0.000712, 0.5, 12.345, 1353.4, -2.5, 3, None)]
    assert shown == ["0.00071", "0.5", "12.35", "1,353", "\u22122.5", "3", "n/a"]


def test_what_the_dataset_lacks_is_said(shown):
    assert "Left out of the dataset" not in shown.text
    problem = LeftOut(what="phenotype/phq9", reason="row 3, column item: is no level")
    text = Page(project.render(records.project(problems=[problem]))).text
    assert "1 part of the dataset left out" in text
    assert "phenotype/phq9" in text
    assert "row 3, column item: is no level" in text


def test_the_analyses_of_each_session_are_found_without_going_through_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = Counter[str]()

    class Counted(project.Analysis):
        def __getattribute__(self, name: str) -> Any:
            looks[name] += 1
            return super().__getattribute__(name)

    monkeypatch.setattr(project, "Analysis", Counted)
    results, count = Results(tmp_path / "DEMO"), 40
    units = [f"sub-s{place}_ses-1" for place in range(count)]
    for unit in units:
        records.measured().write(results.record(unit, "qc"))
        session_records.write(results.record(unit, "admit"))
    DatasetRecord(subjects=0, sessions=0, images=0, instruments=0, problems=()).write(
        results.dataset
    )
    Verdict().write(results.validation)
    admits, analyses = ([results.record(u, name) for u in units] for name in ("admit", "qc"))
    sources = project.Sources(admits, analyses, results.dataset, results.validation, [])
    found = project.read(results, "Demo", sources)
    assert all(list(session.analyses) == ["qc"] for session in found.sessions)
    assert [one.scope for one in found.analyses] == units
    assert looks["scope"] <= 4 * count
