"""What is shown before a pull is what a run makes, and a project without a config gets one."""

import os
import re
import subprocess
import sys
from html import unescape
from pathlib import Path

import pytest
import yaml

from coil.deid.identity.identities import LinkTable
from tests.workflow.lab import CHECKOUT, Lab

pytestmark = pytest.mark.workflow

_ROW = re.compile(
    r'<tr data-state="([^"]*)"[^>]*><td>([^<]*)</td>.*?<code>([^<]*)</code></td>', re.S
)


def shown(page: Path) -> set[tuple[str, str, str]]:
    """State, scan and name of each series on a page of one session."""
    rows = _ROW.findall(page.read_text())
    return {(state, scan, unescape(name)) for state, scan, name in rows if state != "not here"}


def test_with_headers_the_preview_says_what_the_run_made(finished: Lab) -> None:
    private = finished.work / "private" / "study"
    printed = ""
    for unit in finished.units():
        run = finished.snakemake("preview", "--config", "preview=headers", f"session={unit}")
        assert run.status == 0, run.output
        printed += run.output
        made = {
            (row["state"], row["scan"], row["name"] or "")
            for row in finished.record(unit)["series"]
        }
        assert shown(private / "preview.html") == made
    assert (private / "preview.html").stat().st_mode & 0o077 == 0
    people = LinkTable.read(private / "link.tsv").rows
    secrets = {text for one in people for text in (one.subject_label, one.session_label)}
    for path in finished.published():
        text = path.read_bytes()
        assert not any(secret.encode() in text for secret in secrets), path
    assert not any(secret in printed for secret in secrets)


def test_a_preview_pulls_nothing(unworked: Lab) -> None:
    assert unworked.server
    before = len(unworked.server.requests())
    run = unworked.snakemake("preview")
    assert run.status == 0, run.output
    assert "2 sessions, 16 series" in run.output
    assert not any("/scans/" in line for line in unworked.server.requests()[before:])
    assert unworked.snakemake("preview").jobs["preview"] == 1  # every time anew


def test_an_unknown_session_is_refused_before_any_job(unworked: Lab) -> None:
    run = unworked.snakemake("preview", "--config", "session=sub-nobody_ses-1")
    assert run.status == 1
    assert "error: config: session: no project has this session" in run.output
    assert not run.jobs


def test_from_an_empty_folder_to_a_preview(unworked: Lab) -> None:
    assert unworked.server
    folder = unworked.root / "empty"
    folder.mkdir()

    def snakemake(*arguments: str) -> str:
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(CHECKOUT / "Snakefile")]
        command += ["--cores", "1", *arguments]
        command += ["--workflow-profile", str(CHECKOUT / "config" / "profiles" / "local")]
        done = subprocess.run(
            command,
            cwd=folder,
            env=os.environ | {"XNAT_USER": "admin", "XNAT_PASS": "admin"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    told = snakemake("init", "--config", f"server={unworked.server.url}", "project=DEMO")
    assert "wrote config/projects/DEMO.yaml, by 2 sessions" in told
    draft = yaml.safe_load((folder / "config" / "projects" / "DEMO.yaml").read_text())
    targets = {rule.get("to") for rule in draft["bids"]["mapping"]}
    assert {"anat/T1w", "fmap/epi", "func/bold", "dwi/dwi"} <= targets
    assert "DEMO: 2 sessions, 16 series" in snakemake("preview")
