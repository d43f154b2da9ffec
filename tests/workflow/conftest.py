"""One finished run of the workflow, which tests copy and carry on."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from demo.load import load
from demo.study import generate
from tests.workflow.lab import CHECKOUT, Lab, Run


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The simulated study, small: two people, seen once each."""
    folder = tmp_path_factory.mktemp("study")
    generate(folder / "study", seed=2, subjects=2, sessions=1)
    return folder / "study"


@pytest.fixture(scope="session")
def project() -> dict:
    """The config of the simulated study, with the quickest of its analyses alone."""
    settings = yaml.safe_load((CHECKOUT / "demo" / "study.yaml").read_text())
    settings["analyses"] = settings["push"]["derivatives"] = ["qc"]
    return settings


@pytest.fixture(scope="session")
def fresh(tmp_path_factory: pytest.TempPathFactory, study: Path, project: dict) -> Lab:
    """The study in an archive, configured, nothing run yet. Copy it, do not change it."""
    lab = Lab(tmp_path_factory.mktemp("fresh") / "lab")
    load(study, lab.archive)
    lab.configure(project)
    return lab


@pytest.fixture(scope="session")
def first_run(fresh: Lab, tmp_path_factory: pytest.TempPathFactory) -> tuple[Lab, Run]:
    """The study after its first invocation, and what that printed. Copy it, do not change it."""
    lab = fresh.copy(tmp_path_factory.mktemp("finished") / "lab")
    with lab.open():
        run = lab.snakemake()
    return lab, run


@pytest.fixture
def finished(first_run: tuple[Lab, Run], tmp_path: Path) -> Iterator[Lab]:
    """A finished lab of the test's own, its archive open."""
    lab = first_run[0].copy(tmp_path / "lab")
    with lab.open():
        yield lab


@pytest.fixture
def unworked(fresh: Lab, tmp_path: Path) -> Iterator[Lab]:
    """A lab of the test's own in which nothing was run, its archive open."""
    lab = fresh.copy(tmp_path / "lab")
    with lab.open():
        yield lab
