"""What an invocation says, before its jobs, of what is to be done and why."""

import pytest

from coil.run.memory import Reason, Reasons
from coil.run.telling import SHOWN, all_lines, lines

REASONS: Reasons = {
    "sub-a_ses-1": {"admit": Reason.AGAIN},
    "sub-a_ses-2": {"push": Reason.REHEARSED},
    "sub-b_ses-1": {"admit": Reason.UNKNOWN, "qc": Reason.NEW},
    "project": {"questionnaires": Reason.AGAIN, "status.tsv": Reason.DATA},
}


@pytest.mark.parametrize(("dry", "tried"), [(False, "tried again"), (True, "to be tried again")])
def test_what_is_tried_again_is_counted_but_for_what_was_only_rehearsed(
    dry: bool, tried: str
) -> None:
    told = list(lines("study", REASONS, dry))
    assert told[0] == f"study: 2 failed before, {tried}"
    assert told[1] == "study: 3 sessions to do: 1 tried again, 1 only rehearsed, 1 new"


def test_a_dry_run_names_sessions_with_the_reason_up_to_a_number() -> None:
    assert list(lines("study", REASONS, dry=True))[2:] == [
        "  sub-a_ses-1: tried again",
        "  sub-a_ses-2: only rehearsed",
        "  sub-b_ses-1: new",
        "  project: tried again",
    ]
    many = {f"sub-{number}_ses-1": {"admit": Reason.NEW} for number in range(SHOWN + 2)}
    told = list(lines("study", many, dry=True))
    assert told[-1] == "  and 2 more; `snakemake why` names all"
    assert len(told) == SHOWN + 2


def test_who_asks_why_is_told_of_every_step() -> None:
    told = list(all_lines("study", REASONS))
    assert "  sub-b_ses-1: qc: new" in told
    assert "  project: status.tsv: data changed" in told
    assert list(all_lines("study", {})) == ["study: nothing to be done"]
