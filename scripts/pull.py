"""Pull one session into the quarantine, verified against the archive's digests.

in:     session (what discovery noted of it), link (the link table), archive (the server)
out:    pulled, or the reason why nothing could be pulled
params: resources that hold files beside the images: LABEL of the session, scans/LABEL of scans
"""

from pathlib import Path
from typing import TYPE_CHECKING

from coil.archive.pull.unit import pull_unit
from coil.units import Unit
from coil.workspace import Private

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

if "snakemake" in globals():
    pull_unit(
        Unit(snakemake.wildcards["subject"], snakemake.wildcards["session"]),
        Private.of_archive(Path(snakemake.input.archive)),
        snakemake.params["resources"],
        Path(snakemake.output.pulled),
        snakemake.log[0],
    )
