"""Pull one session into the quarantine, verified against the archive's digests.

in:     session (what discovery noted of it), link (the link table), archive (the server)
out:    pulled, or the reason why nothing could be pulled
params: resources that hold files beside the images: LABEL of the session, scans/LABEL of scans
"""

from pathlib import Path
from typing import TYPE_CHECKING

from coil import files, jobs
from coil.archive.client import Address, connect
from coil.archive.listing import Scan
from coil.archive.pull import mounted
from coil.archive.pull.session import Request, pull_session
from coil.deid.identity.identities import LinkTable
from coil.units import unit_name

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(
    session: Path, link: Path, archive: Path, unit: tuple[str, str], resources: list[str], out: Path
) -> None:
    row = LinkTable.read(link).find(*unit)
    noted, place = files.read_json(session), files.read_json(archive)
    request = Request(
        session_id=row.session_id,
        scans=[Scan(**scan) for scan in noted["scans"]],
        resources=resources,
        identifiers={
            "subject_id": row.subject_id,
            "subject_label": row.subject_label,
            "session_id": row.session_id,
            "session_label": row.session_label,
            "home_labels": noted.get("home_labels", []),
        },
        folder=mounted.find_session(place["mount"], place["project"], row.session_label),
        title=unit_name(*unit),
    )
    with connect(Address.noted(place)) as connection:
        held = pull_session(connection, request, out)
    # Discovery compares with this when the archive says that the session was touched.
    files.write_json(archive.parent / "pulled" / session.name, {"held": held}, 0o600)


if "snakemake" in globals():
    target = Path(snakemake.output.pulled)
    jobs.attempt_folder(
        "pull",
        snakemake.log[0],
        target,
        lambda: main(
            Path(snakemake.input.session),
            Path(snakemake.input.link),
            Path(snakemake.input.archive),
            (snakemake.wildcards["subject"], snakemake.wildcards["session"]),
            snakemake.params["resources"],
            target,
        ),
    )
