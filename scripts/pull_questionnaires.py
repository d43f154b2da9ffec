"""Fetch the project's questionnaires and their dictionaries.

in:  listing (which files, with digests), archive (the server)
out: folder with <resource>/<file>, without those that the archive did not give; record, which
     says whether it gave all of them
"""

from pathlib import Path
from typing import TYPE_CHECKING

from coil.archive.pull.questionnaires import pull_questionnaires

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

if "snakemake" in globals():
    pull_questionnaires(
        Path(snakemake.input.listing),
        Path(snakemake.input.archive),
        Path(snakemake.output.folder),
        Path(snakemake.output.record),
        snakemake.log[0],
    )
