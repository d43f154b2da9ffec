"""Write the page of one project.

in:     summary, of the dataset; verdicts on it and its derivatives; the records of all sessions
out:    page, a self-contained HTML file
params: name, the study's; analyses, their levels by name
"""

from pathlib import Path
from typing import TYPE_CHECKING

from coil import jobs
from coil.report import project
from coil.run.whole import Whole

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

if "snakemake" in globals():
    page, asked, params = Path(snakemake.output.page), snakemake.input, snakemake.params
    whole = Whole(snakemake.wildcards["project"], snakemake.config["locked"])
    of_sessions = whole.admits(), whole.analyses(params["analyses"])
    of_datasets = Path(asked.summary), Path(asked.verdict), jobs.paths(asked.derivatives)
    sources = project.Sources(*of_sessions, *of_datasets)
    jobs.must(snakemake.log[0], lambda: project.write(page, params["name"], sources))
