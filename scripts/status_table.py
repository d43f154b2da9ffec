"""Write the status table of a project.

in:     the records of all sessions
out:    table, as TSV
params: analyses, the names of the project's
"""

from pathlib import Path
from typing import TYPE_CHECKING

from coil import jobs
from coil.run import status

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

if "snakemake" in globals():
    table, analyses = Path(snakemake.output.table), snakemake.params["analyses"]
    jobs.must(snakemake.log[0], lambda: status.write_table(table, analyses))
