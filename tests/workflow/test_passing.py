"""What failed for a passing reason is whole after the next invocation."""

import os
import signal
from pathlib import Path

import pytest

from tests.workflow.lab import Lab, Run
from tests.workflow.test_reruns import share_secret, tree

pytestmark = pytest.mark.workflow


def kill_a_converter(lab: Lab) -> Run:
    """One invocation, in which the kernel kills the first dcm2niix that can be caught, as where
    memory runs out."""
    process = lab.start()
    while not kill_one(converters(lab.work)):
        assert process.poll() is None, "no converter was seen"
    output, _ = process.communicate()
    return Run(process.returncode, output)


def kill_one(processes: list[int]) -> bool:
    """Whether the first of the processes that still works was killed."""
    for process in processes:
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:  # it ended meanwhile
            continue
        return True
    return False


def converters(work: Path) -> list[int]:
    """The dcm2niix that convert in a working folder."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            name, *arguments = (folder / "cmdline").read_bytes().split(b"\0")
            here = (folder / "cwd").readlink() == work
        except OSError:
            continue
        if here and name.endswith(b"dcm2niix") and b"-o" in arguments:
            found.append(int(folder.name))
    return found


def test_a_session_whose_converter_was_killed_is_whole_the_next_night(
    first_run: tuple[Lab, Run], unworked: Lab
) -> None:
    share_secret(first_run[0], unworked)
    run = kill_a_converter(unworked)
    assert run.status == 0, run.output
    failed, done = sorted(unworked.records(), key=lambda record: record["state"] == "done")
    assert (failed["state"], failed["stage"], failed["retry"]) == ("failed", "convert", True)
    assert failed["reason"].startswith("dcm2niix: ended by signal 9 (memory ran out, or")
    assert done["state"] == "done"
    again = unworked.snakemake()
    assert again.jobs["convert"] == 1, again.output
    assert tree(unworked.results / "bids") == tree(first_run[0].results / "bids")
