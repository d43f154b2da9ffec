"""Write the data protection summary of one project.

in:     admits, the sessions' records
out:    page, a self-contained HTML file
params: settings, the project's; keep_quarantine
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from coil import files, jobs
from coil.report import data_protection, page

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(settings: dict[str, Any], keep_quarantine: bool, admits: list[Path], out: Path) -> None:
    records = [files.read_json(path) for path in admits]
    html = data_protection.render(
        out.parents[1].name, settings, records, page.versions(records), keep_quarantine
    )
    files.write_text(out, html)


if "snakemake" in globals():
    given = snakemake.params
    jobs.must(
        snakemake.log[0],
        lambda: main(
            given["settings"],
            given["keep_quarantine"],
            [Path(path) for path in snakemake.input.admits],
            Path(snakemake.output.page),
        ),
    )
