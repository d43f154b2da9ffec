"""Take back from the other project the sessions that the archive, or the selection, lost.

in:     sessions, the project's table; link, archive
out:    receipt: the copies that were removed, and those that others had added to
params: to, the other project and its server; secret_file, where the config says that the
        secret of the pseudonyms is; dry, to only say what would be removed
"""

from pathlib import Path
from typing import TYPE_CHECKING

from coil.archive.push.copies import withdraw_dicom
from coil.archive.push.job import Job
from coil.config.model.push import Target

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

if "snakemake" in globals():
    there, params = snakemake.input, snakemake.params
    receipt, log = Path(snakemake.output.receipt), snakemake.log[0]
    job = Job("withdraw_dicom", Path(there.archive), receipt, log, params["dry"])
    withdraw_dicom(job, Path(there.sessions), Target(**params["to"]), params["secret_file"])
