"""Merge the datasets of several projects into one.

in:     records of all sessions of the projects; datasets, the projects' records of them
out:    description, beside all else of the merged dataset; summary, its record
params: entry of the config's `merged`; made_by, a digest of what made the sessions
"""

from pathlib import Path
from typing import TYPE_CHECKING

from coil import jobs
from coil.bids.dataset.merge import merge_projects
from coil.run.whole import Whole

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

if "snakemake" in globals():
    bids, entry = Path(snakemake.output.description).parent, snakemake.params["entry"]
    datasets, code = jobs.paths(snakemake.input.datasets), snakemake.params["made_by"]
    parts = [Whole(name, snakemake.config["locked"]) for name in entry["projects"]]
    records = [record for part in parts for record in part.admits()]
    made = jobs.must(snakemake.log[0], lambda: merge_projects(bids, entry, datasets, records, code))
    made.write(Path(snakemake.output.summary))
