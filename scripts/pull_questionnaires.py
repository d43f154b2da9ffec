"""Fetch the project's questionnaires and their dictionaries.

in:  listing (which files, with digests), archive (the server)
out: folder with <resource>/<file>, without those that the archive did not give; record, which
     says whether it gave all of them
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from coil import files, jobs
from coil.archive.client import Address, connect
from coil.archive.discover.questionnaires import fetch

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

STAGE = "pull_questionnaires"


def main(listing: Path, archive: Path, out: Path, log: str) -> dict[str, Any]:
    """The record; what could not be fetched is a failure and holds up nothing else."""
    wanted, place = files.read_json(listing)["files"], files.read_json(archive)
    out.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not wanted:
        return {"state": "done"}
    with connect(Address.noted(place)) as connection:
        errors = fetch(connection, place["project"], wanted, out)
    if not errors:
        return {"state": "done"}
    more = f" (and {len(errors) - 1} more, in the log)" if len(errors) > 1 else ""
    retry = any(error.retry for error in errors)
    return jobs.Failure(STAGE, f"{errors[0]}{more}", log, retry).record()


if "snakemake" in globals():
    given, target = snakemake.input, Path(snakemake.output.folder)
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    record = jobs.attempt_record(
        STAGE,
        snakemake.log[0],
        lambda: main(Path(given.listing), Path(given.archive), target, snakemake.log[0]),
    )
    files.write_json(Path(snakemake.output.record), record)
