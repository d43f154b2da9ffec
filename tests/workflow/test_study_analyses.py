"""All analyses of the simulated study: what they find is what was planted."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from tests.workflow.lab import CHECKOUT, Lab, Run
from tests.workflow.test_main_job import sessions, task_run

pytestmark = pytest.mark.workflow


@pytest.fixture(scope="module")
def analysed(first_run: tuple[Lab, Run], tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """The finished lab, gone on with the demo's own config."""
    lab = first_run[0].copy(tmp_path_factory.mktemp("analysed") / "lab")
    lab.configure(yaml.safe_load((CHECKOUT / "demo" / "study.yaml").read_text()))
    with lab.open():
        run = lab.snakemake()
    assert run.status == 0, run.output
    return lab


def clusters(lab: Lab, unit: str, contrast: str) -> pd.DataFrame:
    folder = lab.results / "derivatives" / "glm" / Path(*unit.split("_")) / "func"
    return pd.read_csv(next(folder.glob(f"*_contrast-{contrast}_clusters.tsv")), sep="\t")


@pytest.fixture(scope="module")
def truth(study: Path) -> dict:
    return json.loads((study / "truth.json").read_text())


def test_the_model_finds_the_planted_activation_in_every_run(analysed: Lab, truth: dict) -> None:
    for label, session in sessions(truth):
        found = clusters(analysed, analysed.unit_of(label), "tap")
        best = found.loc[found["peak"].idxmax(), ["x", "y", "z"]].to_numpy(float)
        planted = task_run(session)["activation"]["peaks"][0]["scanner_mm"]
        assert np.linalg.norm(best - planted) < 6


def test_the_model_finds_nothing_in_the_null_contrast(analysed: Lab) -> None:
    for unit in analysed.units():
        assert clusters(analysed, unit, "tone").empty


def test_each_analysis_is_a_valid_derivative_dataset(analysed: Lab) -> None:
    for name in ("qc", "glm", "overview"):
        verdict = json.loads((analysed.results / "derivatives" / f"{name}.json").read_text())
        assert verdict["errors"] == 0


def test_the_notebook_is_kept_with_its_outputs_and_as_a_page(analysed: Lab) -> None:
    folder = analysed.results / "derivatives" / "overview"
    table = pd.read_csv(folder / "sessions_table.tsv", sep="\t")
    assert (table["subject"] + "_" + table["session"]).to_list() == analysed.units()
    assert bool(table["peak_tap"].notna().all())
    cells = json.loads((folder / "overview.ipynb").read_text())["cells"]
    assert all(cell["execution_count"] for cell in cells if cell["cell_type"] == "code")
    assert "The study at a glance" in (folder / "overview.html").read_text()


def test_their_results_are_pushed_to_the_sessions_and_to_the_project(analysed: Lab) -> None:
    pushed = analysed.record("project", "push")["files"]
    assert {"resources/coil_overview/overview.html", "report.html"} <= pushed.keys()
    for unit in analysed.units():
        names = analysed.record(unit, "push")["files"]
        assert any(name.startswith("resources/coil_glm/func/") for name in names)
