"""The compiled heuristic, and what is told of heudiconv's log."""

import ast
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest

from coil.bids.convert import heudiconv, heuristic
from tests.support.bids import Pulled

NAME = "func/sub-X_ses-Y_task-rest_bold"


def compiled(series: dict[str, str]) -> dict[str, Any]:
    module: dict[str, Any] = {}
    exec(compile(heuristic.render(series), "heuristic.py", "exec"), module)
    return module


def test_the_heuristic_names_the_mapped_series_by_folder() -> None:
    module = compiled({"004": NAME})
    assert module["infotodict"]([]) == {
        ("sub-X/ses-Y/func/sub-X_ses-Y_task-rest_bold", ("nii.gz",), None): ["004"]
    }


def test_the_heuristic_groups_files_by_folder_in_a_stable_order() -> None:
    info = namedtuple("info", ["series_id", "other"])
    grouped = compiled({})["grouping"](["in/004/2.dcm", "in/005/1.dcm", "in/004/1.dcm"], None, info)
    assert {key.series_id: files for key, files in grouped.items()} == {
        "004": ["in/004/1.dcm", "in/004/2.dcm"],
        "005": ["in/005/1.dcm"],
    }


def test_the_heuristic_reads_nothing_when_it_runs() -> None:
    tree = ast.parse(heuristic.render({"004": NAME}))
    imported = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    called = {
        node.func.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert [alias.name for node in imported for alias in node.names] == ["os"]
    assert called <= {"len", "sorted", "seqinfo"}


STARTED = (
    "INFO: Converting /secret/DOE/sub-X/ses-Y/func/sub-X_ses-Y_task-rest_bold (28 DICOMs) -> x"
)


@pytest.fixture
def folders(tmp_path: Path) -> dict[str, Path]:
    """The folder of a series of 28 files."""
    return {"004": Pulled(tmp_path).scan("rest", 7)}


@pytest.mark.parametrize(
    ("said", "code", "folder", "told"),
    [
        ("INFO: stdout 1:Found 26 DICOM file(s)", 0, "004", "2 of 28 files cannot be read"),
        ("INFO: stdout 1:Warning: File not large enough: /DOE", 1, "004", "a file is truncated"),
        ("INFO: stderr 1:Error: Missing images. Found 9", 1, "004", "slices are missing"),
        ("INFO: stdout 1:Unable to decode JPEG /DOE", 1, "004", "its pixels are compressed"),
        ("ValueError: There must be no dates", 1, "004", "a text in its header has the word Date"),
        ("FileExistsError: already exists DOE", 1, "004", "two of its images get one name"),
    ],
)
def test_a_failed_conversion_names_folder_and_cause_only(
    said: str, code: int, folder: str | None, told: str, folders: dict[str, Path]
) -> None:
    log = f"INFO: DOE\n{STARTED}\n{said}\n"
    found = heudiconv.failure(log, code, heuristic.render({"004": NAME}), folders)
    assert found is not None
    assert found[0] == folder
    assert found[1].startswith(told)
    assert "DOE" not in found[1]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("OSError: [Errno 28] No space left on device", "the disk is full; make room and run"),
        ("INFO: stdout 1: Error: Unable to write /DOE.nii (disk full?)", "the disk is full"),
        ("\tRuntimeError: subprocess exited with code 137.", "dcm2niix: ended by signal 9"),
        ("\tRuntimeError: subprocess exited with code 1.", None),
    ],
)
def test_a_failure_that_passes_is_told_from_one_that_lasts(said: str, told: str | None) -> None:
    found = heudiconv.passes(f"INFO: DOE\n{STARTED}\n{said}\n")
    assert (found or "").startswith(told) if told else found is None
    assert "DOE" not in (found or "")


def test_a_run_that_read_all_files_has_not_failed(folders: dict[str, Path]) -> None:
    log = (
        f"{STARTED}\nINFO: stdout 1:Found 28 DICOM file(s)\nINFO: stdout 1:Convert 28 DICOM as x\n"
    )
    assert heudiconv.failure(log, 0, heuristic.render({"004": NAME}), folders) is None


def test_a_run_that_failed_before_any_series_is_told_as_such() -> None:
    assert heudiconv.failure("Traceback DOE", 3, "", {}) == (
        None,
        "heudiconv stopped with status 3; convert it by hand to see why",
    )
