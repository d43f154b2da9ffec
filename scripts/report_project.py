"""Write the page of one project.

in:     admits (the sessions' records), analyses (theirs), summary (the dataset's), verdict on it,
        and those on its derivatives
out:    page, a self-contained HTML file
params: name, the dataset's
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from coil import files, jobs
from coil.records.analysis import AnalysisRecord
from coil.records.session import SessionRecord
from coil.report import page as shared
from coil.report import project
from coil.workspace import Results

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(
    name: str,
    admits: list[Path],
    analyses: list[Path],
    summary: Path,
    verdict: Path,
    derivatives: list[Path],
    page: Path,
) -> None:
    dataset = files.read_json(summary)
    results = Results.of_page(page)
    records = [
        (path.stem, path.parent.name, AnalysisRecord.read(path).fields()) for path in analyses
    ]
    sessions = [session_of(admit, records) for admit in admits]
    described = {
        "name": name,
        "project": results.project,
        "sessions": sessions,
        "analyses": records,
        "results": results,
        "validator": files.read_json(verdict),
        "derivatives": {path.stem: files.read_json(path) for path in derivatives},
        "dataset": "../bids",
        "versions": shared.versions(session["record"] for session in sessions),
        "participants": dataset["subjects"],
        "problems": dataset["problems"],
    }
    files.write_text(page, project.render(described))


def session_of(admit: Path, analyses: list[tuple[str, str, dict[str, Any]]]) -> dict[str, Any]:
    """A session's records and its page, as the project's page takes them."""
    return {
        "record": SessionRecord.read(admit).fields(),
        "analyses": {name: found for name, place, found in analyses if place == admit.parent.name},
        "report": f"{admit.parent.name}.html",
        "push": None,
    }


if "snakemake" in globals():
    given = snakemake.input
    jobs.must(
        snakemake.log[0],
        lambda: main(
            snakemake.params["name"],
            [Path(path) for path in given.admits],
            [Path(path) for path in given.analyses],
            Path(given.summary),
            Path(given.verdict),
            [Path(path) for path in given.derivatives],
            Path(snakemake.output.page),
        ),
    )
