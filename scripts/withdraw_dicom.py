"""Take back from the other project the sessions that the archive, or the selection, lost.

in:     sessions, the project's table; link, archive
out:    receipt: the copies that were removed, and those that others had added to
params: to, the other project and its server; identity; dry, to only say what would be removed
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from coil import files, jobs
from coil.archive.client import Address, connect
from coil.archive.push import mirror
from coil.archive.push.exports import address, copy_of, explained
from coil.deid.identity.identities import LinkTable, project_secret
from coil.errors import DataError
from coil.records.archive import ArchiveRecord
from coil.units import Unit, read_units

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(
    sessions: Path, link: Path, to: dict[str, str], identity: dict[str, Any], dry: bool
) -> dict[str, Any]:
    """The receipt; the archive is asked only if a session is gone."""
    private = link.parent
    known = {Unit(row.subject, row.session) for row in LinkTable.read(link).rows}
    gone = sorted(known - {*read_units(sessions)})
    done: dict[str, Any] = {"state": "rehearsed" if dry else "done", "removed": [], "left": []}
    if not gone:
        return done
    place, secret = ArchiveRecord.read(private / "archive.json"), project_secret(identity, private)
    with explained(), connect(address(to, Address.of_record(place))) as connection:
        there = mirror.list_labels(connection, to["project"])
        for unit in gone:
            copy = copy_of(unit, to, place, secret)
            if copy.label not in there:
                continue
            try:
                if dry:
                    told = mirror.dry_run(connection, copy, [])
                    done.setdefault("would", {}).update(told["would"])
                    continue
                told = mirror.withdraw(connection, copy)
            except DataError:
                continue  # somebody else's session of the same label
            done["removed"] += [copy.label] if told["removed"] else []
            done["left"] += [f"{copy.label}: {what}" for what in told["left"]]
    return done


if "snakemake" in globals():
    given = snakemake.input
    receipt = jobs.attempt_record(
        "withdraw_dicom",
        snakemake.log[0],
        lambda: main(
            Path(given.sessions),
            Path(given.link),
            snakemake.params["to"],
            snakemake.params["identity"],
            snakemake.params["dry"],
        ),
    )
    files.write_json(Path(snakemake.output.receipt), receipt)
