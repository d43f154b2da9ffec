"""The memory is read before the jobs and written around them, and holds up none of them."""

from pathlib import Path

import pytest

from coil.config.model.main import Retry
from coil.records.memory import MemoryRecord
from coil.run.memory import Project, Reason, Recipe
from coil.run.remembering import Memory
from coil.workspace import PROJECT, Workspace


@pytest.fixture
def memory(tmp_path: Path) -> Memory:
    """That of an invocation in which the dataset of a study is to be written."""
    footprint = (lambda scope, step: "", lambda scope, step: None, lambda lines: False)
    recipes = {PROJECT: {"dataset.json": Recipe("settings", "code")}}
    study = Project(recipes, {}, {}, MemoryRecord(), *footprint)
    reasons = {PROJECT: {"dataset.json": Reason.NEW}}
    return Memory(Workspace(tmp_path), Retry(), False, {"study": study}, {"study": reasons})


def test_what_is_begun_is_noted_with_the_mode_of_private_files(memory: Memory) -> None:
    memory.begin()
    path = memory.workspace.private("study").memory
    assert MemoryRecord.read(path).begun.keys() == {PROJECT}
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_note_that_cannot_be_written_is_told_in_a_line_and_holds_up_nothing(
    memory: Memory, capsys: pytest.CaptureFixture[str]
) -> None:
    memory.workspace.private_zone.write_text("in the way of the folder")
    memory.begin()
    memory.end(lambda path: False)
    line = "error: study: what is settled cannot be noted: Not a directory; look at private/, "
    assert capsys.readouterr().err == f"{line}and run again\n" * 2
