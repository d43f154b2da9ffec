"""The same bytes again: in another folder, with other cores, after a crash, offline."""

import gzip
import os
import shutil
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from coil.files import read_json, sha256
from tests.workflow.lab import Lab, Run

pytestmark = pytest.mark.workflow


def tree(folder: Path) -> dict[str, str]:
    """Digests of all files by their paths in the folder."""
    return {
        path.relative_to(folder).as_posix(): sha256(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def share_secret(source: Lab, target: Lab) -> None:
    """Let both labs give the same pseudonyms."""
    private = target.work / "private" / "study"
    private.mkdir(parents=True, mode=0o700)
    shutil.copy(source.work / "private" / "study" / "secret", private / "secret")


def test_another_folder_with_one_core_makes_the_same_bytes(
    first_run: tuple[Lab, Run], unworked: Lab
) -> None:
    share_secret(first_run[0], unworked)
    run = unworked.snakemake("--cores", "1")
    assert run.status == 0, run.output
    for part in ("bids", "derivatives", "reports"):
        assert tree(unworked.results / part) == tree(first_run[0].results / part)


def test_after_a_crash_nothing_is_half_admitted_and_the_next_invocation_goes_on(
    first_run: tuple[Lab, Run], unworked: Lab, study: Path
) -> None:
    share_secret(first_run[0], unworked)
    process = unworked.start()
    wait_for(unworked.results / "bids", "sub-*/ses-*")  # the first session is in
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    planted = [e["value"].lower().encode() for e in read_json(study / "truth.json")["identifiers"]]
    for path in unworked.published():
        data = path.read_bytes()
        data += gzip.decompress(data) if path.suffix == ".gz" else b""
        assert not [value for value in planted if value in data.lower()], path
    assert unworked.snakemake("--unlock").status == 0
    run = unworked.snakemake()
    assert run.status == 0, run.output
    assert tree(unworked.results / "bids") == tree(first_run[0].results / "bids")


def wait_for(folder: Path, pattern: str) -> None:
    end = time.monotonic() + 240
    while not any(folder.glob(pattern)):
        assert time.monotonic() < end, f"{pattern} did not appear"
        time.sleep(0.2)


def test_without_discovery_no_archive_is_needed(first_run: tuple[Lab, Run], tmp_path: Path) -> None:
    lab = first_run[0].copy(tmp_path / "lab")
    run = lab.snakemake("--config", "discover=false")
    assert run.status == 0, run.output
    assert run.jobs == Counter()
    assert "Nothing to be done" in run.output


def test_without_discovery_a_new_folder_is_told_so(unworked: Lab) -> None:
    run = unworked.snakemake("-n", "--config", "discover=false")
    assert run.status == 1
    errors = [line for line in run.output.splitlines() if "error" in line.lower()]
    assert errors == [
        "error: study: discover: is false, and nothing is known of this project here yet; leave "
        "it out once, so that the archive is asked",
        "error: no project is left to work on; nothing was changed",
    ]


def test_identified_files_of_a_failed_session_are_kept_on_request_and_said_to_be(
    unworked: Lab,
) -> None:
    run = unworked.snakemake("--config", "keep_quarantine=true", "--until", "convert")
    assert "kept: quarantine/ holds identified data" in run.output
    kept = list((unworked.work / "quarantine").rglob("*.dcm"))
    assert kept
    assert unworked.snakemake("--until", "convert").status == 0
    assert not list((unworked.work / "quarantine").rglob("*.dcm"))
