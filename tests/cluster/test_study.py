"""A study through a real Slurm: the same bytes as on one machine, and nothing told to the nodes."""

import re
from pathlib import Path

import pytest

from coil.files import read_json
from tests.cluster.conftest import Watch, bytes_of, run
from tests.cluster.slurm import Slurm
from tests.workflow.lab import Lab, Run

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def done(
    discovered: Lab, slurm: Slurm, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Lab, Run, Watch]:
    """The study after one invocation, and what the queue showed meanwhile."""
    lab = discovered.copy(tmp_path_factory.mktemp("slurm_study") / "lab")
    with lab.open(), Watch(slurm) as watch:
        outcome = run(lab)
    return lab, outcome, watch


def test_every_session_is_done_and_valid(done: tuple[Lab, Run, Watch]) -> None:
    lab, outcome, _ = done
    assert outcome.status == 0, outcome.output
    for project in (lab.work / "results").iterdir():
        records = [read_json(path) for path in project.glob("records/sub-*/*.json")]
        assert records and {record["state"] for record in records} == {"done"}
        assert read_json(project / "validation.json")["errors"] == 0


def test_the_bytes_are_those_of_a_run_on_one_machine(
    done: tuple[Lab, Run, Watch], local: Lab
) -> None:
    ours, theirs = bytes_of(done[0]), bytes_of(local)
    assert len(ours) > 50
    assert [name for name in ours | theirs if ours.get(name) != theirs.get(name)] == []


def test_what_speaks_to_the_archive_and_what_is_quick_runs_where_it_was_submitted(
    done: tuple[Lab, Run, Watch],
) -> None:
    _, outcome, watch = done
    assert outcome.jobs["pull"] and outcome.jobs["push_session"]
    assert "rule_dataset_wildcards_study" in watch.values("Comment")
    stays = "rule_(pull|push|report|status|all)"
    assert not [rule for rule in watch.values("Comment") if re.match(stays, rule)]


def test_a_session_is_converted_and_anonymized_in_one_job(done: tuple[Lab, Run, Watch]) -> None:
    lab, _, watch = done
    sessions = [job for job in watch.jobs().values() if job["Comment"].startswith("rule_session")]
    assert len(sessions) == len(list(lab.work.glob("results/*/records/sub-*")))


def test_jobs_ask_for_more_than_the_least_by_the_size_of_the_session(
    done: tuple[Lab, Run, Watch],
) -> None:
    jobs = done[2].jobs().values()
    asked = {job["MinMemoryNode"] for job in jobs if job["Comment"].startswith("rule_session")}
    assert all(2000 < int(memory.removesuffix("M")) < 4000 for memory in asked)


def test_nobody_is_named_in_the_queue_or_in_what_the_jobs_printed(
    done: tuple[Lab, Run, Watch], study: Path
) -> None:
    lab, outcome, watch = done
    shown = "\n".join(watch.seen.values()) + outcome.output
    shown += "\n".join(path.read_text() for path in lab.work.glob(".snakemake/slurm_logs/**/*.log"))
    planted = {str(entry["value"]) for entry in read_json(study / "truth.json")["identifiers"]}
    assert len(planted) > 20
    assert [value for value in {*planted, "volunteer_1"} if value.lower() in shown.lower()] == []
