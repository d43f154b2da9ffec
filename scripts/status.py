"""Show the status table of each project on the terminal.

params: projects, by name the names of their analyses
"""

from typing import TYPE_CHECKING

from coil.run import status
from coil.workspace import Workspace

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(projects: dict[str, list[str]], workspace: Workspace) -> None:
    """Print the summary and the table of each project."""
    for name, analyses in projects.items():
        results = workspace.results(name)
        print(f"\n{status.summary(name, results, analyses)}\n")
        print(status.as_text(status.project_rows(results, analyses)))


if "snakemake" in globals():
    main(snakemake.params["projects"], Workspace())
