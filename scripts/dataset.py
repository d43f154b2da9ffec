"""Write what the sessions of a dataset share, and take out sessions that are gone.

in:     records and people of all sessions; subjects; link and archive; questionnaires, a folder
out:    description, beside the other files of the dataset's root; summary, its record
params: settings; made_by, a digest of what made the sessions; sources, those of the mapping's
"""

from pathlib import Path
from typing import TYPE_CHECKING

from coil import jobs
from coil.bids.dataset import project
from coil.run.whole import Whole

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

if "snakemake" in globals():
    params, out = snakemake.params, snakemake.output
    whole = Whole(snakemake.wildcards["project"], snakemake.config["locked"])
    folders = whole.private, Path(snakemake.input.questionnaires)
    sources = project.Sources(whole.admits(), whole.people(), *folders)
    made = project.Made(params["settings"], params["sources"], params["made_by"])
    bids = Path(out.description).parent
    jobs.must(snakemake.log[0], lambda: project.write(bids, sources, made)).write(Path(out.summary))
