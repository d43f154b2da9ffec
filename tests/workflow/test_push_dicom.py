"""The export in another project: there, unchanged, changed, withdrawn, and pulled again."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import requests

from tests.support.nifti import nifti
from tests.workflow.lab import Lab

pytestmark = pytest.mark.workflow


def call(lab: Lab, method: str, path: str) -> requests.Response:
    server = lab.server
    assert server
    login = (server.user, server.password)
    return requests.request(method, f"{server.url}{path}", auth=login, timeout=20)


def rows(lab: Lab, path: str) -> list[dict[str, str]]:
    return call(lab, "GET", f"{path}?format=json").json()["ResultSet"]["Result"]


def labels(lab: Lab) -> dict[str, str]:
    """The sessions of the other project: label to ID."""
    return {row["label"]: row["ID"] for row in rows(lab, "/data/projects/OTHER/experiments")}


def label_of(unit: str) -> str:
    return unit.replace("sub-", "").replace("ses-", "")


@pytest.fixture
def sharing(unworked: Lab) -> Lab:
    assert call(unworked, "PUT", "/data/projects/OTHER").ok
    export = {"faces": "keep", "to": "OTHER"}
    unworked.configure(unworked.settings() | {"export": export, "push": {}})
    return unworked


def test_the_export_lives_in_another_project_and_comes_back_as_the_same_dataset(
    sharing: Lab, tmp_path: Path
) -> None:
    lab = sharing
    dry = lab.snakemake("push", "--config", "dry_push=true")
    assert "nothing was written to the other project" in dry.output, dry.output
    assert labels(lab) == {}

    run = lab.snakemake()
    assert run.status == 0, run.output
    assert run.jobs["push_dicom"] == 2 and "copied     2 sessions done" in run.output
    assert labels(lab).keys() == {label_of(unit) for unit in lab.units()}
    for unit in lab.units():
        receipt, export = (lab.record(unit, name) for name in ("push_dicom", "export"))
        assert len(receipt["pushed"]) == export["files"] > 0
    assert lab.snakemake().jobs == Counter()

    # Another lab pulls it, and has the same voxels under names of its own.
    theirs = Lab(tmp_path / "theirs", lab.server)
    mapping = [
        {"match": {"series_description": "_?T1w$"}, "to": "anat/T1w"},
        {"match": {"series_description": "dir-(?P<dir>AP|PA)_epi$"}, "to": "fmap/epi",
         "entities": {"dir": "{dir}"}},
        {"match": {"series_description": "task-(?P<task>[a-z]+)_bold$"}, "to": "func/bold",
         "entities": {"task": "{task}"}},
        {"match": {"series_description": "dwi$"}, "to": "dwi/dwi"},
    ]  # fmt: skip
    theirs.configure({"project": "OTHER", "bids": {"name": "Theirs", "mapping": mapping}})
    pulled = theirs.snakemake("bids")
    assert pulled.status == 0, pulled.output
    assert [record["state"] for record in theirs.records()] == ["done"] * 2
    for unit in lab.units():
        mine = images_of(lab, unit)
        other = images_of(theirs, theirs.unit_of(label_of(unit)))
        assert mine.keys() == other.keys() and mine
        for name in mine:
            one, two = nifti(mine[name]), nifti(other[name])
            assert np.array_equal(np.asanyarray(one.dataobj), np.asanyarray(two.dataobj))
            assert np.array_equal(one.affine, two.affine)

    # A changed session changes there, and only that.
    (first, second) = lab.units()
    listed = rows(lab, "/data/projects/DEMO/experiments")
    session = {lab.unit_of(row["label"]): row["ID"] for row in listed}
    mapped = (row for row in lab.record(first)["series"] if row["state"] == "mapped")
    series = next(row for row in mapped if "dwi" in row["name"])
    path = f"/data/experiments/{session[first]}/scans/{series['scan']}?removeFiles=true"
    assert call(lab, "DELETE", path).ok
    changed = lab.snakemake()
    assert changed.jobs["push_dicom"] == 1, changed.output
    receipt = lab.record(first, "push_dicom")
    assert receipt["pushed"] == [] and receipt["unchanged"] and receipt["removed"]

    # One that is withdrawn goes; somebody else's of a like label would stay (see tests/archive).
    assert call(lab, "DELETE", f"/data/experiments/{session[second]}?removeFiles=true").ok
    lab.configure(lab.settings() | {"select": {"may_vanish": 1}})
    gone = lab.snakemake()
    assert f"taken back {label_of(second)} removed" in gone.output, gone.output
    assert labels(lab).keys() == {label_of(first)}
    assert lab.snakemake().jobs == Counter()


def images_of(lab: Lab, unit: str) -> dict[str, Path]:
    subject, session = unit.split("_")
    folder = lab.results / "bids" / subject / session
    found = {"_".join(p.name.split("_")[2:]): p for p in folder.glob("*/*.nii.gz")}
    return {name: path for name, path in found.items() if "T1w" not in name}
