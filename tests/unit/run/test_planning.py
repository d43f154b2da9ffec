"""What is wrong with an invocation is said before anything is planned."""

from pathlib import Path

import pytest

from coil.run.invocation import Call, check_alone, planned
from coil.run.planning import check_draft, check_session, draft_path, undiscovered
from coil.units import Unit

UNITS = {"study": [Unit("a", "1"), Unit("b", "2")]}


def test_a_session_of_any_project_may_be_asked_for() -> None:
    check_session("sub-b_ses-2", UNITS)
    check_session("", {})


def test_an_unknown_session_is_refused_without_repeating_it() -> None:
    with pytest.raises(SystemExit) as stop:
        check_session("DOE_JANE", UNITS)
    assert "no project has this session" in str(stop.value)
    assert "DOE" not in str(stop.value)


def test_a_draft_needs_to_know_the_project(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="--config project=ID"):
        check_draft("", tmp_path)


def test_a_draft_never_replaces_a_config(tmp_path: Path) -> None:
    check_draft("P 1", tmp_path)
    path = tmp_path / draft_path("P 1")
    path.parent.mkdir(parents=True)
    path.touch()
    with pytest.raises(SystemExit, match=r"P_1\.yaml is there already"):
        check_draft("P 1", tmp_path)


def test_a_draft_may_be_named_in_the_config_before_it_is_there() -> None:
    config = {"projects": ["P.yaml"], "merged": [], "project": "P"}
    assert planned(config, ["snakemake", "init"])["projects"] == []
    assert planned(config, ["snakemake", "preview"]) == config


@pytest.mark.parametrize(
    ("targets", "offline"), [("status", True), ("init", True), ("status push", False)]
)
def test_only_who_asks_for_nothing_of_the_archive_works_offline(
    targets: str, offline: bool
) -> None:
    call = Call(frozenset(targets.split()), dry=False, until=frozenset(), whole=True)
    assert call.offline == offline


@pytest.mark.parametrize("targets", ["doctor push", "init status"])
def test_what_works_on_no_project_is_asked_for_alone(targets: str) -> None:
    check_alone({"doctor"})
    check_alone({"push", "status"})
    with pytest.raises(SystemExit, match="in an invocation of its own"):
        check_alone({*targets.split()})


def test_a_project_that_no_invocation_listed_fails_alone(tmp_path: Path) -> None:
    table = tmp_path / "results" / "known" / "sessions.tsv"
    table.parent.mkdir(parents=True)
    table.write_text("subject\tsession\n")
    assert list(undiscovered(["known", "new"], tmp_path)) == ["new"]
    assert undiscovered(["known"], tmp_path) == {}
    with pytest.raises(SystemExit, match="no project is left"):
        undiscovered(["new"], tmp_path)
