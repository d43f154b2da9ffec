"""The doctor as people call it: from an empty folder, with a config, and what it leaves alone."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from localxnat.tests.support import Raw
from tests.workflow.lab import CHECKOUT, Lab

pytestmark = pytest.mark.workflow


def snakemake(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(CHECKOUT / "Snakefile")]
    command += ["--workflow-profile", str(CHECKOUT / "config" / "profiles" / "local")]
    return subprocess.run(
        [*command, "--cores", "1", "doctor", *arguments],
        cwd=folder,
        env=os.environ | {"XNAT_USER": "admin", "XNAT_PASS": "admin"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_before_any_config_it_looks_at_the_project_that_it_is_told(unworked: Lab) -> None:
    assert unworked.server
    folder = unworked.root / "empty"
    folder.mkdir()
    done = snakemake(folder, "--config", f"server={unworked.server.url}", "project=DEMO")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all will work" in done.stdout
    assert not (folder / "config").exists()


def test_with_a_config_it_looks_at_its_projects_and_discovers_nothing(unworked: Lab) -> None:
    assert unworked.server
    before = len(unworked.server.requests())
    run = unworked.snakemake("doctor")
    assert run.status == 0, run.output
    assert run.jobs == {"doctor": 1}
    writes = [line for line in unworked.server.requests()[before:] if not line.startswith("GET")]
    assert writes == ["PUT /data/services/auth 200", "DELETE /data/JSESSION 200"]
    assert not unworked.results.exists()
    told = run.output + (unworked.work / "results" / "doctor.json").read_text()
    people = Raw(unworked.server).rows("/data/projects/DEMO/subjects", columns="ID,label")
    assert not any(one[key] in told for one in people for key in ("ID", "label"))


def test_what_will_not_work_is_the_exit_status(unworked: Lab) -> None:
    run = unworked.snakemake("doctor", XNAT_PASS="wrong")
    assert run.status == 1
    assert run.output.count("will not work  login") == 1
    assert "file system" in run.output
    record = json.loads((unworked.work / "results" / "doctor.json").read_text())
    assert record["counts"]["will not work"] == 1
