"""Write the data protection summary of one project, as a page and as JSON.

in:     admits, the sessions' records; sent, the records of exports and pushes
out:    page, a self-contained HTML file; values, what it says
params: settings, the project's; keep_quarantine
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from coil import files, jobs
from coil.records.session import SessionRecord
from coil.report import data_protection, page
from coil.workspace import Results

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(
    settings: dict[str, Any], keep_quarantine: bool, admits: list[Path], sent: list[Path], out: Path
) -> None:
    records = [SessionRecord.read(path).fields() for path in admits]
    named: dict[str, dict[str, Any]] = {}
    for path in sent:
        named.setdefault(path.stem, {})[path.parent.name] = files.read_json(path)
    summary = data_protection.summarize(
        Results.of_page(out).project,
        settings,
        records,
        named,
        page.versions(records),
        keep_quarantine,
    )
    files.write_json(out.with_suffix(".json"), summary)
    files.write_text(out, data_protection.render(summary))


if "snakemake" in globals():
    given = snakemake.params
    jobs.must(
        snakemake.log[0],
        lambda: main(
            given["settings"],
            given["keep_quarantine"],
            [Path(path) for path in snakemake.input.admits],
            [Path(path) for path in snakemake.input.sent],
            Path(snakemake.output.page),
        ),
    )
