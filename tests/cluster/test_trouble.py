"""What can befall jobs on a cluster, in one run: nothing is lost, nothing runs twice at once."""

import os
import stat
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

import pytest

from coil.files import read_json
from tests.cluster.conftest import SLURM, Watch, bytes_of, kill_local, run
from tests.cluster.slurm import Slurm, wait_for
from tests.workflow.lab import Lab, Run

pytestmark = pytest.mark.cluster


@dataclass
class Story:
    """What was done to a run, and what was seen."""

    lab: Lab
    watch: Watch
    sent: bytes = b""
    quarantined: dict[Path, os.stat_result] = field(default_factory=dict)
    admitted: dict[str, list[str]] = field(default_factory=dict)
    befell: dict[str, str] = field(default_factory=dict)
    alive: list[str] = field(default_factory=list)
    refused: Run | None = None
    resumed: Run | None = None
    again: Run | None = None


@pytest.fixture(scope="module")
def story(
    discovered: Lab, slurm: Slurm, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Story]:
    """A run of which a job hangs until its time is over, a node dies, a job is cancelled and the
    submitting process is killed; then it is begun again."""
    lab = discovered.copy(tmp_path_factory.mktemp("trouble") / "lab")
    with lab.open(), Watch(slurm) as watch:
        told = Story(lab, watch)
        befall(told, slurm)
        told.refused = run(lab)
        assert lab.snakemake("--unlock").status == 0
        told.resumed = resume(told, slurm)
        told.again = run(lab)
        yield told


def befall(told: Story, slurm: Slurm) -> None:
    """Begin, let it all happen, and kill what submits the jobs."""
    slurm.run("scontrol", "update", "nodename=ALL", "state=drain", "reason=test")
    process = told.lab.start(*SLURM, SBATCH_PARTITION="other")
    threading.Thread(target=process.communicate, daemon=True).start()
    try:
        befall_jobs(told, slurm)
    finally:
        kill_local(process.pid)
    told.alive = slurm.jobs("--states=RUNNING")
    for job in told.alive:
        slurm.freeze(job)
    told.befell = {job: told.watch.jobs()[job]["JobState"] for job in told.befell}
    told.admitted = admitted(told.lab)


def befall_jobs(told: Story, slurm: Slurm) -> None:
    """One job hangs until its time is over, the node of another dies, a third is cancelled."""
    watch = told.watch
    wait_for(lambda: len(slurm.jobs("--states=PENDING")) > 1, "jobs in the queue", 180)
    told.sent = sent(slurm)
    told.quarantined = {p: p.stat() for p in (told.lab.work / "quarantine").rglob("*")}
    slurm.run("scontrol", "update", "nodename=ALL", "state=resume")
    wait_for(lambda: len(watch.running()) > 1, "running jobs")
    hangs, falls = watch.running()[:2]
    last = max(map(int, slurm.jobs()))

    slurm.freeze(hangs)
    slurm.run("scontrol", "update", f"job={hangs}", "timelimit=1")
    node = watch.jobs()[falls]["BatchHost"]
    slurm.kill_node(node)
    wait_for(lambda: watch.jobs()[falls]["JobState"] == "NODE_FAIL", "failed node", 90)
    slurm.start_node(node)
    cancelled = hold(watch, slurm, last)
    slurm.run("scancel", cancelled)
    told.befell = dict.fromkeys((hangs, falls, cancelled), "")
    wait_for(lambda: watch.jobs()[hangs]["JobState"] == "TIMEOUT", "time limit", 180)
    hold(watch, slurm, int(cancelled))  # at least one is alive when what submitted it is killed


def hold(watch: Watch, slurm: Slurm, last: int) -> str:
    """Stop a running job after the number `last`, so that it cannot end by itself."""
    held = []

    def stopped() -> bool:
        for job in watch.running():
            if int(job) > last:
                slurm.freeze(job)
                if job in slurm.jobs("--states=RUNNING"):
                    held.append(job)
                    return True
        return False

    wait_for(stopped, "retry", 90)
    return held[0]


def resume(told: Story, slurm: Slurm) -> Run:
    """Run again; the jobs that are still alive go on when they are waited for."""
    process = told.lab.start(*SLURM)
    assert process.stdout
    printed = ""
    while "earlier run" not in printed and (line := process.stdout.readline()):
        printed += line
    for job in told.alive:
        slurm.thaw(job)
    printed += process.communicate()[0]
    return Run(process.returncode, printed)


def sent(slurm: Slurm) -> bytes:
    """What Slurm was given of the jobs in the queue: their scripts and environments."""
    files = [path for path in (slurm.root / "state").glob("hash.*/job.*/*") if path.is_file()]
    assert {path.name for path in files} == {"environment", "script"}
    return b"".join(path.read_bytes() for path in files)


def admitted(lab: Lab) -> dict[str, list[str]]:
    """The sessions in the datasets by their record, and those with a folder there."""
    return {
        "records": [p.parent.name for p in lab.work.glob("results/*/records/*/admit.json")],
        "folders": [
            f"{p.parent.name}_{p.name}" for p in lab.work.glob("results/*/bids/sub-*/ses-*")
        ],
    }


def test_no_login_is_sent_to_the_nodes(story: Story) -> None:
    assert b"SLURM_JOB_NAME=coil_" in story.sent
    assert b"XNAT_PASS" not in story.sent
    assert b"XNAT_USER" not in story.sent


def test_the_jobs_go_to_the_partition_of_the_environment(story: Story) -> None:
    first = min(story.befell, key=int)
    assert story.watch.jobs()[first]["Partition"] == "other"


def test_the_quarantine_is_closed_to_others_also_on_a_shared_disk(story: Story) -> None:
    folder = story.lab.work / "quarantine"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    files = [s for s in story.quarantined.values() if stat.S_ISREG(s.st_mode) and s.st_size]
    assert len(files) > 100
    assert {stat.S_IMODE(one.st_mode) & 0o077 for one in files} == {0}


def test_each_trouble_was_seen_by_slurm(story: Story) -> None:
    assert list(story.befell.values()) == ["TIMEOUT", "NODE_FAIL", "CANCELLED"]


def test_another_attempt_asks_for_more(story: Story) -> None:
    jobs = story.watch.jobs()
    asked = [int(j["MinMemoryNode"].removesuffix("M")) for j in jobs.values() if is_session(j)]
    assert max(asked) > 1.9 * min(asked)


def test_jobs_outlive_the_process_that_submitted_them(story: Story) -> None:
    assert story.alive
    assert story.refused and story.refused.status != 0
    assert "--unlock" in story.refused.output


def test_the_next_run_waits_for_them_and_keeps_what_they_finish(story: Story) -> None:
    assert story.resumed and story.resumed.status == 0, story.resumed
    assert "of an earlier run, still in the queue" in story.resumed.output
    (waiting,) = [line for line in story.resumed.output.splitlines() if "earlier run" in line][:1]
    assert set(story.alive) <= set(waiting.rstrip(")").split())
    finished = [job for job in story.alive if story.watch.jobs()[job]["JobState"] == "COMPLETED"]
    assert finished
    kept = {work for job in finished for work in works(story.lab, job)}
    assert kept
    assert [work for work in kept if work in story.resumed.output] == []


def test_nothing_runs_twice_at_once(story: Story) -> None:
    jobs = story.watch.jobs()
    begun = {job: works(story.lab, job) for job in jobs}
    for one, other in combinations(sorted(jobs, key=lambda job: jobs[job]["StartTime"]), 2):
        if begun[one] & begun[other]:
            assert jobs[one]["EndTime"] <= jobs[other]["StartTime"], begun[one] & begun[other]


def test_nothing_is_half_admitted(story: Story) -> None:
    # A session's folder is there at once and whole; its record says afterwards that it counts.
    assert set(story.admitted["records"]) <= set(story.admitted["folders"])
    for project in (story.lab.work / "results").iterdir():
        assert read_json(project / "validation.json")["errors"] == 0


def test_nothing_is_lost_and_no_byte_is_another(story: Story, local: Lab) -> None:
    ours, theirs = bytes_of(story.lab), bytes_of(local)
    assert [name for name in ours | theirs if ours.get(name) != theirs.get(name)] == []


def test_nothing_identified_stays_behind_and_nothing_is_to_be_done(story: Story) -> None:
    assert [p.name for p in (story.lab.work / "quarantine").iterdir()] == [".keep"]
    assert story.again and "Nothing to be done" in story.again.output


def is_session(job: dict[str, str]) -> bool:
    return job["Comment"].startswith("rule_session")


def works(lab: Lab, job: str) -> set[str]:
    """What a job did, by the messages of the rules in its log.

    One that was cancelled as it started has none, and did nothing.
    """
    logs = (lab.work / ".snakemake" / "slurm_logs").rglob(f"{job}.log")
    lines = [line for log in logs for line in log.read_text().splitlines()]
    return {line.partition(": ")[2] for line in lines if line.startswith("Job ") and ": " in line}
