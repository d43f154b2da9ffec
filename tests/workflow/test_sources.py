"""Names from the archive's bidsmap and from a heuristic of the lab's own, in whole runs."""

import json
import re
from typing import Any

import pytest

from tests.workflow.lab import Lab
from tests.workflow.test_changes import archive_call

pytestmark = pytest.mark.workflow

BIDSMAP: list[dict[str, Any]] = [
    {"series_description": "localizer", "bidsname": ""},
    {"pattern": "^t1_mprage", "suffix": "T1w", "modality": "anat"},
    {"pattern": "^fmri_task-fingertap", "suffix": "task-fingertap_bold"},
    {"pattern": "^se_epi_AP", "suffix": "dir-AP_epi"},
    {"pattern": "^se_epi_PA", "suffix": "dir-PA_epi"},
]

HEURISTIC = """
def infotodict(seqinfo):
    dwi = ("dwi/sub-{subject}_acq-b1000_dwi", ("nii.gz",), None)
    return {dwi: [s.series_id for s in seqinfo if "dwi" in s.protocol_name and not s.is_derived]}
"""


def configure(lab: Lab) -> None:
    """The bidsmap in the project's configuration, the heuristic beside the project's config."""
    settings = lab.settings()
    settings["bids"]["mapping"] = [
        {"use": "bidsmap"},
        {"use": "heuristic.py"},
        {"match": {"series_description": "^ge_trial"}, "ignore": "a trial"},
    ]
    settings["push"] = {}
    lab.configure(settings)
    put_bidsmap(lab)
    (lab.work / "heuristic.py").write_text(HEURISTIC)


def put_bidsmap(lab: Lab, *more: dict[str, Any]) -> None:
    path = "/data/projects/DEMO/config/bids/bidsmap?inbody=true"
    archive_call(lab, "PUT", path, json.dumps([*more, *BIDSMAP]).encode())


def names(lab: Lab) -> set[str]:
    images = (lab.results / "bids").rglob("*.nii.gz")
    found = {"_".join(path.name.split("_")[2:]).removesuffix(".nii.gz") for path in images}
    return {re.sub(r"run-\d+_", "", name) for name in found}


def planned(lab: Lab, rule: str) -> int:
    """How many jobs of a rule the next invocation would run."""
    output = lab.snakemake("--dry-run", "bids").output
    found = re.search(rf"^{rule} +(\d+)$", output, re.M)
    return int(found[1]) if found else 0


def test_sources_name_a_study_and_an_edit_of_one_converts_again(unworked: Lab) -> None:
    configure(unworked)
    run = unworked.snakemake("preview")
    assert run.status == 0, run.output
    assert "(bidsmap)" in run.output

    run = unworked.snakemake("bids")
    assert "study: 2 of 2 sessions done" in run.output, run.output
    assert names(unworked) >= {
        "T1w",
        "acq-b1000_dwi",
        "dir-AP_epi",
        "dir-PA_epi",
        "task-fingertap_bold",
    }
    assert planned(unworked, "convert") == 0

    heuristic = unworked.work / "heuristic.py"
    heuristic.write_text(HEURISTIC.replace("acq-b1000", "acq-b1k"))
    assert planned(unworked, "convert") == 2
    heuristic.write_text(HEURISTIC)
    assert planned(unworked, "convert") == 0
    put_bidsmap(unworked, {"pattern": "^t1_mprage", "suffix": "acq-mprage_T1w"})
    assert planned(unworked, "convert") == 2

    heuristic.write_text("def infotodict(seqinfo):\n    raise KeyError('DOE')\n")
    run = unworked.snakemake("bids")
    assert "bids.mapping[1]: heuristic.py, line 2: KeyError; correct it" in run.output
    assert "DOE" not in run.output

    heuristic.unlink()
    run = unworked.snakemake("bids")
    assert run.status != 0
    said = "error: study.yaml: bids.mapping[1].use: heuristic.py: no such file; put it beside"
    assert said in run.output
