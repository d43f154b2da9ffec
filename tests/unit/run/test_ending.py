"""At the end of an invocation what was done is said, and nothing identified is left."""

from pathlib import Path

import pytest

from coil.run.ending import Ending, finish
from coil.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A folder in which a session was pulled."""
    workspace = Workspace(tmp_path)
    (workspace.quarantine("study") / "sub-a_ses-1" / "pulled").mkdir(parents=True)
    workspace.results("study").records.mkdir(parents=True)
    workspace.results("study").sessions.write_text("subject\tsession\na\t1\n")
    return workspace


def ending(keep_quarantine: bool = False) -> Ending:
    return Ending({"study": ["qc"], "new": []}, ["both"], {"lost": "lost: away"}, keep_quarantine)


def test_each_project_is_summed_up_and_the_quarantine_emptied(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    finish(ending(), workspace.root)
    lines = capsys.readouterr().err.splitlines()
    assert lines[:2] == ["", "study: 0 of 1 session done"]
    assert lines[-1] == "error: lost: away"
    assert not workspace.quarantine("study").exists()


def test_a_quarantine_that_the_config_keeps_is_named(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    finish(ending(keep_quarantine=True), workspace.root)
    assert "kept: quarantine/ holds identified data" in capsys.readouterr().err
    assert workspace.quarantine("study").exists()


def test_what_another_invocation_works_on_is_left_to_it(workspace: Workspace) -> None:
    lock = workspace.root / ".snakemake" / "locks" / "0.input.lock"
    lock.parent.mkdir(parents=True)
    lock.touch()
    finish(ending(), workspace.root)
    assert workspace.quarantine("study").exists()
