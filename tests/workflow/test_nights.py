"""What failed is tried again the next night: what is said of it is what is done."""

import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from tests.workflow.lab import Lab
from tests.workflow.test_changes import PROJECT_JOBS, a_session, archive_call

pytestmark = pytest.mark.workflow

SESSION = {"pull": 1, "convert": 1, "anonymize": 1, "pull_questionnaires": 1}
ANALYSED = SESSION | {"analyse": 2}
PUSHED = ANALYSED | {"push_session": 2, "push_project": 1}
# What each target runs again of a session, an analysis, questionnaires and pushes that failed, and
# how many failures those are.
AGAIN = {
    "bids": (SESSION, 2),
    "analyses": (ANALYSED, 3),
    "reports": (ANALYSED, 3),
    "push": (PUSHED, 5),
    "all": (PUSHED, 5),
    "discover": ({}, 0),
}


def spoil(lab: Lab, missing: bool) -> list[Path]:
    """Let a session, an analysis, the questionnaires and both kinds of pushes have failed."""
    first, second = (lab.results / "records" / unit for unit in lab.units())
    project = lab.results / "records" / "project"
    spoilt = [first / "admit.json", second / "qc.json", second / "push.json"]
    spoilt += [project / "questionnaires.json", project / "push.json"]
    for path in spoilt:
        if missing:
            path.unlink()
        else:
            record = json.loads(path.read_text())
            path.write_text(json.dumps(record | {"state": "failed", "retry": True}))
    return spoilt


def planned(output: str) -> Counter[str]:
    """The jobs that a dry run lists."""
    table = output.partition("Job stats:")[2].partition("total")[0]
    return Counter({rule: int(count) for rule, count in re.findall(r"^(\w+) +(\d+)$", table, re.M)})


@pytest.mark.parametrize("missing", [False, True], ids=["failed", "missing"])
def test_each_target_makes_again_what_it_stands_for_and_says_so(
    finished: Lab, missing: bool
) -> None:
    spoilt = spoil(finished, missing)
    before = [path.read_bytes() for path in spoilt if path.exists()]
    for target, (again, failures) in AGAIN.items():
        output = finished.snakemake("-n", target, "--config", "discover=false").output
        jobs = {rule: count for rule, count in planned(output).items() if rule in PUSHED}
        assert (target, jobs) == (target, again), output
        told = re.findall(r"study: (\d) failed before, to be tried again", output)
        assert told == ([] if missing or not failures else [str(failures)])
    assert [path.read_bytes() for path in spoilt if path.exists()] == before


def test_nothing_is_said_to_be_tried_while_another_invocation_works_here(finished: Lab) -> None:
    spoil(finished, missing=False)
    memory = finished.work / "private/study/memory.json"
    before = memory.read_bytes()
    locks = finished.work / ".snakemake" / "locks"
    locks.mkdir(exist_ok=True)
    for lock, file in (("0.input.lock", "x"), ("0.output.lock", "results/study/status.tsv")):
        (locks / lock).write_text(f"{file}\n")
    run = finished.snakemake("--config", "discover=false")
    assert run.jobs == Counter()
    assert "failed before" not in run.output
    assert memory.read_bytes() == before


def test_what_failed_for_a_passing_reason_is_done_the_next_night_and_not_the_third(
    finished: Lab,
) -> None:
    server = finished.server
    assert server
    session = a_session(finished)
    unit = finished.unit_of(session["label"])
    archive_call(finished, "DELETE", f"/data/experiments/{session['ID']}/scans/1?removeFiles=true")
    page = "/data/projects/DEMO/resources/questionnaires/files/phq9.csv"
    table = (finished.work / "private/study/phenotype/questionnaires/phq9.csv").read_bytes()
    archive_call(finished, "PUT", f"{page}?overwrite=true&inbody=true", table + b"\n")
    gone = {"status": 403}
    server.faults({"path": f"{session['ID']}.*format=zip", "times": 0, "fault": gone},
                  {"path": "questionnaires/files/phq9.csv", "times": 0, "fault": gone})  # fmt: skip
    run = finished.snakemake()
    assert f"{unit}: failed: pull: " in run.output
    server.faults()
    elsewhere = finished.root / "elsewhere"
    elsewhere.mkdir()
    run = replace(finished, called_from=elsewhere).snakemake()
    assert "study: 2 failed before, tried again" in run.output
    assert (run.jobs["pull"], run.jobs["pull_questionnaires"]) == (1, 1), run.output
    assert {*run.jobs} >= PROJECT_JOBS
    assert "study: 2 of 2 sessions done" in run.output
    assert (finished.results / "bids/phenotype/phq9.tsv").is_file()
    run = finished.snakemake()
    assert "failed before" not in run.output
    assert run.jobs == Counter()
