"""Analyses of a lab's own beside the bundled ones, several of them wrong, in one invocation."""

import json
from pathlib import Path
from typing import Any

import pytest

from coil.files import read_json, write_text
from tests.workflow.lab import Lab, Run

pytestmark = pytest.mark.workflow

PYTHON = """
import argparse, json
from pathlib import Path

parser = argparse.ArgumentParser()
for name in ("bids", "out", "params", "subject", "session", "inputs"):
    parser.add_argument(f"--{name}", type=Path if name in ("bids", "out", "params") else str)
given = parser.parse_args()
place = Path(f"sub-{given.subject}", f"ses-{given.session}")
wanted = json.loads(given.params.read_text())["suffix"]
found = sorted(path.name for path in given.bids.rglob(f"*_{wanted}.nii.gz"))
(given.out / place).mkdir(parents=True)
name = f"sub-{given.subject}_ses-{given.session}_desc-count_{wanted}.json"
(given.out / place / name).write_text(json.dumps({"Count": len(found)}) + "\\n")
(given.out / "summary.json").write_text(json.dumps({"numbers": {"images counted": len(found)}}))
"""
SHELL = """
place="$COIL_OUT/sub-$COIL_SUBJECT"
mkdir -p "$place"
find "$COIL_INPUTS/count" -name '*_desc-count_*' | wc -l > "$place/sub-${COIL_SUBJECT}_counts.txt"
"""
BOOK = {
    "cells": [
        {"cell_type": "code", "id": "a", "metadata": {"tags": ["parameters"]}, "outputs": [],
         "execution_count": None, "source": "bids = out = ''\nparams = {}"},
        {"cell_type": "code", "id": "b", "metadata": {}, "outputs": [], "execution_count": None,
         "source": "from pathlib import Path\nfound = list(Path(bids).glob('sub-*'))\n"
         "print(len(found), 'people')"},
    ],
    "metadata": {"kernelspec": {"name": "python3", "display_name": "Python", "language": "python"}},
    "nbformat": 4, "nbformat_minor": 5,
}  # fmt: skip
WRONG = {
    "outside": "mkdir -p $COIL_OUT/sub-other; touch $COIL_OUT/sub-other/x",
    "nothing": "true",
    "meddler": 'echo x >> "$(find $COIL_BIDS -name "*_bold.json" | head -n 1)"',
    "thief": "cat ../../../../../private/study/link.tsv",
}
ANALYSES: list[Any] = [
    "qc",
    {"name": "count", "script": "code/count.py", "params": {"suffix": "bold"},
     "inputs": [{"dataset": ["bold"]}], "bidsignore": ["*_desc-count_*"],
     "description": "Counts\n\nCounts the images."},
    {"name": "sums", "script": "code/sums.sh", "level": "subject", "inputs": ["count"],
     "bidsignore": ["*_counts.txt"]},
    {"name": "book", "notebook": "code/book.ipynb", "level": "project",
     "bidsignore": ["*.ipynb", "*.html"]},
    {"name": "raises", "notebook": "code/raises.ipynb", "level": "project"},
    *({"name": name, "script": f"code/{name}.sh"} for name in WRONG),
]  # fmt: skip


@pytest.fixture(scope="module")
def analysed(
    first_run: tuple[Lab, Run], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Lab, Run]:
    """A finished lab that got analyses of its own, after they were run."""
    lab = first_run[0].copy(tmp_path_factory.mktemp("analysed") / "lab")
    code = lab.work / "code"
    write_text(code / "count.py", PYTHON)
    write_text(code / "sums.sh", SHELL)
    write_text(code / "book.ipynb", json.dumps(BOOK))
    write_text(code / "raises.ipynb", json.dumps(BOOK).replace("print(", "raise ValueError("))
    for name, text in WRONG.items():
        write_text(code / f"{name}.sh", text)
    lab.configure({**lab.settings(), "analyses": ANALYSES, "push": {}})
    return lab, lab.snakemake("--config", "discover=false")


def test_each_analysis_has_a_valid_dataset_of_its_own(analysed: tuple[Lab, Run]) -> None:
    lab, run = analysed
    assert run.status == 0, run.output
    assert "study: qc of" not in run.output  # it was done before
    for name in ("count", "sums", "book"):
        verdict = read_json(lab.results / "derivatives" / f"{name}.json")
        assert verdict["errors"] == 0, verdict
    for unit in lab.units():
        place = lab.results / "derivatives" / "count" / unit.replace("_", "/")
        assert read_json(place / f"{unit}_desc-count_bold.json")["Count"] == 1
    for subject in (lab.results / "derivatives" / "sums").glob("sub-*"):
        assert (subject / f"{subject.name}_counts.txt").read_text().strip() == "1"
    book = read_json(lab.results / "derivatives" / "book" / "book.ipynb")
    assert book["cells"][-1]["outputs"][0]["text"] == ["2 people\n"]
    about = read_json(lab.results / "derivatives" / "sums" / "dataset_description.json")
    assert about["DatasetLinks"] == {"raw": "../../bids", "count": "../count"}


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("outside", "it wrote sub-other/x, outside its folder sub-"),
        ("nothing", "it left no file; see its log"),
        ("meddler", "Read-only file system"),
        ("thief", "link.tsv: "),
    ],
)
def test_one_that_fails_is_told_in_a_line_with_its_log(
    analysed: tuple[Lab, Run], name: str, reason: str
) -> None:
    lab, _ = analysed
    for unit in lab.units():
        record = lab.record(unit, name)
        assert record["state"] == "failed" and reason in record["reason"]
        assert "subject_id" not in record["reason"]
        assert (lab.work / record["log"]).is_file()
    assert not (lab.results / "derivatives" / name).exists()
    table = (lab.results / "status.tsv").read_text()
    assert table.count("3 done, 4 failed") == 2 and f"{name}: " in table


def test_a_cell_that_raises_is_told_where_the_projects_analyses_are(
    analysed: tuple[Lab, Run],
) -> None:
    lab, run = analysed
    record = lab.record("project", "raises")
    assert record["reason"].startswith("code cell 2: ValueError: ")
    assert f"  analyses   raises: failed: {record['reason']}; log: {record['log']}" in run.output


def test_the_pages_show_them(analysed: tuple[Lab, Run]) -> None:
    lab, _ = analysed
    for unit in lab.units():
        page = (lab.results / "reports" / f"{unit}.html").read_text()
        assert "images counted" in page
        assert "The analysis nothing failed: it left no file" in page
    page = (lab.results / "reports" / "index.html").read_text()
    assert 'href="../derivatives/book/book.html"' in page


def test_the_next_invocation_does_nothing_and_a_changed_param_runs_just_what_it_concerns(
    analysed: tuple[Lab, Run], tmp_path: Path
) -> None:
    lab = analysed[0].copy(tmp_path / "lab")
    again = lab.snakemake("--config", "discover=false")
    assert not again.jobs, again.output
    changed = json.loads(json.dumps(ANALYSES))
    changed[1]["params"]["suffix"] = "T1w"
    changed[1]["inputs"] = [{"dataset": ["T1w"]}]
    lab.configure({**lab.settings(), "analyses": changed})
    run = lab.snakemake("--config", "discover=false", "--until", "analysis_dataset")
    assert run.jobs == {"analyse": 4, "analysis_dataset": 2}, run.output
