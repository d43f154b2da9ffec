"""How every job of pushing ends: the push or its rehearsal, the receipt, the failure, the log."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from coil import jobs
from coil.archive.client import Address, connect
from coil.archive.push import push
from coil.archive.push.plan import Upload
from coil.records.archive import ArchiveRecord
from coil.records.push import PushRecord


@dataclass(frozen=True)
class Job:
    """The values that all these jobs need.

    stage     what failures are called after
    archive   the record of the project's archive
    receipt   where the record of the push goes
    log       the job's log
    dry       whether the archive is only read, to say what would be done
    """

    stage: str
    archive: Path
    receipt: Path
    log: str
    dry: bool

    def upload(self, place: ArchiveRecord, base: str, wanted: Upload) -> PushRecord:
        """Push to the session or the project at `base`, or say what that would do."""
        with connect(Address.of_record(place)) as archive:
            return (push.dry_run if self.dry else push.push)(archive, base, wanted)

    def end(self, work: Callable[[], PushRecord]) -> None:
        """Do the work, and leave its record, or that of its failure."""
        result = jobs.attempt(self.stage, self.log, work)
        if isinstance(result, jobs.Failure):
            result = PushRecord(**result.record())
        result.write(self.receipt)
