"""What is no longer exported leaves the project's DICOM."""

from pathlib import Path

import pytest

from coil.deid.dicom.prune import prune
from coil.units import Unit
from coil.workspace import Results

ONE, OTHER = Unit("a1", "x1"), Unit("a1", "x2")


@pytest.fixture
def results(tmp_path: Path) -> Path:
    for unit in (ONE, OTHER):
        folder = tmp_path / "dicom" / f"sub-{unit.subject}" / f"ses-{unit.session}" / "001"
        folder.mkdir(parents=True)
        (folder / "000001.dcm").touch()
        (tmp_path / "records" / str(unit)).mkdir(parents=True)
        for name in ("admit", "export"):
            (tmp_path / "records" / str(unit) / f"{name}.json").touch()
    return tmp_path


def left(results: Path) -> list[str]:
    return sorted(path.relative_to(results).as_posix() for path in results.rglob("*.*"))


def test_a_session_that_is_gone_is_taken_out_and_the_others_stay(results: Path):
    assert prune(Results(results), [ONE]).removed == (str(OTHER),)
    assert left(results) == [
        "dicom/sub-a1/ses-x1/001/000001.dcm",
        "records/sub-a1_ses-x1/admit.json",
        "records/sub-a1_ses-x1/export.json",
        "records/sub-a1_ses-x2/admit.json",
    ]


def test_nothing_stays_once_no_export_is_wanted(results: Path):
    assert prune(Results(results), []).removed == (str(ONE), str(OTHER))
    assert not (results / "dicom").exists()
    assert not list(results.rglob("export.json"))


def test_what_others_put_beside_the_sessions_stays(results: Path):
    (results / "dicom" / "notes.txt").touch()
    prune(Results(results), [])
    assert "dicom/notes.txt" in left(results)


def test_a_project_that_never_exported_has_nothing_to_take_out(tmp_path: Path):
    assert prune(Results(tmp_path), []).fields() == {"version": 1, "state": "done", "removed": ()}
