"""Write the page of one session.

in:  admit and qc, the session's records
out: page, a self-contained HTML file
"""

from pathlib import Path
from typing import TYPE_CHECKING

from coil import files, jobs
from coil.report import session

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(admit: Path, qc: Path, page: Path) -> None:
    figures = page.parents[1] / "derivatives" / "qc"
    files.write_text(page, session.render(files.read_json(admit), files.read_json(qc), figures))


if "snakemake" in globals():
    given = snakemake.input
    jobs.must(
        snakemake.log[0],
        lambda: main(Path(given.admit), Path(given.qc), Path(snakemake.output.page)),
    )
