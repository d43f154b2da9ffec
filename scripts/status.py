"""Show the status table of each project on the terminal.

params: projects, by name the names of their analyses
"""

from pathlib import Path
from typing import TYPE_CHECKING

from coil.run import status

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(projects: dict[str, list[str]], results: Path) -> None:
    for name, analyses in projects.items():
        print(f"\n{status.summary(name, results / name, analyses)}\n")
        print(status.as_text(status.project_rows(results / name, analyses)))


if "snakemake" in globals():
    main(snakemake.params["projects"], Path("results"))
