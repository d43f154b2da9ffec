"""One module says where everything lies, and the Snakefile says the same."""

import re
from pathlib import Path

import pytest

from coil.analyses.definitions import hidden_files
from coil.workspace import (
    CHECKOUT,
    SCRIPTS,
    ZONES,
    Results,
    Workspace,
    root_of_session,
    session_folder,
)
from tests.house import House

RULES = [CHECKOUT / "Snakefile", *sorted((CHECKOUT / "rules").glob("*.smk"))]
WORKSPACE = Workspace(Path("work"))
PRIVATE, RESULTS = WORKSPACE.private("study"), WORKSPACE.results("study")
# What the rules write, as this module has it.
FILES = {
    "<private>/{project}/link.tsv": PRIVATE.link,
    "<private>/{project}/archive.json": PRIVATE.archive,
    "<private>/{project}/sessions/<unit>.json": PRIVATE.session("sub-a_ses-1"),
    "<private>/{project}/people/<unit>.json": PRIVATE.people("sub-a_ses-1"),
    "<results>/{project}/sessions.tsv": RESULTS.sessions,
    "<results>/{project}/records/<unit>/admit.json": RESULTS.record("sub-a_ses-1", "admit"),
    "<results>/{project}/reports/index.html": RESULTS.index,
    "<results>/{project}/reports/<unit>.html": RESULTS.page("sub-a_ses-1"),
    "<results>/{project}/derivatives/scanner.json": RESULTS.scanner.with_suffix(".json"),
    "<results>/{project}/dataset.json": RESULTS.dataset,
    "<results>/{project}/validation.json": RESULTS.validation,
    "<results>/{project}/run.lock.yaml": RESULTS.lock,
}


def pathvars() -> dict[str, str]:
    """The Snakefile's pathvars; `results` is Snakemake's own."""
    block = CHECKOUT.joinpath("Snakefile").read_text().split("pathvars:\n")[1].split("\n\n")[0]
    return {"results": "results"} | dict(re.findall(r'(\w+)="([^"]+)"', block))


@pytest.mark.parametrize("pattern", FILES)
def test_a_rule_writes_a_file_where_the_workspace_has_it(pattern: str) -> None:
    assert any(f'"{pattern}"' in path.read_text() for path in RULES)
    text = pattern
    for name, value in pathvars().items():
        text = text.replace(f"<{name}>", value)
    labels = {"project": "study", "subject": "a", "session": "1"}
    assert Path("work", text.format(**labels)) == FILES[pattern]


def test_the_zones_are_the_snakefiles() -> None:
    assert [pathvars()[zone] for zone in ZONES] == list(ZONES)
    assert list(WORKSPACE.zones) == [Path("work") / zone for zone in ZONES]


def test_an_analysis_may_not_see_the_zones_that_hold_identified_data() -> None:
    assert {"private", "quarantine"} <= set(hidden_files([]))


def test_a_record_and_a_page_lead_back_to_the_projects_results() -> None:
    for unit in ("sub-a_ses-1", "project"):
        assert Results.of_record(RESULTS.record(unit, "push")) == RESULTS
    assert Results.of_page(RESULTS.page("sub-a_ses-1")) == RESULTS


def test_the_folder_of_a_session_leads_back_to_its_dataset() -> None:
    assert root_of_session(session_folder(RESULTS.bids, "a", "1")) == RESULTS.bids
    assert RESULTS.project == "study"


def test_the_scripts_lie_in_the_checkout() -> None:
    assert (CHECKOUT / "Snakefile").is_file()
    assert (SCRIPTS / "coil" / "workspace.py").is_file()


def test_no_other_module_writes_a_path_of_a_zone_out_or_climbs_one() -> None:
    assert House(CHECKOUT).path_literals() == []
