"""Push a session's de-identified DICOM to another project, or take back what is there.

in:     admit and export (the session's records), archive
out:    receipt: what was pushed, with the digests that the archive reports, or why nothing was
params: to, the other project and its server; secret_file, where the config says that the
        secret of the pseudonyms is; dry, to only say what would be pushed
"""

from pathlib import Path
from typing import TYPE_CHECKING

from coil.archive.push.copies import push_dicom
from coil.archive.push.job import Job
from coil.config.model.push import Target

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

if "snakemake" in globals():
    there, params = snakemake.input, snakemake.params
    receipt, log = Path(snakemake.output.receipt), snakemake.log[0]
    job = Job("push_dicom", Path(there.archive), receipt, log, params["dry"])
    records = Path(there.admit), Path(there.export)
    push_dicom(job, records, Target(**params["to"]), params["secret_file"])
