"""The copies of sessions in the other project that the config's `export.to` names."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from msgspec import structs

from coil.archive.client import Address, Archive, connect
from coil.archive.push import mirror
from coil.archive.push.exports import address, copy_of, explained, read_scans
from coil.archive.push.job import Job
from coil.archive.push.mirror import Copy
from coil.config.model.push import Target
from coil.deid.identity.identities import LinkTable, load_secret
from coil.errors import DataError
from coil.records.archive import ArchiveRecord
from coil.records.export import ExportRecord
from coil.records.push import Action, ForeignSession, Left, PushRecord
from coil.records.session import SessionRecord
from coil.units import Unit, read_units
from coil.workspace import Private, Results, session_folder


@dataclass(frozen=True)
class Copies:
    """Where copies go, and how they are marked.

    place    the project's own archive
    target   the config's `export.to`
    secret   that of the project's pseudonyms
    """

    place: ArchiveRecord
    target: Target
    secret: bytes

    @classmethod
    def of(cls, job: Job, target: Target, secret_file: str | None) -> "Copies":
        """The copies of a job's project; `secret_file` is where the config says, if it does."""
        private = Private.of_archive(job.archive)
        secret = load_secret(Path(secret_file or private.root / "secret"), create=False)
        return cls(ArchiveRecord.read(job.archive), target, secret)

    def of_unit(self, unit: Unit) -> Copy:
        """The copy of a session."""
        return copy_of(unit, self.target, self.place, self.secret)

    @contextmanager
    def connected(self) -> Iterator[Archive]:
        """A connection to where the copies are; errors say that they are of there."""
        with explained(), connect(address(self.target, Address.of_record(self.place))) as archive:
            yield archive


def push_dicom(
    job: Job,
    records: tuple[Path, Path],
    target: Target,
    secret_file: str | None,
) -> None:
    """Make a session's copy what its export is, or take it back where there is none.

    Parameters
    ----------
    job
        The job.
    records
        The session's record and that of its export.
    target
        The config's `export.to`.
    secret_file
        Where the config says that the secret of the pseudonyms is, if it does.
    """
    job.end(lambda: push_copy(job, *records, target, secret_file))


def withdraw_dicom(job: Job, sessions: Path, target: Target, secret_file: str | None) -> None:
    """Take back the copies of sessions that are not in the project's table `sessions` any more."""
    job.end(lambda: withdraw_copies(job, sessions, target, secret_file))


def push_copy(
    job: Job, admit: Path, export: Path, target: Target, secret_file: str | None
) -> PushRecord:
    """The record of `push_dicom`; raises where that fails."""
    session, exported = SessionRecord.read(admit), ExportRecord.read(export)
    failed = next((one for one in (session, exported) if one.state != "done"), None)
    if failed and failed.retry:  # what was pushed before stays
        return PushRecord(state="skipped", cause="may pass", retry=True)
    unit = Unit(session.subject, session.session)
    tree = session_folder(Results.of_record(export).dicom, *unit)
    scans, about = ([], {}) if failed else read_scans(exported, tree)
    copies = Copies.of(job, target, secret_file)
    copy = copies.of_unit(unit)
    with copies.connected() as archive:
        if job.dry:
            return mirror.dry_run(archive, copy, scans)
        if scans:
            return mirror.send(archive, copy, scans, about)
        done = mirror.withdraw(archive, copy)
    cause = "not exported" if failed else "nothing exported"
    return structs.replace(done, state="skipped", cause=cause)


def withdraw_copies(
    job: Job, sessions: Path, target: Target, secret_file: str | None
) -> PushRecord:
    """The record of `withdraw_dicom`; the archive is asked only if a session is gone."""
    known = LinkTable.read(Private.of_archive(job.archive).link).rows
    gone = sorted({Unit(row.subject, row.session) for row in known} - {*read_units(sessions)})
    done = PushRecord(state="rehearsed" if job.dry else "done")
    if not gone:
        return done
    copies = Copies.of(job, target, secret_file)
    with copies.connected() as archive:
        there = mirror.list_labels(archive, copies.target.project)
        for copy in filter(lambda copy: copy.label in there, map(copies.of_unit, gone)):
            try:
                done = _with(done, copy, _take_back(archive, copy, job.dry))
            except DataError:
                continue  # somebody else's session of the same label
    return done


def _take_back(archive: Archive, copy: Copy, dry: bool) -> PushRecord:
    return mirror.dry_run(archive, copy, []) if dry else mirror.withdraw(archive, copy)


def _with(done: PushRecord, copy: Copy, one: PushRecord) -> PushRecord:
    """The record of what was taken back, with one copy more."""
    removed = (copy.label,) if one.removed else ()
    left: tuple[Left, ...] = (ForeignSession(session=copy.label),) if one.left else ()
    would: dict[str, Action] = {**done.would, **one.would}
    return structs.replace(
        done, removed=(*done.removed, *removed), left=(*done.left, *left), would=would
    )
