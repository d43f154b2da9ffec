"""Write the data protection summary of one project, as a page and as JSON.

in:     the records of all sessions, of exports and of pushes
out:    page, a self-contained HTML file; values, what it says
params: settings, the project's; keep_quarantine; sent, the levels and names of those records
"""

from pathlib import Path
from typing import TYPE_CHECKING

from coil import jobs
from coil.report import data_protection
from coil.run.whole import Whole

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

if "snakemake" in globals():
    params, page = snakemake.params, Path(snakemake.output.page)
    study = data_protection.Study(params["settings"], params["keep_quarantine"])
    whole = Whole(snakemake.wildcards["project"], snakemake.config["locked"])
    records = whole.admits(), whole.sent(params["sent"])
    jobs.must(snakemake.log[0], lambda: data_protection.write(page, study, *records))
