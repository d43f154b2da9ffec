"""Convert every series of a session that the mapping takes, and account for the others.

in:     pulled, or the reason why there is nothing; sources, the files of the mapping's sources
out:    converted, or the reason why nothing could be converted
params: conversion, what of the config makes a session's files
"""

from pathlib import Path
from typing import TYPE_CHECKING

from coil.bids.convert import job
from coil.units import Unit

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

if "snakemake" in globals():
    job.run(
        Path(snakemake.input.pulled),
        snakemake.input.sources,
        Path(snakemake.output.converted),
        Unit(snakemake.wildcards["subject"], snakemake.wildcards["session"]),
        snakemake.params["conversion"],
        snakemake.log[0],
    )
