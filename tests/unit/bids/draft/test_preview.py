"""A person sees first what needs a decision, and what is alike only once."""

from typing import Any

from coil.bids.draft.preview import Previewed, group, questions
from coil.bids.draft.uses import uses
from coil.bids.mapping.mapping import parse
from coil.bids.mapping.resolve import resolve
from coil.bids.series.series import Series
from coil.records.pulled import PulledScan
from coil.report import preview_text

RULES: list[dict[str, Any]] = [
    {"match": {"series_description": "localizer"}, "ignore": "planning scan"},
    {"match": {"series_description": "mprage"}, "to": "anat/T1w", "required": True},
    {
        "match": {"series_description": "rest", "image_type": "M"},
        "to": "func/bold",
        "entities": {"task": "rest"},
    },
    {
        "match": {"series_description": "rest", "image_type": "P"},
        "to": "func/bold",
        "entities": {"task": "rest", "part": "phase"},
    },
    {"match": {"series_description": "flair"}, "to": "anat/FLAIR"},
]
MAPPING = parse(RULES)
USUAL = ("localizer", "mprage")


def session(name: str, *descriptions: str, first: int = 1) -> Previewed:
    """A session as the archive lists it; its scans are numbered from `first`."""
    rows = [
        {"scan": str(number), "series_description": text, "files": 10}
        for number, text in enumerate(descriptions, first)
    ]
    series = [Series.from_listing(PulledScan(**row)) for row in rows]
    return Previewed.of(f"sub-{name}_ses-1", resolve(series, MAPPING, name, "1"), MAPPING.rules)


def text(*sessions: Previewed) -> str:
    return preview_text.render("study", sessions, uses(sessions, MAPPING, RULES))


def units(*sessions: Previewed) -> list[tuple[str, ...]]:
    return [one.units for one in group(sessions)]


def test_sessions_with_the_same_series_are_one_group_whatever_their_scans_are_called() -> None:
    alike = [session("a", *USUAL), session("b", *USUAL, first=7)]
    assert units(*alike) == [("sub-a_ses-1", "sub-b_ses-1")]


def test_sessions_with_open_questions_come_first_then_the_unlike_then_the_usual() -> None:
    usual = [session(f"u{i}", *USUAL) for i in range(3)]
    unlike = session("more", *USUAL, "localizer")
    asking = session("ask", *USUAL, "secret trial")
    broken = Previewed("sub-two_ses-1", problem="two subjects in one session")
    first = units(*usual, unlike, asking, broken)
    assert [found[0] for found in first] == [
        "sub-two_ses-1",
        "sub-ask_ses-1",
        "sub-more_ses-1",
        "sub-u0_ses-1",
    ]


def test_a_group_says_what_it_has_more_and_less_than_most_sessions() -> None:
    usual = [session(f"u{i}", *USUAL) for i in range(3)]
    one = group([*usual, session("x", "mprage", "flair")])[0]
    told = [(line.differs, line.row.scan) for line in one.lines]
    assert told == [("", "1"), ("more", "2"), ("less", "1")]


def test_where_all_sessions_differ_nothing_is_unlike_most() -> None:
    groups = group([session("a", "mprage"), session("b", "flair")])
    assert [one.usual for one in groups] == [None, None]


def test_a_series_of_which_the_header_decides_is_no_open_question() -> None:
    one = session("a", *USUAL, "rest")
    assert group([one])[0].open == {}
    assert "header decides" in text(one)


def test_what_seems_computed_waits_for_its_header_and_is_no_question() -> None:
    one = session("a", *USUAL, "dti_ADC")
    assert group([one])[0].open == {}
    assert "seems to be computed by the scanner" in text(one)


def test_a_session_that_would_fail_is_said_to_and_comes_first() -> None:
    series = [
        Series.from_listing(PulledScan(scan=str(n), series_description="mprage", files=1))
        for n in (1, 2)
    ]
    rows = resolve(series, MAPPING, "a", "1")
    failing = Previewed.of("sub-f_ses-1", rows, MAPPING.rules, {"ambiguous": "fail"})
    first, *_ = group([session("x", *USUAL, "odd"), failing, session("y", *USUAL)])
    assert (first.units, first.fails) == (("sub-f_ses-1",), True)
    assert "2 sessions with open questions, 1 of them would fail" in text(
        session("x", *USUAL, "odd"), failing, session("y", *USUAL)
    )
    assert "(the session fails, see bids.policy)" in text(failing)


def test_what_a_draft_leaves_to_decide_is_a_question() -> None:
    rules = [{"match": {"series_description": "odd"}, "ignore": "TODO: what is it?"}]
    mapping = parse(rules)
    series = [Series.from_listing(PulledScan(scan="1", series_description="odd", files=1))]
    (question,) = questions([Previewed.of("u", resolve(series, mapping, "a", "1"), mapping.rules)])
    assert (question.row.state, question.row.why) == ("to decide", "TODO: what is it?")


def test_a_question_is_asked_once_with_all_its_sessions() -> None:
    asking = [session(name, *USUAL, "trial", first=i) for i, name in enumerate("abc", 1)]
    (question,) = questions(asking)
    assert (question.row.state, question.units) == (
        "unmapped",
        ["sub-a_ses-1", "sub-b_ses-1", "sub-c_ses-1"],
    )


def test_a_required_series_that_no_session_has_is_a_question() -> None:
    (question,) = questions([session("a", "localizer")])
    assert question.row.state == "missing"


def test_a_rule_that_takes_nothing_is_named_but_not_one_that_may() -> None:
    used = uses([session("a", *USUAL, "flair"), session("b", *USUAL)], MAPPING, RULES)
    assert [(one.series, one.units, one.idle) for one in used] == [
        (2, 2, False),
        (2, 2, False),
        (0, 0, True),
        (0, 0, True),
        (1, 1, False),
    ]


def test_the_terminal_shows_of_what_is_unlike_only_the_difference() -> None:
    lines = text(*(session(f"u{i}", *USUAL) for i in range(3)), session("x", *USUAL, "flair"))
    unlike = lines[lines.index("sub-x_ses-1: unlike most") :].split("\n\n")[0].splitlines()
    assert unlike[2].split() == [
        "+",
        "3",
        "flair",
        "mapped",
        "anat/sub-x_ses-1_FLAIR",
        "[4]",
        "anat/FLAIR",
    ]
    assert unlike[3] == "  and 2 series as usual"


def test_one_session_is_shown_in_full_with_the_place_of_each_rule_and_its_target() -> None:
    shown = text(session("a", *USUAL))
    assert "anat/sub-a_ses-1_T1w  [1] anat/T1w" in shown
    assert "[0] ignore    planning scan" in shown
    assert "as usual" not in shown


def test_a_description_cannot_steer_the_terminal() -> None:
    assert "\x1b" not in text(session("a", "\x1b[2Jlocalizer"))


def test_the_terminal_is_not_flooded_by_sessions_that_are_all_different() -> None:
    many = [session(f"s{i}", *USUAL, *["localizer"] * i) for i in range(20)]
    assert len(text(*many).splitlines()) < 130
    assert "more groups" in text(*many)


def test_thousands_of_sessions_are_grouped_within_a_second() -> None:
    one = session("a", *USUAL, "rest", "flair")
    many = [Previewed(f"sub-{i}_ses-1", one.rows) for i in range(5000)]
    assert [len(found.units) for found in group(many)] == [5000]
