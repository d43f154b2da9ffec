"""The push of a session's results: the report, images, derivatives and numbers asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from msgspec import structs

from coil.archive.client import part
from coil.archive.push.assessor import Assessor, statistics
from coil.archive.push.job import Job
from coil.archive.push.plan import Upload
from coil.archive.push.upload import derivative_files, hidden_scans, scan_files
from coil.archive.resources import Resource, ResourceFile
from coil.config.model.push import Push
from coil.deid.identity.identities import Link, LinkTable
from coil.records.analysis import AnalysisRecord, MeasuredImage
from coil.records.archive import ArchiveRecord
from coil.records.push import PushRecord
from coil.records.session import SessionRecord
from coil.records.validation import Verdict
from coil.workspace import Private, Results


@dataclass(frozen=True)
class SessionResults:
    """Where the results of a session lie: its record, those of its analyses, its page; and the
    validator's verdict on the dataset."""

    admit: Path
    analyses: Sequence[Path]
    page: Path
    verdict: Path


def push_session(job: Job, results: SessionResults, settings: Push) -> None:
    """Push what the config's `push` asks for of a session, and leave the receipt."""
    job.end(lambda: _push(job, results, settings))


def _push(job: Job, results: SessionResults, settings: Push) -> PushRecord:
    session, verdict = SessionRecord.read(results.admit), Verdict.read(results.verdict)
    if session.state != "done":
        return PushRecord(state="skipped", cause="not admitted")
    if verdict.errors:
        return PushRecord(state="skipped", cause="not valid", errors=verdict.errors, retry=True)
    place = ArchiveRecord.read(job.archive)
    link = LinkTable.read(Private.of_archive(job.archive).link)
    row = link.find(session.subject, session.session)
    wanted = pack(settings, session, results, row, place.project)
    done = job.upload(place, f"/data/experiments/{part(row.session_id)}", wanted)
    if done.state == "done" and (settings.bids_resources or settings.assessor):
        return structs.replace(done, left=(*done.left, *hidden_scans(session)))
    return done


def pack(
    settings: Push, session: SessionRecord, results: SessionResults, row: Link, project: str
) -> Upload:
    """The files and numbers that the settings ask for of a session.

    Parameters
    ----------
    settings
        The config's `push`.
    session
        The session's record.
    results
        Where its results lie.
    row
        The archive's names of the session.
    project
        The archive's ID of the project.
    """
    home, there = settings.resource, Results.of_page(results.page)
    sources: dict[ResourceFile, Path] = {}
    if settings.reports:
        sources |= {ResourceFile(Resource(home), path.name): path for path in results.analyses}
        sources[ResourceFile(Resource(home), "report.html")] = results.page
    if settings.bids_resources:
        sources |= scan_files(session, there.bids)
    unit = Path(f"sub-{session.subject}", f"ses-{session.session}")
    for name in (path.stem for path in results.analyses if path.stem in settings.derivatives):
        sources |= derivative_files(there.derivatives / name / unit, f"{home}_{name}")
    # XNAT takes no assessor of this type without a scan.
    numbers = statistics(session, _images(results.analyses)) if settings.assessor else {}
    assessor = Assessor(project, row.session_id, row.session_label, home, numbers)
    return Upload(home, sources, assessor if numbers else None)


def _images(analyses: Sequence[Path]) -> list[MeasuredImage]:
    """The images that the analyses measured."""
    return [image for path in analyses for image in AnalysisRecord.read(path).summary.images]
