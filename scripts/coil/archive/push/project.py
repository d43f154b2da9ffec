"""The push of what is the project's: its report, and what was analysed of it or its subjects."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from msgspec import structs

from coil.archive.client import part
from coil.archive.push.job import Job
from coil.archive.push.plan import Upload
from coil.archive.push.upload import derivative_files
from coil.archive.resources import Resource, ResourceFile
from coil.records.archive import ArchiveRecord
from coil.records.push import InvalidDataset, PushRecord
from coil.records.validation import Verdict


@dataclass(frozen=True)
class ProjectResults:
    """Where a project's results lie: its page, the validator's verdict on the dataset, and those
    on the derivative datasets that are pushed."""

    page: Path
    verdict: Path
    derivatives: Sequence[Path]


def push_project(job: Job, results: ProjectResults, home: str, reports: bool) -> None:
    """Push a project's results to resources that `home` names or begins; leave the receipt.

    `reports` says whether its page is among them.
    """
    job.end(lambda: _push(job, results, home, reports))


def _push(job: Job, results: ProjectResults, home: str, reports: bool) -> PushRecord:
    if errors := Verdict.read(results.verdict).errors:
        return PushRecord(state="skipped", cause="not valid", errors=errors, retry=True)
    page = {ResourceFile(Resource(home), "report.html"): results.page}
    sources: dict[ResourceFile, Path] = page if reports else {}
    invalid = [path.stem for path in results.derivatives if Verdict.read(path).errors]
    for path in results.derivatives:
        if path.stem not in invalid:
            sources |= derivative_files(path.with_suffix(""), f"{home}_{path.stem}")
    place = ArchiveRecord.read(job.archive)
    done = job.upload(place, f"/data/projects/{part(place.project)}", Upload(home, sources))
    if job.dry:
        return done
    left = (InvalidDataset(analysis=name) for name in invalid)
    return structs.replace(done, left=(*done.left, *left))
