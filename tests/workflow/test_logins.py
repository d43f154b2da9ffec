"""A run has one login at the archive, and leaves none behind."""

import json
import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import certifi
import pytest

from coil.run.planning import close_logins_at_exit
from tests.workflow.lab import Lab, Run

pytestmark = pytest.mark.workflow

IN, OUT = "PUT /data/services/auth 200", "DELETE /data/JSESSION 200"


def logins(lab: Lab) -> list[str]:
    lines = (lab.archive / "access.log").read_text().splitlines()
    return [line for line in lines if line in (IN, OUT)]


def left(lab: Lab) -> list[str]:
    return [path.name for path in (lab.work / "private" / ".logins").glob("*.json")]


def test_a_run_logs_in_once_and_logs_out_at_its_end(fresh: Lab, first_run: tuple[Lab, Run]) -> None:
    lab, _ = first_run
    assert (logins(lab)[len(logins(fresh)) :], left(lab)) == ([IN, OUT], [])


@pytest.mark.parametrize("target", ["discover", "-n"])
def test_a_run_in_another_folder_logs_out_too(unworked: Lab, tmp_path: Path, target: str) -> None:
    before = len(logins(unworked))
    lab = replace(unworked, called_from=tmp_path)
    assert lab.snakemake(target).status == 0
    assert (logins(lab)[before:], left(lab)) == ([IN, OUT], [])
    assert not [*tmp_path.glob("private")]


def test_a_login_at_a_server_that_is_gone_does_not_hold_up_the_start(unworked: Lab) -> None:
    folder = unworked.work / "private" / ".logins"
    folder.mkdir(parents=True)
    (unworked.work / "lab.pem").write_bytes(Path(certifi.where()).read_bytes())
    gone = {"server": "https://127.0.0.1:1", "session": "0" * 32, "ca_bundle": "lab.pem"}
    (folder / "gone.json").write_text(json.dumps(gone))
    begun = time.monotonic()
    close_logins_at_exit(unworked.work)
    assert time.monotonic() - begun < 5
    assert left(unworked) == []


def test_a_run_that_is_interrupted_logs_out(unworked: Lab) -> None:
    before = len(logins(unworked))
    process = unworked.start("bids")
    while not list((unworked.work / "quarantine").glob("study/*/pulled")):
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert (logins(unworked)[before:], left(unworked)) == ([IN, OUT], [])


def test_the_run_after_one_that_was_killed_closes_its_login(unworked: Lab) -> None:
    before = len(logins(unworked))
    process = unworked.start("bids")
    while not left(unworked):
        assert process.poll() is None
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    unworked.snakemake("--unlock")
    unworked.snakemake("discover")
    assert (logins(unworked)[before:], left(unworked)) == ([IN, OUT, IN, OUT], [])
