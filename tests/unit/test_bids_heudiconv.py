"""The compiled heuristic, and what is told of heudiconv's log."""

import ast
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest

from coil.bids import heudiconv, heuristic
from coil.bids.series import Series
from coil.bids.settle import Settled

NAME = "func/sub-X_ses-Y_task-rest_bold"


def compiled(rows: list[Settled]) -> dict[str, Any]:
    module: dict[str, Any] = {}
    exec(compile(heuristic.render(rows), "heuristic.py", "exec"), module)
    return module


def row(folder: str, name: str | None, description: str = "") -> Settled:
    series = Series(scan="4", path=Path("series") / folder, series_description=description)
    return Settled(series, "mapped" if name else "unmapped", "", 2, name)


def test_the_heuristic_names_the_mapped_series_by_folder() -> None:
    module = compiled([row("004", NAME), row("005", None)])
    assert module["infotodict"]([]) == {
        ("sub-X/ses-Y/func/sub-X_ses-Y_task-rest_bold", ("nii.gz",), None): ["004"]
    }


def test_the_heuristic_groups_files_by_folder_in_a_stable_order() -> None:
    info = namedtuple("info", ["series_id", "other"])
    grouped = compiled([])["grouping"](["in/004/2.dcm", "in/005/1.dcm", "in/004/1.dcm"], None, info)
    assert {key.series_id: files for key, files in grouped.items()} == {
        "004": ["in/004/1.dcm", "in/004/2.dcm"],
        "005": ["in/005/1.dcm"],
    }


def test_the_heuristic_reads_nothing_when_it_runs() -> None:
    tree = ast.parse(heuristic.render([row("004", NAME, description='"""\nimport sys')]))
    imported = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    called = {
        node.func.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert [alias.name for node in imported for alias in node.names] == ["os"]
    assert called <= {"len", "sorted", "seqinfo"}


STARTED = "INFO: Converting /secret/DOE/sub-X/ses-Y/func/sub-X_ses-Y_task-rest_bold (7 DICOMs) -> x"


@pytest.mark.parametrize(
    ("said", "code", "told"),
    [
        ("INFO: stdout 1:Found 7 DICOM file(s)", 0, None),
        ("INFO: stdout 1:Found 5 DICOM file(s)", 0, "2 of 7 files cannot be read; repair them"),
        ("Warning: File not large enough to store image data: /DOE.dcm", 1, "a file is truncated"),
        ("Error: Missing images. Found 149 images", 1, "slices are missing (aborted"),
        ("Error: Unable to decode JPEG /DOE", 1, "compressed in a way that dcm2niix cannot read"),
        ("    assert bids_files, 'we do expect some files'", 1, "dcm2niix makes no image of it"),
        ("OSError: [Errno 28] No space left on device", 1, "the disk is full"),
        ("JPEG-LS built in, DOE", 3, "heudiconv stopped with status 3"),
    ],
)
def test_a_failed_conversion_names_folder_and_cause_only(
    said: str, code: int, told: str | None
) -> None:
    log = f"INFO: DOE\n{STARTED}\n{said}\n"
    found = heudiconv.failure(log, code, heuristic.render([row("004", NAME)]))
    if told is None:
        assert found is None
    else:
        assert found is not None
        assert found.startswith("series/004: ")
        assert told in found
        assert "DOE" not in found
