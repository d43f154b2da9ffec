"""Note what made a project's datasets; refuse by name what differs from a lock.

in:     records of all sessions, the validator's verdicts, what discovery noted of the archive;
        locked, the lock that this run is to be like if it is given one, or an earlier run was
out:    lock, run.lock.yaml
params: parts, digests of the config, the code and the environments; identity, for the secret
"""

from pathlib import Path
from typing import TYPE_CHECKING

from coil import jobs
from coil.run.locking import Made, write_lock
from coil.run.whole import Whole

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

if "snakemake" in globals():
    path, params = Path(snakemake.output.lock), snakemake.params
    like = jobs.paths(snakemake.input.locked if snakemake.config["locked"] else [])
    whole = Whole(snakemake.wildcards["project"], snakemake.config["locked"])
    zones = whole.results, whole.private
    made = Made(*zones, whole.admits(), params["parts"], params["identity"])
    jobs.must(snakemake.log[0], lambda: write_lock(made, like, path))
