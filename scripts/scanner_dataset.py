"""Describe the dataset of what the scanners computed, and let the validator judge it.

in:     the records of all sessions
out:    verdict, as JSON with the number of errors and warnings and each issue
params: authors
"""

from pathlib import Path
from typing import TYPE_CHECKING

from coil import jobs
from coil.bids.associated import scanner
from coil.run.whole import Whole

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

if "snakemake" in globals():
    whole = Whole(snakemake.wildcards["project"], snakemake.config["locked"])
    target, authors = Path(snakemake.output.verdict), snakemake.params["authors"]
    verdict = jobs.must(snakemake.log[0], lambda: scanner.judge(target, whole.admits(), authors))
    verdict.write(target)
