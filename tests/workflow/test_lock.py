"""A lock beside the datasets: what made them, and a rerun that refuses what differs."""

import shutil
from pathlib import Path

import pytest
import yaml

from tests.workflow.lab import Lab, Run
from tests.workflow.test_reruns import share_secret, tree

pytestmark = pytest.mark.workflow


@pytest.fixture
def lock(first_run: tuple[Lab, Run], tmp_path: Path) -> Path:
    """The lock of the finished lab, carried elsewhere."""
    place = tmp_path / "run.lock.yaml"
    shutil.copy(first_run[0].results / "run.lock.yaml", place)
    return place


def test_a_rerun_from_the_lock_makes_the_same_bytes_and_the_same_lock(
    first_run: tuple[Lab, Run], unworked: Lab, lock: Path
) -> None:
    share_secret(first_run[0], unworked)
    run = unworked.snakemake("--config", f"locked={lock}")
    assert run.status == 0, run.output
    assert "study: locked to 2 sessions" in run.output
    assert tree(unworked.results / "bids") == tree(first_run[0].results / "bids")
    made = [yaml.safe_load(p.read_text()) for p in (lock, unworked.results / "run.lock.yaml")]
    assert made[0] == made[1]


def test_a_rerun_is_refused_before_any_work_with_the_names_of_what_differs(
    first_run: tuple[Lab, Run], unworked: Lab, lock: Path
) -> None:
    share_secret(first_run[0], unworked)
    settings = unworked.settings()
    settings["deface"] = ["T2w"]
    unworked.configure(settings)
    run = unworked.snakemake("--config", f"locked={lock}")
    assert run.status != 0
    assert f"locked: {lock}: differs: the config's deface; go back" in run.output
    assert not run.jobs


def test_a_rerun_with_another_secret_is_refused(unworked: Lab, lock: Path) -> None:
    run = unworked.snakemake("--config", f"locked={lock}")
    assert run.status != 0
    assert "the secret behind the pseudonyms" in run.output
    assert not run.jobs
