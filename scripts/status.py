"""Show the status table of each project on the terminal.

params: projects, by name the names of their analyses
"""

from typing import TYPE_CHECKING

from coil.run import status
from coil.workspace import Workspace

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

if "snakemake" in globals():
    status.show(snakemake.params["projects"], Workspace())
