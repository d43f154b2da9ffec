"""The pull of one unit, from what discovery left of it to what the quarantine holds."""

from collections.abc import Sequence
from pathlib import Path

from coil import jobs
from coil.archive.client import Address, connect
from coil.archive.pull import mounted
from coil.archive.pull.session import Request, pull_session
from coil.deid.identity.identities import LinkTable
from coil.records.archive import ArchiveRecord
from coil.records.held import HeldFiles
from coil.records.listing import ListedSession
from coil.records.pulled import ArchiveNames
from coil.units import Unit
from coil.workspace import Private


def pull_unit(
    unit: Unit, private: Private, resources: Sequence[str], target: Path, log: str
) -> None:
    """Pull a session into the quarantine's folder `target`, or leave there why that failed.

    Parameters
    ----------
    unit
        The session by its neutral name; discovery listed it.
    private
        What discovery left of the project.
    resources
        The labels of those with files beside the images: LABEL of the session, scans/LABEL of
        its scans.
    target
        The folder, which is emptied.
    log
        The job's log.
    """
    jobs.attempt_folder("pull", log, target, lambda: pull(unit, private, resources, target))


def pull(unit: Unit, private: Private, resources: Sequence[str], target: Path) -> None:
    """Pull a session; raises what `pull_session` does."""
    row = LinkTable.read(private.link).find(*unit)
    listed = ListedSession.read(private.session(unit))
    archive = ArchiveRecord.read(private.archive)
    request = Request(
        session_id=row.session_id,
        scans=listed.scans,
        resources=resources,
        identifiers=ArchiveNames(
            subject_id=row.subject_id,
            subject_label=row.subject_label,
            session_id=row.session_id,
            session_label=row.session_label,
            home_labels=listed.home_labels,
        ),
        folder=mounted.find_session(archive.mount, archive.project, row.session_label),
        title=str(unit),
    )
    with connect(Address.of_record(archive)) as connection:
        held = pull_session(connection, request, target)
    HeldFiles(held=held).write(private.pulled(unit), 0o600)
