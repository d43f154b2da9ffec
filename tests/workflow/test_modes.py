"""Snakemake's own ways to look at a workflow, and to begin again, work on a finished lab."""

import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from coil.deid.identity.identities import LinkTable
from coil.files import read_json
from tests.workflow.lab import Lab, Run

pytestmark = pytest.mark.workflow


@pytest.fixture(scope="module")
def lab(first_run: tuple[Lab, Run], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A finished lab, its archive open; these tests leave it finished."""
    lab = first_run[0].copy(tmp_path_factory.mktemp("modes") / "lab")
    with lab.open():
        yield lab


def output_alone(lab: Lab, *arguments: str) -> str:
    """What an invocation writes to its standard output."""
    process = lab.start(*arguments, stderr=subprocess.DEVNULL)
    text = process.communicate()[0]
    assert process.returncode == 0
    return text


@pytest.fixture(scope="module")
def identifiers(lab: Lab, study: Path) -> set[str]:
    """All that was planted in the study, and the archive's own labels."""
    table = LinkTable.read(lab.work / "private" / "study" / "link.tsv")
    labels = {label for row in table.rows for label in (row.subject_label, row.session_label)}
    planted = {str(entry["value"]) for entry in read_json(study / "truth.json")["identifiers"]}
    assert len(planted) > 20
    return {text.lower() for text in labels | planted}


def named(text: str, identifiers: set[str]) -> list[str]:
    """The identifiers that a text has, in whatever case."""
    return sorted(one for one in identifiers if one in text.lower())


def test_the_search_for_identifiers_can_see(identifiers: set[str]) -> None:
    for one in identifiers:
        assert one in named(f"rule {one.upper()}:", identifiers)


@pytest.mark.parametrize("option", ["--dag", "--rulegraph", "--filegraph"])
def test_a_graph_is_all_that_is_printed(lab: Lab, option: str, identifiers: set[str]) -> None:
    text = output_alone(lab, option)
    assert text.startswith("digraph")
    assert text.rstrip().endswith("}")
    assert named(text, identifiers) == []


def test_the_report_is_made_and_names_nobody(
    lab: Lab, tmp_path: Path, identifiers: set[str]
) -> None:
    run = lab.snakemake("--report", str(tmp_path / "report.html"))
    assert run.status == 0, run.output
    page = (tmp_path / "report.html").read_text()
    assert "anonymize" in page
    assert named(page + run.output, identifiers) == []


def test_no_archive_is_made_of_what_is_private(lab: Lab, tmp_path: Path) -> None:
    run = lab.snakemake("--archive", str(tmp_path / "study.tar.gz"))
    assert run.status != 0
    assert "error: --archive: it would pack what lies in private/" in run.output
    assert "Traceback" not in run.output
    assert not (tmp_path / "study.tar.gz").exists()


def test_a_summary_has_every_session_and_names_nobody(lab: Lab, identifiers: set[str]) -> None:
    text = output_alone(lab, "--summary")
    assert all(f"results/study/records/{unit}/admit.json" in text for unit in lab.units())
    assert named(text, identifiers) == []


def test_a_rule_that_is_forced_is_run_with_what_follows(lab: Lab, identifiers: set[str]) -> None:
    run = lab.snakemake("--forcerun", "status_table")
    assert run.status == 0, run.output
    assert run.jobs == Counter({"status_table": 1, "all": 1})
    assert named(run.output, identifiers) == []


def test_until_a_rule_no_other_is_run(lab: Lab) -> None:
    run = lab.snakemake("--forcerun", "validate", "--until", "validate")
    assert run.status == 0, run.output
    assert set(run.jobs) <= {"validate", "report_project", "all"}
    assert lab.snakemake().status == 0


def test_touched_files_are_up_to_date(lab: Lab) -> None:
    assert lab.snakemake("--touch").status == 0
    run = lab.snakemake()
    assert run.status == 0, run.output
    assert not run.jobs
    assert "Nothing to be done" in run.output
