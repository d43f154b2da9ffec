"""Show the status table of each project on the terminal.

params: projects, their names
"""

from pathlib import Path
from typing import TYPE_CHECKING

from coil import status

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(projects: list[str], results: Path) -> None:
    for name in projects:
        print(f"\n{status.summary(name, results / name)}\n")
        print(status.as_text(status.project_rows(results / name)))


if "snakemake" in globals():
    main(snakemake.params["projects"], Path("results"))
