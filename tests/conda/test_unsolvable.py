"""An environment that cannot be made: what a person sees, and what is done all the same."""

from dataclasses import replace

import pytest
import yaml

from tests.conda.conftest import CondaLab

pytestmark = pytest.mark.conda

SCRIPT = """
import argparse
from pathlib import Path

import jinja2

parser = argparse.ArgumentParser()
for name in ("bids", "out", "params", "subject", "session"):
    parser.add_argument(f"--{name}")
given = parser.parse_args()
folder = Path(given.out, f"sub-{given.subject}", f"ses-{given.session}", "func")
folder.mkdir(parents=True)
(folder / f"sub-{given.subject}_ses-{given.session}_desc-note_bold.json").write_text("{}")
"""


@pytest.fixture(scope="module")
def lab(isolated: CondaLab, tmp_path_factory: pytest.TempPathFactory) -> CondaLab:
    """The finished projects, one with an analysis of its own beside what it had."""
    root = tmp_path_factory.mktemp("unsolvable") / "lab"
    isolated.copy(root)
    lab = replace(isolated, root=root)
    (lab.work / "note.py").write_text(SCRIPT)
    settings = lab.settings()
    own = {"name": "note", "script": "note.py", "env": "note.yaml", "level": "session"}
    settings["analyses"] = [*settings["analyses"], own]
    settings["push"] = {}
    (lab.work / "study.yaml").write_text(yaml.safe_dump(settings))
    return lab


def want(lab: CondaLab, package: str) -> None:
    text = f"channels: [conda-forge]\ndependencies: [python, {package}]\n"
    (lab.work / "note.yaml").write_text(text)


def test_the_analysis_fails_in_one_line_and_the_rest_is_done(lab: CondaLab) -> None:
    want(lab, "no-such-package >=3")
    with lab.open():
        run = lab.with_conda()
    (unit,) = lab.units()
    record = lab.record(unit, "note")
    assert record["state"] == "failed"
    assert "its environment note.yaml cannot be made: " in record["reason"]
    assert "No candidates were found for no-such-package >=3" in record["reason"]
    assert record["reason"] in run.output
    assert run.jobs["report_project"], run.output
    assert lab.record(unit, "qc")["state"] == "done"


def test_once_the_file_is_corrected_the_analysis_is_made(lab: CondaLab) -> None:
    want(lab, "jinja2")
    with lab.open():
        run = lab.with_conda()
    assert run.status == 0, run.output
    (unit,) = lab.units()
    assert lab.record(unit, "note")["state"] == "done"
    assert run.jobs["analyse"] == 1
