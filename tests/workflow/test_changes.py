"""What runs again, and what does not, when the archive or the config changed."""

import os
import random
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import requests

from localxnat.testing import import_dicom
from tests.workflow.lab import CHECKOUT, Lab, Run

pytestmark = pytest.mark.workflow

SESSION_JOBS = {"pull", "convert", "anonymize", "analyse", "report_session", "push_session"}
PROJECT_JOBS = {
    "dataset", "validate", "analysis_dataset", "data_protection", "report_project", "push_project",
    "status_table", "lock", "all",
}  # fmt: skip
LOCKED = ("--config", "locked=results/study/run.lock.yaml")


def expected(sessions: int) -> Counter[str]:
    """The jobs of some sessions, and those of the project, once each."""
    return Counter(dict.fromkeys(SESSION_JOBS, sessions) | dict.fromkeys(PROJECT_JOBS, 1))


def archive_rows(lab: Lab, path: str) -> list[dict]:
    assert lab.server
    login = (lab.server.user, lab.server.password)
    answer = requests.get(f"{lab.server.url}{path}", {"format": "json"}, auth=login, timeout=20)
    return answer.json()["ResultSet"]["Result"]


def archive_call(lab: Lab, method: str, path: str, data: bytes | None = None) -> None:
    assert lab.server
    login = (lab.server.user, lab.server.password)
    answer = requests.request(method, lab.server.url + path, data=data, auth=login, timeout=20)
    assert answer.ok, answer.text


def a_session(lab: Lab) -> dict:
    return archive_rows(lab, "/data/projects/DEMO/experiments")[0]


def test_a_session_added_to_the_archive_runs_its_jobs_and_no_others(
    finished: Lab, study: Path
) -> None:
    source = next((study / "dicom").glob("*/*"))
    import_dicom(finished.archive, "DEMO", "somebody_new", "somebody_new_1", source)
    run = finished.snakemake()
    assert run.jobs == expected(1), run.output
    assert "3 sessions in the archive (1 new)" in run.output
    assert "study: 3 of 3 sessions done" in run.output


def test_a_scan_deleted_from_the_archive_runs_that_session_again(finished: Lab) -> None:
    session = a_session(finished)
    unit = finished.unit_of(session["label"])
    before = len(finished.record(unit)["series"])
    archive_call(finished, "DELETE", f"/data/experiments/{session['ID']}/scans/1?removeFiles=true")
    run = finished.snakemake()
    assert run.jobs == expected(1), run.output
    assert len(finished.record(unit)["series"]) == before - 1


def test_a_scan_replaced_in_the_archive_runs_that_session_again(finished: Lab) -> None:
    session = a_session(finished)
    (file, *_) = archive_rows(finished, f"/data/experiments/{session['ID']}/scans/1/files")
    data = bytearray(requests_get(finished, file["URI"]))
    data[-2] ^= 1  # another voxel value, the same size
    archive_call(finished, "PUT", f"{file['URI']}?overwrite=true", bytes(data))
    run = finished.snakemake()
    assert run.jobs == expected(1), run.output


def requests_get(lab: Lab, path: str) -> bytes:
    assert lab.server
    login = (lab.server.user, lab.server.password)
    return requests.get(lab.server.url + path, auth=login, timeout=20).content


def test_a_session_removed_from_the_archive_leaves_the_dataset(finished: Lab) -> None:
    people = finished.work / "private" / "study" / "people"
    assert {path.stem for path in people.iterdir()} == {*finished.units()}
    session = a_session(finished)
    unit = finished.unit_of(session["label"])
    archive_call(finished, "DELETE", f"/data/experiments/{session['ID']}?removeFiles=true")
    run = finished.snakemake()
    assert run.status == 0, run.output
    assert set(run.jobs) <= PROJECT_JOBS
    assert "1 no longer there" in run.output
    subject, visit = unit.split("_")
    assert not (finished.results / "bids" / subject / visit).exists()
    assert not [p for p in finished.results.rglob("*") if unit in p.name]
    assert subject not in (finished.results / "bids/participants.tsv").read_text()
    assert {path.stem for path in people.iterdir()} == {*finished.units()}


def test_a_renamed_subject_keeps_its_pseudonym_and_runs_nothing_of_its_session(
    finished: Lab,
) -> None:
    before = finished.units()
    subject = archive_rows(finished, "/data/projects/DEMO/subjects")[0]
    path = f"/data/projects/DEMO/subjects/{subject['ID']}?label=another_name"
    archive_call(finished, "PUT", path)
    run = finished.snakemake("bids")
    assert not {"pull", "convert", "anonymize"} & set(run.jobs), run.output
    assert finished.units() == before


def test_a_changed_rule_converts_again(finished: Lab) -> None:
    settings = finished.settings()
    rules = settings["bids"]["mapping"]
    rules.append({"match": {"series_description": "^ge_trial"}, "ignore": "a trial"})
    finished.configure(settings)
    run = finished.snakemake()
    assert run.jobs["convert"] == 2, run.output
    assert "unmapped" not in run.output.partition("study: 2 of 2 sessions done")[2]


def test_an_override_converts_its_session_again_and_no_other(finished: Lab) -> None:
    unit = finished.units()[0]
    (finished.work / "said.yaml").write_text(f"{unit}: {{1: {{ignore: a trial}}}}\n")
    settings = finished.settings()
    settings["bids"]["overrides"] = "said.yaml"
    finished.configure(settings)
    run = finished.snakemake("bids")
    assert (run.status, run.jobs["convert"], run.jobs["anonymize"]) == (0, 1, 1), run.output
    reasons = [row["reason"] for row in finished.record(unit)["series"] if row["scan"] == "1"]
    assert reasons == ["a trial"]


def test_a_checkout_of_any_name_and_with_new_times_runs_nothing(
    first_run: tuple[Lab, Run], tmp_path: Path
) -> None:
    lab = first_run[0].copy(tmp_path / "lab")
    for name in ("coil", "another"):
        clone(tmp_path / name)
        there = replace(lab, checkout=tmp_path / name)
        with there.open():
            refused = "differs" in there.snakemake("-n", *LOCKED).output
            run = there.snakemake()
        assert (refused, run.status, run.jobs) == (False, 0, Counter()), run.output


def test_a_copy_without_times_or_snakemakes_notes_and_another_order_of_keys_run_nothing(
    finished: Lab,
) -> None:
    settings = finished.settings()
    for rule in (settings, settings["bids"], *settings["bids"]["mapping"]):
        turned = dict(reversed(rule.items()))
        rule.clear()
        rule.update(turned)
    finished.configure(settings)
    shutil.rmtree(finished.work / ".snakemake")
    chance = random.Random(1)
    for path in sorted(finished.work.rglob("*")):
        time = chance.uniform(0, 2e9)
        os.utime(path, (time, time))
    run = finished.snakemake()
    assert (run.status, run.jobs) == (0, Counter()), run.output


def test_a_file_that_was_changed_since_is_made_again_and_one_of_the_same_size_by_a_full_check(
    finished: Lab,
) -> None:
    unit = finished.units()[0]
    sidecar = next((finished.results / "bids").glob(f"{unit.replace('_', '/')}/anat/*.json"))
    before = sidecar.read_bytes()
    sidecar.write_bytes(before.replace(b'"', b"'", 1))
    assert finished.snakemake().jobs == Counter()
    run = finished.snakemake("--config", "check=full")
    assert (run.jobs["anonymize"], sidecar.read_bytes()) == (1, before), run.output
    sidecar.write_bytes(before[:-2])
    assert f"{unit}: results missing" in finished.snakemake("-n").output
    run = finished.snakemake()
    assert (run.jobs["anonymize"], sidecar.read_bytes()) == (1, before), run.output
    assert finished.snakemake("--config", "check=full").jobs == Counter()


def test_who_asks_why_is_told_the_reason_of_each_step_and_nothing_is_done(finished: Lab) -> None:
    session = a_session(finished)
    unit = finished.unit_of(session["label"])
    assert "study: nothing to be done" in finished.snakemake("why").output
    archive_call(finished, "DELETE", f"/data/experiments/{session['ID']}/scans/1?removeFiles=true")
    memory = (finished.work / "private/study/memory.json").read_bytes()
    for _ in range(2):
        run = finished.snakemake("why")
        assert (run.status, run.jobs) == (0, Counter())
        assert f"  {unit}: admit: data changed" in run.output
    assert (finished.work / "private/study/memory.json").read_bytes() == memory
    assert finished.snakemake().jobs == expected(1)


def clone(folder: Path) -> None:
    """The same commit elsewhere, with the times of a new checkout."""
    for name in ("rules", "scripts", "config", "envs"):
        shutil.copytree(CHECKOUT / name, folder / name, copy_function=shutil.copyfile)
    shutil.copyfile(CHECKOUT / "Snakefile", folder / "Snakefile")


def test_a_typo_in_the_config_is_one_line_with_file_key_and_remedy(finished: Lab) -> None:
    settings = finished.settings()
    settings["bids"]["mapping"][1]["duplicate"] = "runs"
    finished.configure(settings)
    run = finished.snakemake("--quiet")
    lines = [line for line in run.output.splitlines() if "profile" not in line]
    assert run.status == 1
    assert lines == [
        "error: study.yaml: bids.mapping[1].duplicate: unknown key; did you mean duplicates?"
    ]


def test_a_bids_name_that_does_not_exist_is_told_before_anything_is_pulled(finished: Lab) -> None:
    settings = finished.settings()
    settings["bids"]["mapping"][1]["to"] = "anat/T9w"
    finished.configure(settings)
    run = finished.snakemake()
    assert run.status == 1
    assert run.jobs == Counter()
    assert "study.yaml: bids.mapping[1].to: `anat/T9w` is not in BIDS" in run.output
