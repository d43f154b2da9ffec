"""Show what the mapping would make of each series, before a single image is pulled.

in:     sessions (what discovery noted of each), places and links (the archive and the link
        table of each project), sources (the files of the mappings' sources)
out:    nothing that Snakemake knows of: a table on the terminal, and of each project
        private/<project>/preview.html, which holds the archive's own descriptions
params: bids, what the config says of each project's dataset; sources, their files by project
        and name; overrides; headers, whether one header a series is fetched
"""

from typing import TYPE_CHECKING

from coil import jobs
from coil.start.preview import preview

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

if "snakemake" in globals():
    jobs.must(snakemake.log[0], lambda: preview(snakemake.input.sessions, **dict(snakemake.params)))
