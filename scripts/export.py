"""Export a session's series as de-identified DICOM, or record why there are none.

in:     pulled and converted (or the reason why there is nothing), link, archive
out:    record; beside it the session's folder in the project's dicom/
params: rules, what the config lets leave: which series, and whether faces stay
"""

from pathlib import Path
from typing import TYPE_CHECKING

from coil.deid.dicom import job
from coil.units import Unit

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

if "snakemake" in globals():
    named = {**dict(snakemake.input.items()), **dict(snakemake.output.items())}
    files = {name: Path(path) for name, path in named.items()}
    job.run(
        job.Paths(**files, log=Path(snakemake.log[0])),
        Unit(snakemake.wildcards["subject"], snakemake.wildcards["session"]),
        snakemake.params["rules"],
    )
