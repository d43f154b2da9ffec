"""Push what is the project's to the archive's project: its report, and what was analysed of it.

in:     page, verdict (the validator's) and those on the analyses' datasets, archive
out:    receipt: what was pushed, with the digests that the archive reports, or why nothing was
params: resource, the label of the one to push to; reports, whether the page is pushed; dry, to
        only say what would be pushed
"""

from pathlib import Path
from typing import TYPE_CHECKING

from coil import jobs
from coil.archive.push.job import Job
from coil.archive.push.project import ProjectResults, push_project

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

if "snakemake" in globals():
    there, params = snakemake.input, snakemake.params
    receipt = Path(snakemake.output.receipt)
    job = Job("push", Path(there.archive), receipt, snakemake.log[0], params["dry"])
    results = ProjectResults(Path(there.page), Path(there.verdict), jobs.paths(there.derivatives))
    push_project(job, results, params["resource"], params["reports"])
