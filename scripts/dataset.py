"""Write what the sessions of a dataset share, and take out sessions that are gone.

in:     records and people (whom the headers name) of all sessions; subjects; link and archive
        (what must not be published); questionnaires, a folder
out:    description, beside the other files of the dataset's root; summary, its record
params: settings; made_by, a digest of what made the sessions; sources, those of the mapping's
"""

from pathlib import Path
from typing import TYPE_CHECKING

from coil import jobs
from coil.bids.dataset import project
from coil.workspace import Private

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

if "snakemake" in globals():
    asked, params, out = snakemake.input, snakemake.params, snakemake.output
    folders = Private(Path(asked.link).parent), Path(asked.questionnaires)
    sources = project.Sources(jobs.paths(asked.records), jobs.paths(asked.people), *folders)
    made = project.Made(params["settings"], params["sources"], params["made_by"])
    bids = Path(out.description).parent
    jobs.must(snakemake.log[0], lambda: project.write(bids, sources, made)).write(Path(out.summary))
