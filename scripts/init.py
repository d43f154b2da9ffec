"""Propose the config of a project from the series that the archive holds.

out:    nothing that Snakemake knows of: config/projects/<name>.yaml, which must not be there
        yet, and config/config.yaml where there is none
params: server and project, the archive's; headers, whether one header a kind of series is
        looked at
"""

from pathlib import Path
from typing import TYPE_CHECKING

from coil import jobs
from coil.start.draft import propose

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

if "snakemake" in globals():
    named = snakemake.params
    jobs.must(
        snakemake.log[0],
        lambda: propose(Path(), named["server"], named["project"], named["headers"]),
    )
