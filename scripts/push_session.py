"""Push a session's report and QC numbers to its resource in the archive.

in:     admit and qc (the session's records), page, verdict (the validator's), link, archive
out:    receipt, with the digests that the archive reports, or the reason why nothing was pushed
params: resource, the label of the archive's resource
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from coil import files, jobs
from coil.archive.client import Address, connect, part
from coil.archive.push import push_files, withheld
from coil.deid.identities import LinkTable

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(
    records: tuple[Path, Path], page: Path, verdict: Path, link: Path, archive: Path, resource: str
) -> dict[str, Any]:
    admit, qc = records
    session = files.read_json(admit)
    if reason := withheld(session, files.read_json(verdict)):
        return {"state": "skipped", "reason": reason, "retry": session["state"] == "done"}
    row = LinkTable.read(link).find(session["subject"], session["session"])
    place = files.read_json(archive)
    with connect(Address.noted(place)) as connection:
        base = f"/data/experiments/{part(row.session_id)}"
        pushed = push_files(connection, base, resource, {"report.html": page, "qc.json": qc})
    return {"state": "done", **pushed}


if "snakemake" in globals():
    given = snakemake.input
    receipt = jobs.attempt_record(
        "push",
        snakemake.log[0],
        lambda: main(
            (Path(given.admit), Path(given.qc)),
            Path(given.page),
            Path(given.verdict),
            Path(given.link),
            Path(given.archive),
            snakemake.params["resource"],
        ),
    )
    files.write_json(Path(snakemake.output.receipt), receipt)
