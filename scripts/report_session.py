"""Write the page of one session.

in:  admit, the session's record, and those of its analyses
out: page, a self-contained HTML file
"""

from pathlib import Path
from typing import TYPE_CHECKING

from coil import jobs
from coil.report import session

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

if "snakemake" in globals():
    page, admit = Path(snakemake.output.page), Path(snakemake.input.admit)
    analyses = jobs.paths(snakemake.input.analyses)
    jobs.must(snakemake.log[0], lambda: session.write(page, admit, analyses))
