"""Take out of a project's DICOM the sessions that are gone, or all if no export is wanted.

in:     sessions, the project's table
out:    record, with the sessions that were taken out
params: export, what the config wants exported, or None
"""

from pathlib import Path
from typing import TYPE_CHECKING

from coil import jobs
from coil.deid.dicom.prune import prune_unlisted

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

if "snakemake" in globals():
    target = Path(snakemake.output.record)
    sessions = Path(snakemake.input.sessions) if snakemake.params["export"] else None
    jobs.must(snakemake.log[0], lambda: prune_unlisted(target, sessions)).write(target)
