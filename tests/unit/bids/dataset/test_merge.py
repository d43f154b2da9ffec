"""Several projects' datasets merged into one."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from coil.bids.dataset.columns import Column
from coil.bids.dataset.dataset import Tables
from coil.bids.dataset.merge import merge
from coil.bids.dataset.parts import Part
from coil.bids.validate import validate
from coil.config.reading import check_config, merged_datasets
from coil.errors import ConfigError, DataError
from coil.files import read_json
from coil.records.dataset import DatasetRecord
from tests.unit.bids.dataset.test_dataset import ARM, GENERATED, PEOPLE, PHQ9, session, write

ABOUT = {"name": "Both", "authors": ["A. Author", "B. Author"], "license": "CC0"}


def part(root: Path, project: str, *subjects: str, **tables: Any) -> Part:
    bids = root / project / "bids"
    records = [session(bids, subject, "1") for subject in subjects]
    write(bids, records, Tables(PEOPLE, **tables), name=f"Study {project}")
    return Part(project, project.upper(), bids, records)


def merged(root: Path, *parts: Part) -> DatasetRecord:
    return merge(root / "both", parts, ABOUT, GENERATED)


def tree(folder: Path) -> dict[str, bytes]:
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def test_a_merged_dataset_is_valid_and_takes_no_room(tmp_path: Path) -> None:
    one = part(tmp_path, "one", "A", participants=[ARM], phenotype=[PHQ9])
    two = part(tmp_path, "two", "B", phenotype=[PHQ9])
    summary = merged(tmp_path, one, two)
    assert (summary.subjects, summary.sessions, summary.images) == (2, 2, 2)
    assert (tmp_path / "both/participants.tsv").read_text().splitlines() == [
        "participant_id\tsite\tage\tsex\thandedness\tarm",
        "sub-A\tONE\t30\tF\tR\tdrug",
        "sub-B\tTWO\t30\tn/a\tn/a\tn/a",
    ]
    levels = read_json(tmp_path / "both/participants.json")["site"]["Levels"]
    assert levels == {"ONE": "Study one", "TWO": "Study two"}
    assert (tmp_path / "both/phenotype/phq9.tsv").read_text().splitlines()[1:] == [
        "sub-A\t0\tn/a",
        "sub-B\t1\t5",
    ]
    image = "sub-A/ses-1/anat/sub-A_ses-1_T1w.nii.gz"
    assert (tmp_path / "both" / image).samefile(one.bids / image)
    verdict = validate(tmp_path / "both")
    assert verdict.errors == verdict.warnings == 0, verdict.issues


def test_a_site_in_the_label_renames_files_and_what_refers_to_them(tmp_path: Path) -> None:
    one, two = (
        replace(part(tmp_path, name, "A", phenotype=[PHQ9]), prefix=name.upper())
        for name in ("one", "two")
    )
    sidecar = one.bids / "sub-A/ses-1/anat/sub-A_ses-1_T1w.json"
    sidecar.write_text('{"IntendedFor": "bids::sub-A/ses-1/func/x", "Note": "sub-Ab"}')
    merged(tmp_path, one, two)
    both = tmp_path / "both"
    folder = both / "sub-ONEA/ses-1"
    assert read_json(folder / "anat/sub-ONEA_ses-1_T1w.json") == {
        "IntendedFor": "bids::sub-ONEA/ses-1/func/x",
        "Note": "sub-Ab",
    }
    assert "anat/sub-ONEA_ses-1_T1w.nii.gz" in (folder / "sub-ONEA_ses-1_scans.tsv").read_text()
    assert "sub-TWOA\t0" in (both / "phenotype/phq9.tsv").read_text()
    assert not list(both.rglob("sub-A*"))
    assert "IntendedFor" in sidecar.read_text()
    verdict = validate(both)
    assert verdict.errors == 0, verdict.issues


def test_two_participants_of_one_label_are_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    parts = part(tmp_path, "one", "A"), part(tmp_path, "two", "A")
    message = "one and two both have a participant sub-A; write `site: entity`"
    with pytest.raises(DataError, match=message):
        merged(tmp_path, *parts)


def test_a_column_that_the_projects_describe_differently_is_left_out(tmp_path: Path) -> None:
    other = Column.configured({"name": "arm", "description": "Left or right", "format": "string"})
    tables = {"participants": [other], "sessions": [other]}
    one = part(tmp_path, "one", "A", participants=[ARM], sessions=[ARM])
    two = part(tmp_path, "two", "B", **tables)
    summary = merged(tmp_path, one, two)
    assert [problem.what for problem in summary.problems] == [
        "participants.tsv, column arm",
        "sessions.tsv, column arm",
    ]
    assert "one and two describe the column arm differently" in summary.problems[0].reason
    found = tree(tmp_path / "both")
    for name in ("participants.tsv", "sessions.json", "sub-A/sub-A_sessions.tsv"):
        assert b"arm" not in found[name]
    assert validate(tmp_path / "both").errors == 0


def test_the_order_of_projects_does_not_matter_and_once_more_changes_nothing(
    tmp_path: Path,
) -> None:
    parts = part(tmp_path, "one", "A", phenotype=[PHQ9]), part(tmp_path, "two", "B")
    merged(tmp_path, *parts)
    before = tree(tmp_path / "both")
    merged(tmp_path, *parts)
    assert tree(tmp_path / "both") == before
    shutil.rmtree(tmp_path / "both")
    merged(tmp_path, *parts[::-1])
    assert tree(tmp_path / "both") == before


def test_what_no_project_has_any_more_is_taken_out(tmp_path: Path) -> None:
    one, two = part(tmp_path, "one", "A", "C", phenotype=[PHQ9]), part(tmp_path, "two", "B")
    merged(tmp_path, one, two)
    bare = replace(one, records=[r for r in one.records if r.subject != "A"])
    shutil.rmtree(one.bids / "phenotype")
    merged(tmp_path, bare, two)
    left = {name.split("/")[0] for name in tree(tmp_path / "both")}
    assert {name for name in left if name.startswith("sub-")} == {"sub-B", "sub-C"}
    assert "phenotype" not in left


def test_a_project_without_any_session_takes_no_part(tmp_path: Path) -> None:
    one, none = part(tmp_path, "one", "A"), part(tmp_path, "none")
    assert merged(tmp_path, one, none).subjects == 1
    assert validate(tmp_path / "both").errors == 0
    assert merged(tmp_path, none).subjects == 0
    assert validate(tmp_path / "both").errors == 0


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"name": "one"}, "merged[0].name: one is taken already"),
        ({"projects": ["one", "three"]}, "merged[0].projects: three is none of the projects"),
        ({"sites": {"three": "X"}}, "merged[0].sites: three is none of the projects"),
        ({"sites": {"one": "two"}}, "merged[0].sites: two projects have one site"),
    ],
)
def test_a_merger_that_cannot_be_is_told(entry: dict[str, Any], message: str) -> None:
    whole = {"name": "both", "projects": ["one", "two"], "bids": {"name": "Both"}, **entry}
    config = check_config({"projects": [], "merged": [whole]})
    with pytest.raises(ConfigError) as caught:
        merged_datasets(config["merged"], ["one", "two"])
    assert message in str(caught.value)


def test_what_a_merged_dataset_says_of_itself_has_a_projects_words() -> None:
    bids = {"name": "Both", "licence": "CC0"}
    entry = {"name": "both", "projects": ["one", "two"], "bids": bids}
    with pytest.raises(ConfigError, match=r"bids\.licence: unknown key; did you mean license\?"):
        check_config({"projects": [], "merged": [entry]})
