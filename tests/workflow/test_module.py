"""The workflow as a module of another Snakefile, started from another folder."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.workflow.lab import CHECKOUT, Lab

pytestmark = pytest.mark.workflow

SNAKEFILE = f"""
configfile: "config.yaml"

module coil:
    snakefile: "{CHECKOUT}/Snakefile"
    config: config

use rule * from coil{{renamed}}
"""


@pytest.fixture(scope="module")
def lab(fresh: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lab whose archive is open, in which nothing was run."""
    lab = fresh.copy(tmp_path_factory.mktemp("module") / "lab")
    with lab.open():
        yield lab


def snakemake(lab: Lab, folder: Path, renamed: str, *arguments: str) -> tuple[int, str]:
    """Run a Snakefile of another folder that has Coil as its module."""
    folder.mkdir()
    (folder / "Snakefile").write_text(SNAKEFILE.format(renamed=renamed))
    assert lab.server
    login = {"XNAT_HOST": lab.server.url, "XNAT_USER": "admin", "XNAT_PASS": "admin"}
    command = [lab.interpreter, "-m", "snakemake", "--snakefile", str(folder / "Snakefile")]
    done = subprocess.run(
        [*command, "--cores", "2", *arguments],
        cwd=lab.work, env=os.environ | login, text=True, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    return done.returncode, done.stdout


def test_as_a_module_under_other_names_it_does_its_work_and_says_so(
    lab: Lab, tmp_path: Path
) -> None:
    status, output = snakemake(lab, tmp_path / "mine", " as coil_*", "coil_bids")
    assert status == 0, output
    assert "study: 2 of 2 sessions done" in output
    assert [record["state"] for record in lab.records()] == ["done", "done"]
    assert not list((lab.work / "quarantine").glob("study/*"))


def test_as_a_module_under_its_own_names_it_finds_done_what_is_done(
    lab: Lab, tmp_path: Path
) -> None:
    status, output = snakemake(lab, tmp_path / "other", "", "bids", "--dry-run")
    assert status == 0, output
    assert "Nothing to be done" in output
    assert "sessions done" not in output
