"""Let the BIDS validator judge a project's dataset.

in:  the dataset's summary
out: verdict, as JSON with the number of errors and warnings and each issue
"""

from pathlib import Path
from typing import TYPE_CHECKING

from coil import jobs
from coil.bids.validate import validate
from coil.workspace import Results

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

if "snakemake" in globals():
    target = Path(snakemake.output.verdict)
    verdict = jobs.must(snakemake.log[0], lambda: validate(Results(target.parent).bids))
    verdict.write(target)
