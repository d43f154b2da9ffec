"""Push what the config asks for of a session to the archive.

in:     admit (the session's record) and those of its analyses, page, verdict (the validator's),
        link, archive
out:    receipt: what was pushed, with the digests that the archive reports, or why nothing was
params: push, the project's settings; dry, to only say what would be pushed
"""

from pathlib import Path
from typing import TYPE_CHECKING

from coil import jobs
from coil.archive.push.job import Job
from coil.archive.push.session import SessionResults, push_session
from coil.config.model.push import Push

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

if "snakemake" in globals():
    there, params = snakemake.input, snakemake.params
    receipt, analyses = Path(snakemake.output.receipt), jobs.paths(there.analyses)
    job = Job("push", Path(there.archive), receipt, snakemake.log[0], params["dry"])
    files = SessionResults(Path(there.admit), analyses, Path(there.page), Path(there.verdict))
    push_session(job, files, Push(**params["push"]))
