"""What only looks asks no archive and changes no file; what plans jobs asks, however it is said."""

import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.workflow.lab import Lab, Run

pytestmark = pytest.mark.workflow

LOOKS = [
    "--lint",
    "--list",
    "-l",
    "--list-target-rules",
    "--print-compilation",
    "--dag",
    "--dag=mermaid-js all",
    "--rulegraph",
    "--filegraph",
    "--d3dag",
    "--summary",
    "-nD",
    "--list-changes code",
    "--list-input-changes",
    "--list-params-changes",
    "--list-untracked",
    "--conda-create-envs-only",
    "--conda-cleanup-envs",
    "--list-conda-envs",
    "--container-cleanup-images",
    "--cleanup-shadow",
    "--cleanup-metadata results/study/status.tsv",
    "--delete-temp-output -n",
    "--generate-unit-tests {elsewhere}/tests",
    "--containerize",
    "--report {elsewhere}/report.html",
    "--unlock",
]
CONDA = "Is conda installed and accessible?"
LACKING = {
    "--conda-create-envs-only": CONDA,
    "--conda-cleanup-envs": CONDA,
    "--list-conda-envs": CONDA,
    "--containerize": CONDA,
    "--generate-unit-tests {elsewhere}/tests": "error: --generate-unit-tests: it would copy what",
}
"""What these say where there is no conda, or where they are refused."""
ASKS = [
    "-nq",
    "--dryrun --config project=status",
    "-n --jobname status.{{jobid}}.sh",
    "discover --report {elsewhere}/report.html --report-after-run",
]


@pytest.fixture(scope="module")
def lab(first_run: tuple[Lab, Run], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A finished lab with a failure to be tried again, and sessions' notes that are out of date."""
    lab = first_run[0].copy(tmp_path_factory.mktemp("looking") / "lab")
    record = lab.results / "records" / lab.units()[0] / "qc.json"
    record.write_text(record.read_text().replace('"state": "done"', '"state": "failed"'))
    with lab.open():
        yield lab


def state(lab: Lab) -> dict[str, tuple[int, int, bytes]]:
    """All files but Snakemake's own, with their times."""
    return {
        path.relative_to(lab.work).as_posix(): (
            path.stat().st_mtime_ns,
            path.stat().st_mode,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in sorted(lab.work.rglob("*"))
        if path.relative_to(lab.work).parts[0] != ".snakemake"
    }


def call(lab: Lab, words: str, elsewhere: Path) -> tuple[Run, list[str]]:
    """An invocation, and what it asked the archive for."""
    assert lab.server
    before = len(lab.server.requests())
    run = lab.snakemake(*shlex.split(words.format(elsewhere=elsewhere)))
    return run, lab.server.requests()[before:]


@pytest.mark.parametrize("words", LOOKS)
def test_what_only_looks_asks_no_archive_and_changes_no_file(
    lab: Lab, words: str, tmp_path: Path
) -> None:
    before = state(lab)
    run, asked = call(lab, words, tmp_path)
    assert run.status == 0 or (words in LACKING and LACKING[words] in run.output), run.output
    assert (asked, state(lab)) == ([], before), run.output


def test_the_status_leaves_what_lies_in_the_quarantine(lab: Lab, tmp_path: Path) -> None:
    pulled = lab.work / "quarantine" / "study" / "sub-a_ses-1" / "pulled"
    pulled.mkdir(parents=True)
    run, asked = call(lab, "status", tmp_path)
    assert (run.status, asked) == (0, []), run.output
    assert pulled.is_dir()


@pytest.mark.parametrize("words", ASKS)
def test_what_plans_jobs_asks_the_archive(lab: Lab, words: str, tmp_path: Path) -> None:
    run, asked = call(lab, words, tmp_path)
    assert any("/experiments" in line for line in asked), run.output
