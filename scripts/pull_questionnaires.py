"""Fetch the project's questionnaires and their dictionaries.

in:  listing (which files, with digests), archive (the server)
out: folder with <resource>/<file>; empty where the config names no questionnaire
"""

from pathlib import Path
from typing import TYPE_CHECKING

from coil import files, jobs
from coil.archive.client import Address, connect
from coil.archive.questionnaires import fetch

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(listing: Path, archive: Path, out: Path) -> None:
    wanted, place = files.read_json(listing), files.read_json(archive)
    out.mkdir(mode=0o700, parents=True, exist_ok=True)
    if wanted:
        with connect(Address.noted(place)) as connection:
            fetch(connection, place["project"], wanted, out)


if "snakemake" in globals():
    jobs.must(
        snakemake.log[0],
        lambda: main(
            Path(snakemake.input.listing),
            Path(snakemake.input.archive),
            Path(snakemake.output.folder),
        ),
    )
