"""Push what is the project's to the archive's project: its report, and what was analysed of it.

in:     page, verdict (the validator's) and those on the analyses' datasets, archive
out:    receipt: what was pushed, with the digests that the archive reports, or why nothing was
params: push, the project's settings; dry, to only say what would be pushed
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from coil import files, jobs
from coil.archive.client import Address, connect, part
from coil.archive.push.plan import Upload
from coil.archive.push.push import dry_run, push, withheld
from coil.archive.push.upload import derivative_files
from coil.archive.resources import Resource, ResourceFile
from coil.records.archive import ArchiveRecord

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(
    page: Path,
    verdict: Path,
    derivatives: list[Path],
    archive: Path,
    settings: dict[str, Any],
    dry: bool,
) -> dict[str, Any]:
    if reason := withheld({"state": "done"}, files.read_json(verdict)):
        return {"state": "skipped", "reason": reason, "retry": True}
    home = settings["resource"]
    sources = {ResourceFile(Resource(home), "report.html"): page} if settings["reports"] else {}
    invalid = [path.stem for path in derivatives if files.read_json(path)["errors"]]
    for path in derivatives:
        if path.stem not in invalid:
            sources |= derivative_files(path.with_suffix(""), f"{home}_{path.stem}")
    wanted = Upload(home, sources)
    place = ArchiveRecord.read(archive)
    with connect(Address.of_record(place)) as connection:
        base = f"/data/projects/{part(place.project)}"
        if dry:
            return {"state": "rehearsed", **dry_run(connection, base, wanted)}
        done = push(connection, base, wanted)
    done["left"] += [f"{name}: no valid BIDS, see the project's page" for name in invalid]
    return {"state": "done", **done}


if "snakemake" in globals():
    given = snakemake.input
    receipt = jobs.attempt_record(
        "push",
        snakemake.log[0],
        lambda: main(
            Path(given.page),
            Path(given.verdict),
            [Path(path) for path in given.derivatives],
            Path(given.archive),
            snakemake.params["push"],
            snakemake.params["dry"],
        ),
    )
    files.write_json(Path(snakemake.output.receipt), receipt)
