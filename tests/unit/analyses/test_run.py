"""One analysis, run by itself on a small dataset: what it sees, what is kept, what is told."""

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from coil.analyses import enclosure
from coil.analyses.definitions import Definition
from coil.analyses.job import Job
from coil.analyses.run import analyse
from coil.files import read_json, write_json, write_text
from coil.workspace import Results
from tests.support import analysis_records, session_records

SESSIONS = (("a1", "1"), ("a1", "2"), ("b2", "1"))
Try = Callable[..., dict[str, Any]]


def namespaces() -> bool:
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder) / "scratch"
        (scratch / "work").mkdir(parents=True)
        return enclosure.enclosed(["true"], Path(folder), scratch, [], []) is not None


isolated = pytest.mark.skipif(not namespaces(), reason="this system allows no namespaces")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The results of a project of three sessions, in a working folder with private files."""
    monkeypatch.chdir(tmp_path)
    results = tmp_path / "results" / "study"
    rows = "".join(f"{subject}\t{session}\n" for subject, session in SESSIONS)
    write_text(results / "sessions.tsv", f"subject\tsession\n{rows}")
    for subject, session in SESSIONS:
        stem = f"sub-{subject}/ses-{session}/func/sub-{subject}_ses-{session}_task-tap"
        named = {f"{stem}_{end}": "" for end in ("bold.nii.gz", "bold.json", "events.tsv")}
        for name in named:
            write_text(results / "bids" / name, name)
        path = results / "records" / f"sub-{subject}_ses-{session}" / "admit.json"
        session_records.write(path, files=named)
    write_json(results / "bids" / "dataset_description.json", {"Name": "study"})
    write_text(results / "bids" / "participants.tsv", "participant_id\nsub-a1\nsub-b2\n")
    write_text(tmp_path / "private" / "study" / "link.tsv", "SECRET\n")
    return results


@pytest.fixture
def attempt(project: Path) -> Try:
    """Run a script's text as an analysis; returns its record, and leaves log.txt."""

    def go(
        text: str, ending: str = ".py", scope: str = "sub-a1_ses-1", **more: Any
    ) -> dict[str, Any]:
        file = project.parents[1] / "code" / f"mine{ending}"
        write_text(file, text)
        levels = {0: "subject", 1: "session"}
        level = "project" if scope == "project" else levels[scope.count("_")]
        fields = {"name": "mine", "file": str(file), "level": level, "dataset": None} | more
        definition = msgspec.convert(fields, Definition)
        hidden = [project.parents[1] / "private"]
        job = Job(definition, file, Results(project), scope, 2, None, hidden)
        record = analyse(job, str(project.parents[1] / "log.txt"))
        return json.loads(json.dumps(record.fields()))

    return go


READ = """
import argparse, json, os, sys
from pathlib import Path
parser = argparse.ArgumentParser()
for name in ("bids", "out", "params", "subject", "session", "inputs"):
    parser.add_argument(f"--{name}")
given = parser.parse_args()
out = Path(given.out)
place = out / f"sub-{given.subject}" / f"ses-{given.session}"
def keep(name, text):
    (place / name).parent.mkdir(parents=True, exist_ok=True)
    (place / name).write_text(text)
"""


def test_a_python_script_sees_its_session_and_its_results_are_kept(
    attempt: Try, project: Path
) -> None:
    record = attempt(
        READ + "seen = sorted(p.name for p in Path(given.bids).rglob('*') if p.is_file())\n"
        "keep('seen.json', json.dumps(seen))",
    )
    assert (record["state"], record["files"]) == ("done", ["sub-a1/ses-1/seen.json"])
    stem = "sub-a1_ses-1_task-tap"
    assert read_json(project / "derivatives" / "mine" / "sub-a1" / "ses-1" / "seen.json") == [
        "dataset_description.json", f"{stem}_bold.json", f"{stem}_bold.nii.gz", f"{stem}_events.tsv"
    ]  # fmt: skip
    assert not any((project / ".scratch").iterdir())


def test_a_shell_script_finds_the_same_in_its_environment(attempt: Try, project: Path) -> None:
    script = 'd=$COIL_OUT/sub-$COIL_SUBJECT/ses-$COIL_SESSION; mkdir -p "$d"\n'
    record = attempt(script + 'ls "$COIL_BIDS" > "$d/ls.txt"; cat "$COIL_PARAMS" > "$d/p"', ".sh")
    assert record["files"] == ["sub-a1/ses-1/ls.txt", "sub-a1/ses-1/p"]


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="no R here")
def test_an_r_script_does_too(attempt: Try) -> None:
    script = """
    d <- file.path(Sys.getenv("COIL_OUT"), "sub-a1", "ses-1")
    dir.create(d, recursive = TRUE)
    writeLines(list.files(Sys.getenv("COIL_BIDS"), recursive = TRUE), file.path(d, "seen.txt"))
    """
    assert attempt(script, ".R")["state"] == "done"


def test_a_program_that_is_not_installed_is_named(attempt: Try) -> None:
    if shutil.which("Rscript"):
        pytest.skip("R is installed")
    assert attempt("1", ".R")["reason"].startswith("there is no Rscript; name an environment")


@pytest.mark.parametrize(
    ("scope", "seen"),
    [("sub-a1", ["sub-a1"]), ("project", ["participants.tsv", "sub-a1", "sub-b2"])],
)
def test_an_analysis_of_a_subject_or_the_project_sees_just_that(
    attempt: Try, project: Path, scope: str, seen: list[str]
) -> None:
    script = 'mkdir "$COIL_OUT/sub-a1"; ls "$COIL_BIDS" > "$COIL_OUT/sub-a1/ls.txt"'
    assert attempt(script, ".sh", scope)["state"] == "done"
    listed = (project / "derivatives" / "mine" / "sub-a1" / "ls.txt").read_text().split()
    assert listed == ["dataset_description.json", *seen]


def test_a_session_that_the_run_leaves_out_is_not_seen(attempt: Try, project: Path) -> None:
    (project / "records" / "sub-b2_ses-1" / "admit.json").unlink()
    script = 'ls "$COIL_BIDS" > "$COIL_OUT/ls.txt"'
    assert attempt(script, ".sh", "project")["state"] == "done"
    assert "sub-b2" not in (project / "derivatives" / "mine" / "ls.txt").read_text()


def test_of_the_dataset_only_the_wanted_suffixes_are_seen(attempt: Try, project: Path) -> None:
    script = 'mkdir -p "$COIL_OUT/sub-a1/ses-1"; find "$COIL_BIDS" -name "sub-*_*" > '
    script += '"$COIL_OUT/sub-a1/ses-1/found"'
    assert attempt(script, ".sh", dataset=["events"])["state"] == "done"
    found = (project / "derivatives" / "mine" / "sub-a1" / "ses-1" / "found").read_text()
    assert [Path(line).name for line in found.split()] == ["sub-a1_ses-1_task-tap_events.tsv"]
    record = attempt(script, ".sh", dataset=["T1w"])
    assert (record["state"], record["reason"]) == ("skipped", "there is no T1w here")
    assert not (project / "derivatives" / "mine" / "sub-a1" / "ses-1").exists()


def test_it_gets_its_params_and_the_results_of_other_analyses(attempt: Try, project: Path) -> None:
    name = "sub-a1/ses-1/number.txt"
    write_text(project / "derivatives" / "qc" / name, "42")
    analysis_records.write(project / "records" / "sub-a1_ses-1" / "qc.json", files=(name,))
    text = "number = Path(given.inputs, 'qc', 'sub-a1/ses-1/number.txt').read_text()\n"
    text += "keep('x', number + json.load(open(given.params))['unit'])"
    record = attempt(READ + text, others={"qc": "session"}, params={"unit": "mm"})
    assert record["state"] == "done"
    assert (project / "derivatives" / "mine" / "sub-a1" / "ses-1" / "x").read_text() == "42mm"


def test_it_is_skipped_where_its_input_has_nothing(attempt: Try, project: Path) -> None:
    analysis_records.write(project / "records" / "sub-a1_ses-1" / "qc.json")
    record = attempt(READ, others={"qc": "session"})
    assert record["reason"] == "the analysis qc, its input, has nothing here"


def test_a_session_that_is_not_in_the_dataset_is_skipped(attempt: Try, project: Path) -> None:
    session_records.write(project / "records" / "sub-a1_ses-1" / "admit.json", state="failed")
    assert attempt(READ)["reason"] == "the session is not in the dataset"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "it left no file; see its log, or write summary.json with `skipped`"),
        ("(out / 'x').write_text('')", "it wrote x, outside its folder sub-a1/ses-1; write below"),
        (
            "(out / 'sub-b2').mkdir(); (out / 'sub-b2' / 'x').write_text('')",
            "it wrote sub-b2/x, outside its folder sub-a1/ses-1",
        ),
        (
            "place.mkdir(parents=True); (place / 'x').symlink_to('/etc/passwd')",
            "it left a link or a special file, sub-a1/ses-1/x; write plain files",
        ),
        ("keep('x', ''); raise ValueError('no peak')", "ValueError: no peak"),
        ("sys.exit(3)", "it ended with status 3 and said nothing"),
        ("os.kill(os.getpid(), 9)", "it was ended by signal 9; raise its resources.mem_mb"),
        ("import nothing_like_it", "ModuleNotFoundError: No module named 'nothing_like_it'"),
        ("(out / 'summary.json').write_text('[]')", "summary.json: [] should be of type object"),
        ("(out / 'summary.json').write_text('{\"x\": 1}')", "summary.json: x: unknown key; known"),
        ("(out / 'summary.json').write_text('{\"x\": NaN}')", "summary.json is not JSON"),
        (
            "keep('x', ''); (out / 'summary.json').write_text("
            '\'{"figures": [{"file": "../../private/x.png"}]}\')',
            "summary.json: the figure ../../private/x.png is not there; write it below --out",
        ),
    ],
)
def test_what_it_did_wrong_is_told_in_a_line_and_nothing_is_kept(
    attempt: Try, project: Path, text: str, reason: str
) -> None:
    old = project / "derivatives" / "mine" / "sub-a1" / "ses-1" / "old.txt"
    write_text(old, "of an earlier run")
    other = project / "derivatives" / "mine" / "sub-b2" / "ses-1" / "kept.txt"
    write_text(other, "of another session")
    record = attempt(READ + text)
    assert record["state"] == "failed"
    assert record["reason"].startswith(reason)
    assert not old.parent.exists() and other.is_file()


@pytest.mark.parametrize(
    ("text", "retry"),
    [
        ("os.kill(os.getpid(), 9)", True),
        ("raise MemoryError", True),
        ("sys.exit('write: No space left on device')", True),
        ("os.kill(os.getpid(), 11)", False),
        ("raise ValueError('no peak')", False),
    ],
)
def test_it_is_tried_again_where_it_was_ended_or_lacked_memory_or_room(
    attempt: Try, text: str, retry: bool
) -> None:
    assert attempt(READ + text)["retry"] is retry


def test_what_it_says_is_in_its_log_and_its_last_words_are_fit_for_a_table(
    attempt: Try, project: Path
) -> None:
    text = "print('on the way'); sys.exit(f'\\x1b[31m{given.bids}/sub-a1:\\tnot good\\x1b[0m')"
    assert attempt(READ + text)["reason"] == "bids/sub-a1: not good"
    assert "on the way" in (project.parents[1] / "log.txt").read_text()


def test_its_summary_goes_into_the_record(attempt: Try) -> None:
    told = {"numbers": {"peak": 5.5}, "problem": "1 of 2 runs: too short"}
    record = attempt(
        READ + f"keep('x', ''); (out / 'summary.json').write_text('{json.dumps(told)}')"
    )
    assert (record["state"], record["reason"]) == ("failed", "1 of 2 runs: too short")
    assert (record["files"], record["summary"]) == (
        ["sub-a1/ses-1/x"], {"numbers": {"peak": 5.5}}
    )  # fmt: skip


def test_it_may_say_that_there_was_nothing_to_do(attempt: Try) -> None:
    record = attempt(READ + "(out / 'summary.json').write_text('{\"skipped\": \"no task\"}')")
    assert (record["state"], record["reason"]) == ("skipped", "no task")


def test_no_credential_reaches_it(attempt: Try, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("XNAT_USER", "XNAT_PASS", "GITHUB_TOKEN", "SOMETHING_ELSE"):
        monkeypatch.setenv(name, "SECRET")
    look = "around = dict(os.environ)\nassert 'SECRET' not in str(around), around\n"
    look += "assert around['HOME'] == around['TMPDIR'] == os.getcwd() == os.path.realpath('.')\n"
    look += "assert around['OMP_NUM_THREADS'] == '2'\n"
    assert attempt(READ + look + "keep('x', '')")["state"] == "done"


@isolated
def test_no_other_process_and_no_link_table_is_there_for_it(
    attempt: Try, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XNAT_PASS", "SECRET")
    link = project.parents[1] / "private" / "study" / "link.tsv"
    look = "assert len(list(Path('/proc').glob('[0-9]*'))) < 4\n"
    look += "assert b'SECRET' not in Path('/proc/self/environ').read_bytes()\n"
    look += f"try:\n    Path({str(link)!r}).read_text()\nexcept OSError: keep('x', '')\n"
    record = attempt(READ + look)
    assert record["state"] == "done", record["reason"]


@isolated
@pytest.mark.parametrize(
    "target",
    [
        "given.bids + '/sub-a1/ses-1/func/sub-a1_ses-1_task-tap_bold.json'",
        "'{bids}/new'",
        "'{code}'",
    ],
)
def test_the_dataset_and_all_else_in_the_working_folder_is_read_only(
    attempt: Try, project: Path, target: str
) -> None:
    paths = {"bids": project / "bids", "code": project.parents[1] / "code" / "mine.py"}
    record = attempt(READ + f"open({target.format(**paths)}, 'a').write('x')\nkeep('x', '')")
    assert record["state"] == "failed"
    assert "Read-only file system" in record["reason"]


def test_without_namespaces_a_dataset_that_was_written_to_is_noticed(
    attempt: Try, project: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bare = tmp_path / "bin"
    bare.mkdir()
    for name in ("env", "cat"):
        (bare / name).symlink_to(shutil.which(name) or os.devnull)
    monkeypatch.setenv("PATH", str(bare))
    text = "path = next(Path(given.bids).rglob('*bold.json'))\n"
    assert attempt(READ + "keep('x', '')")["state"] == "done"
    record = attempt(READ + text + "path.write_text('changed')\nkeep('x', '')")
    assert record["reason"].startswith("it wrote to the dataset, which is only to be read")
    assert "no namespaces here" in (project.parents[1] / "log.txt").read_text()


BOOK = {
    "cells": [
        {"cell_type": "code", "id": "a", "metadata": {"tags": ["parameters"]}, "outputs": [],
         "execution_count": None, "source": "bids = out = subject = session = ''\nparams = {}"},
        {"cell_type": "code", "id": "b", "metadata": {}, "outputs": [],
         "execution_count": None, "source": "print(subject, params['n'])"},
    ],
    "metadata": {"kernelspec": {"name": "python3", "display_name": "Python", "language": "python"}},
    "nbformat": 4, "nbformat_minor": 5,
}  # fmt: skip


def test_a_notebook_is_executed_kept_and_rendered_with_the_same_bytes_each_time(
    attempt: Try, project: Path
) -> None:
    pytest.importorskip("papermill")
    folder = project / "derivatives" / "mine" / "sub-a1" / "ses-1"
    seen = []
    record = {}
    for _ in range(2):
        record = attempt(json.dumps(BOOK), ".ipynb", params={"n": 7})
        assert record["state"] == "done", record["reason"]
        seen.append([path.read_bytes() for path in sorted(folder.iterdir())])
    assert record["files"] == ["sub-a1/ses-1/mine.html", "sub-a1/ses-1/mine.ipynb"]
    assert seen[0] == seen[1]
    assert "a1 7" in str(read_json(folder / "mine.ipynb"))
    assert str(project).encode() not in b"".join(seen[0])


def test_a_cell_that_raises_is_named_with_its_error(attempt: Try) -> None:
    pytest.importorskip("papermill")
    book = json.loads(json.dumps(BOOK).replace("print(subject, params['n'])", "1 / 0"))
    assert attempt(json.dumps(book), ".ipynb")["reason"] == (
        "code cell 2: ZeroDivisionError: division by zero"
    )


def test_what_its_conda_environment_sets_is_passed_on_and_snakemakes_programs_are_not(
    tmp_path: Path,
) -> None:
    here = str(Path(sys.executable).parent)
    around = {"PATH": f"/e/bin:{here}:/usr/bin", "CONDA_PREFIX": "/e", "GDAL_DATA": "/e/share/gdal"}
    kept = enclosure.environment(around | {"XNAT_PASS": "SECRET"}, tmp_path, 1, "/e")
    assert (kept["PATH"], kept["GDAL_DATA"]) == ("/e/bin:/usr/bin", "/e/share/gdal")
    assert "XNAT_PASS" not in kept
    assert enclosure.environment(around, tmp_path, 1, None)["PATH"].startswith(f"{here}:")
