"""Describe the derivative dataset of an analysis, and let the validator judge it.

in:     the records of the analysis
out:    verdict, as JSON with the number of errors and warnings and each issue
params: description, what the dataset says of itself
"""

from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import convert

from coil import jobs
from coil.analyses.dataset import judge
from coil.analyses.description import Description
from coil.run.whole import Whole

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

if "snakemake" in globals():
    description = convert(snakemake.params["description"], Description)
    whole = Whole(snakemake.wildcards["project"], snakemake.config["locked"])
    records = whole.analyses({description.name: description.level})
    verdict, log = Path(snakemake.output.verdict), snakemake.log[0]
    jobs.must(log, lambda: judge(records, description, verdict))
