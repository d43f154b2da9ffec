"""Describe the derivative dataset of an analysis, and let the validator judge it.

in:     records, those of the analysis
out:    verdict, as JSON with the number of errors and warnings and each issue
params: description, what the dataset says of itself
"""

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from coil import jobs
from coil.analyses.dataset import judge
from coil.analyses.description import Description

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

if "snakemake" in globals():
    records = [Path(path) for path in snakemake.input.records]
    description = msgspec.convert(snakemake.params["description"], Description)
    verdict = Path(snakemake.output.verdict)
    jobs.must(snakemake.log[0], lambda: judge(records, description, verdict))
