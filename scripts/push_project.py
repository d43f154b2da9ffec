"""Push the project's report to a resource of the archive's project.

in:     page, verdict (the validator's), archive
out:    receipt: what was pushed, with the digests that the archive reports, or why nothing was
params: resource, the label of the archive's resource; dry, to only say what would be pushed
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from coil import files, jobs
from coil.archive.client import Address, connect, part
from coil.archive.places import Place, Spot
from coil.archive.plan import Parcel
from coil.archive.push import push, rehearse, withheld

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(page: Path, verdict: Path, archive: Path, resource: str, dry: bool) -> dict[str, Any]:
    if reason := withheld({"state": "done"}, files.read_json(verdict)):
        return {"state": "skipped", "reason": reason, "retry": True}
    wanted = Parcel(resource, {Spot(Place(resource), "report.html"): page})
    place = files.read_json(archive)
    with connect(Address.noted(place)) as connection:
        base = f"/data/projects/{part(place['project'])}"
        if dry:
            return {"state": "rehearsed", **rehearse(connection, base, wanted)}
        return {"state": "done", **push(connection, base, wanted)}


if "snakemake" in globals():
    given = snakemake.input
    receipt = jobs.attempt_record(
        "push",
        snakemake.log[0],
        lambda: main(
            Path(given.page),
            Path(given.verdict),
            Path(given.archive),
            snakemake.params["resource"],
            snakemake.params["dry"],
        ),
    )
    files.write_json(Path(snakemake.output.receipt), receipt)
