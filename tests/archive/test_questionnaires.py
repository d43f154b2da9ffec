"""Questionnaires from a live archive: one that it does not give holds up no other."""

from pathlib import Path

import pytest

from coil import files
from coil.archive.client import Address, connect
from coil.archive.discover.questionnaires import list_questionnaires
from coil.archive.pull.questionnaires import fetch
from tests.archive.discover_support import Study

pytest_plugins = ["tests.archive.discover_support"]

ENTRIES = [
    {"instrument": name, "resource": "q", "file": f"{name}.csv", "dictionary": f"{name}.json"}
    for name in ("good", "bad")
]


def fetched(study: Study, out: Path, *faults: dict) -> tuple[set[str], list[str]]:
    """The files that arrived, and what is said of the others."""
    for entry in ENTRIES:
        for key in ("file", "dictionary"):
            path = f"/data/projects/{study.project}/resources/q/files/{entry[key]}"
            study.put(path, entry[key].encode())
    with connect(Address(study.server.url)) as archive:
        wanted = list_questionnaires(archive, study.project, ENTRIES)
        study.server.faults(*faults)
        errors = fetch(archive, study.project, wanted, out)
    return {path.name for path in out.rglob("*.*")}, [str(error) for error in errors]


def test_all_files_arrive_for_their_owner_only(study: Study, tmp_path: Path) -> None:
    names, errors = fetched(study, tmp_path / "out")
    assert (names, errors) == ({"good.csv", "good.json", "bad.csv", "bad.json"}, [])
    assert {path.stat().st_mode & 0o77 for path in (tmp_path / "out").rglob("*.*")} == {0}


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"status": 404}, ""),
        ({"status": 500}, ""),
        ({"truncate": 2, "end": "clean"}, "other bytes"),
    ],
)
def test_one_that_does_not_arrive_holds_up_no_other(
    study: Study, tmp_path: Path, fault: dict, said: str
) -> None:
    rule = {"path": "files/bad.csv", "times": 0, "fault": fault}
    names, errors = fetched(study, tmp_path / "out", rule)
    assert names == {"good.csv", "good.json", "bad.json"}
    assert len(errors) == 1
    assert said in errors[0]


def test_what_the_archive_does_not_hold_is_not_listed(study: Study) -> None:
    study.put(f"/data/projects/{study.project}/resources/q/files/good.csv", b"x")
    with connect(Address(study.server.url)) as archive:
        found = list_questionnaires(archive, study.project, ENTRIES)
    assert [(one.resource, one.file) for one in found] == [("q", "good.csv")]
    assert found[0].digest == files.md5_of([b"x"])
