"""Push a session's de-identified DICOM to another project, or take back what is there.

in:     admit and export (the session's records), archive
out:    receipt: what was pushed, with the digests that the archive reports, or why nothing was
params: to, the other project and its server; identity; dry, to only say what would be pushed
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from coil import files, jobs
from coil.archive.client import Address, connect
from coil.archive.push import mirror
from coil.archive.push.exports import address, copy_of, explained, read_scans
from coil.deid.identity.identities import project_secret
from coil.records.archive import ArchiveRecord
from coil.records.session import SessionRecord
from coil.units import Unit
from coil.workspace import Results, session_folder

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(
    records: tuple[Path, Path],
    private: Path,
    unit: Unit,
    to: dict[str, str],
    identity: dict[str, Any],
    dry: bool,
) -> dict[str, Any]:
    """The receipt; `records` are admit and export, `private` is the archive's folder."""
    admit, export = SessionRecord.read(records[0]).fields(), files.read_json(records[1])
    failed = next((one for one in (admit, export) if one["state"] != "done"), None)
    if failed and failed["retry"]:
        reason = "the session failed for a reason that may pass; what was pushed before stays"
        return {"state": "skipped", "reason": reason, "retry": True}
    tree = session_folder(Results.of_record(records[1]).dicom, unit.subject, unit.session)
    scans, about = ([], {}) if failed else read_scans(export, tree)
    place = ArchiveRecord.read(private / "archive.json")
    copy = copy_of(unit, to, place, project_secret(identity, private))
    with explained(), connect(address(to, Address.of_record(place))) as connection:
        if dry:
            return {"state": "rehearsed", **mirror.dry_run(connection, copy, scans)}
        if scans:
            return {"state": "done", **mirror.send(connection, copy, scans, about)}
        done = mirror.withdraw(connection, copy)
    reason = "nothing of the session is exported" if not failed else "the session is not exported"
    return {"state": "skipped", "reason": reason, "retry": False, **done}


if "snakemake" in globals():
    given = snakemake.input
    receipt = jobs.attempt_record(
        "push_dicom",
        snakemake.log[0],
        lambda: main(
            (Path(given.admit), Path(given.export)),
            Path(given.archive).parent,
            Unit(snakemake.wildcards["subject"], snakemake.wildcards["session"]),
            snakemake.params["to"],
            snakemake.params["identity"],
            snakemake.params["dry"],
        ),
    )
    files.write_json(Path(snakemake.output.receipt), receipt)
