"""Say what this XNAT, this login and this machine can do, before a night is lost.

out:    nothing that Snakemake knows of: a page on the terminal; private/doctor.html, which
        names the archive's labels; results/doctor.json, which only counts them
params: files, the projects' configs; server and project, the archive's, in place of these;
        write, whether a resource may be made in the archive and removed again; conda, whether
        the rules run in environments of their own
"""

from pathlib import Path
from typing import TYPE_CHECKING

from coil import jobs
from coil.start.doctor import look

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

if "snakemake" in globals():
    jobs.must(snakemake.log[0], lambda: look(Path(), **snakemake.params))
