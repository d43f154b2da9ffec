"""What the status table says of a session and its analyses."""

from pathlib import Path

import pytest

from coil.files import write_text
from coil.run import status
from coil.workspace import Results
from tests.support import analysis_records, session_records


def outcome(path: Path, state: str, reason: str | None = None) -> None:
    log = f"logs/study/{path.stem}.log"
    analysis_records.write(path, state=state, reason=reason, log=log)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A project of one session, with analyses of every level."""
    write_text(tmp_path / "sessions.tsv", "subject\tsession\na\t1\n")
    records = tmp_path / "records"
    session_records.write(records / "sub-a_ses-1" / "admit.json")
    outcome(records / "sub-a_ses-1" / "qc.json", "done")
    outcome(records / "sub-a_ses-1" / "glm.json", "failed", "no peak")
    outcome(records / "sub-a" / "mean.json", "failed", "no mean")
    outcome(records / "project" / "overview.json", "failed", "no page")
    return tmp_path


def test_a_row_counts_its_analyses_and_tells_of_every_failure(results: Path) -> None:
    (row,) = status.project_rows(Results(results), ["qc", "glm", "mean", "overview"])
    assert (row.state, row.analyses) == ("done", "1 done, 2 failed")
    assert (row.reason, row.log) == ("glm: no peak; mean: no mean", "logs/study/glm.log")


def test_what_failed_for_the_project_has_a_line_of_its_own(results: Path) -> None:
    told = status.summary("study", Results(results), ["overview"])
    assert "  analyses   overview: failed: no page; log: logs/study/overview.log" in told


def test_an_analysis_that_the_config_no_longer_names_is_not_counted(results: Path) -> None:
    (row,) = status.project_rows(Results(results), ["qc"])
    assert (row.analyses, row.reason) == ("1 done", "")


def test_a_path_is_told_as_it_leads_there_from_where_the_person_stands(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(results.parent)
    there = Results(Path(results.name))
    for shell, told in ((results.parent, Path(results.name)), (results, results), (None, results)):
        monkeypatch.setenv("PWD", str(shell) if shell else "")
        assert f"  dataset    {told / 'bids'} (" in status.summary("study", there, [])
