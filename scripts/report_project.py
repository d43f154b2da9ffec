"""Write the page of one project.

in:     admits and analyses (records); summary, of the dataset; verdicts on it and its derivatives
out:    page, a self-contained HTML file
params: name, the study's
"""

from pathlib import Path
from typing import TYPE_CHECKING

from coil import jobs
from coil.report import project

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

if "snakemake" in globals():
    page, asked = Path(snakemake.output.page), snakemake.input
    dataset, verdict = Path(asked.summary), Path(asked.verdict)
    of_sessions = jobs.paths(asked.admits), jobs.paths(asked.analyses)
    sources = project.Sources(*of_sessions, dataset, verdict, jobs.paths(asked.derivatives))
    jobs.must(snakemake.log[0], lambda: project.write(page, snakemake.params["name"], sources))
