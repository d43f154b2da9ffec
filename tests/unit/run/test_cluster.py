"""What is left of an earlier run on a cluster, and a login that stays where it was given."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from coil.archive.credentials import hide_login, login
from coil.run.cluster import wait_for_earlier_jobs


@pytest.fixture
def squeue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose files, in turn, are what squeue says."""
    said = tmp_path / "said"
    said.mkdir()
    program = tmp_path / "bin" / "squeue"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\ncd {said}; set -- *\n[ ! -e "$1" ] || {{ cat "$1"; rm "$1"; }}\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=os.pathsep)
    return said


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder from which jobs were submitted once."""
    (tmp_path / "work" / ".snakemake" / "slurm_logs").mkdir(parents=True)
    return tmp_path / "work"


def test_jobs_of_an_earlier_run_are_waited_for_and_named(
    squeue: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (squeue / "1").write_text(f"7|rule_session|{folder}\n8|rule_qc_wildcards_a|{folder}\n")
    (squeue / "2").write_text(f"8|rule_qc_wildcards_a|{folder}\n")
    wait_for_earlier_jobs(folder, pause=0)
    first, second = capsys.readouterr().err.splitlines()
    assert "waiting for 2 jobs of an earlier run" in first
    assert "scancel 7 8" in first
    assert "waiting for 1 job of an earlier run" in second
    assert not list(squeue.iterdir())


def test_jobs_of_other_folders_and_of_other_kinds_are_not(
    squeue: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = f"7|rule_qc|{folder}2\n8||{folder}\n9|interactive|{folder}\n"
    (squeue / "1").write_text(rows)
    wait_for_earlier_jobs(folder, pause=0)
    assert capsys.readouterr().err == ""


def test_the_queue_is_not_asked_where_no_job_was_submitted(squeue: Path, tmp_path: Path) -> None:
    (squeue / "1").touch()
    wait_for_earlier_jobs(tmp_path, pause=0)
    assert (squeue / "1").exists()


def test_a_queue_that_does_not_answer_stops_a_run_after_one_that_was_cut_off(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    wait_for_earlier_jobs(folder, pause=0)
    marked = folder / ".snakemake" / "incomplete" / "b3V0"
    marked.parent.mkdir()
    marked.touch()
    with pytest.raises(SystemExit, match="squeue does not answer"):
        wait_for_earlier_jobs(folder, pause=0)


def test_a_hidden_login_is_out_of_the_environment_and_found_by_processes_of_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XNAT_USER", "reader")
    monkeypatch.setenv("XNAT_PASS", "s3same")
    monkeypatch.setenv("XNAT_EXPORT_PASS", "s3same")
    monkeypatch.setenv("COIL_LOGIN", "")
    given = {"XNAT_USER": "reader", "XNAT_PASS": "s3same", "XNAT_EXPORT_PASS": "s3same"}
    assert login() == given
    hide_login()
    assert "s3same" not in repr(dict(os.environ))
    asked = "from coil.archive.credentials import login; print(login())"
    path = {"PYTHONPATH": str(Path(__file__).parents[3] / "scripts")}
    answer = subprocess.run(
        [sys.executable, "-c", asked],
        env=os.environ | path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ast.literal_eval(answer.stdout) == given


def test_another_machine_finds_no_login(monkeypatch: pytest.MonkeyPatch) -> None:
    for key in ("XNAT_USER", "XNAT_PASS"):
        monkeypatch.delenv(key, raising=False)
    monkeypatch.setenv("COIL_LOGIN", "/proc/0/fd/3")
    assert login() == {}
