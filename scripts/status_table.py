"""Write the status table of a project.

in:     the records of all sessions
out:    table, as TSV
params: analyses, the names of the project's
"""

from pathlib import Path
from typing import TYPE_CHECKING

from coil import files, jobs
from coil.run import status
from coil.workspace import Results

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(table: Path, analyses: list[str]) -> None:
    """Write the table."""
    files.write_text(table, status.as_tsv(status.project_rows(Results(table.parent), analyses)))


if "snakemake" in globals():
    jobs.must(
        snakemake.log[0],
        lambda: main(Path(snakemake.output.table), snakemake.params["analyses"]),
    )
