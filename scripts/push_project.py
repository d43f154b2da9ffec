"""Push the project's report to a resource of the archive's project.

in:     page, verdict (the validator's), archive
out:    receipt, with the digests that the archive reports, or the reason why nothing was pushed
params: resource, the label of the archive's resource
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from coil import files, jobs
from coil.archive.client import Address, connect, part
from coil.archive.push import push_files, withheld

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(page: Path, verdict: Path, archive: Path, resource: str) -> dict[str, Any]:
    if reason := withheld({"state": "done"}, files.read_json(verdict)):
        return {"state": "skipped", "reason": reason, "retry": True}
    place = files.read_json(archive)
    with connect(Address.noted(place)) as connection:
        base = f"/data/projects/{part(place['project'])}"
        return {"state": "done", **push_files(connection, base, resource, {"report.html": page})}


if "snakemake" in globals():
    given = snakemake.input
    receipt = jobs.attempt_record(
        "push",
        snakemake.log[0],
        lambda: main(
            Path(given.page), Path(given.verdict), Path(given.archive), snakemake.params["resource"]
        ),
    )
    files.write_json(Path(snakemake.output.receipt), receipt)
