"""Write the data protection summary of one project, as a page and as JSON.

in:     admits, the sessions' records; sent, the records of exports and pushes
out:    page, a self-contained HTML file; values, what it says
params: settings, the project's; keep_quarantine
"""

from pathlib import Path
from typing import TYPE_CHECKING

from coil import jobs
from coil.report import data_protection

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

if "snakemake" in globals():
    params, page = snakemake.params, Path(snakemake.output.page)
    study = data_protection.Study(params["settings"], params["keep_quarantine"])
    admits, sent = jobs.paths(snakemake.input.admits), jobs.paths(snakemake.input.sent)
    jobs.must(snakemake.log[0], lambda: data_protection.write(page, study, admits, sent))
