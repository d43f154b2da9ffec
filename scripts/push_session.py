"""Push what the config asks for of a session to the archive.

in:     admit (the session's record) and those of its analyses, page, verdict (the validator's),
        link, archive
out:    receipt: what was pushed, with the digests that the archive reports, or why nothing was
params: push, the project's settings; dry, to only say what would be pushed
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from coil import files, jobs
from coil.archive.client import Address, connect, part
from coil.archive.push.assessor import Assessor, statistics
from coil.archive.push.plan import Upload
from coil.archive.push.push import dry_run, push, withheld
from coil.archive.push.upload import derivative_files, nameless, scan_files
from coil.archive.resources import Resource, ResourceFile
from coil.deid.identity.identities import Link, LinkTable
from coil.records.analysis import AnalysisRecord
from coil.records.archive import ArchiveRecord
from coil.records.session import SessionRecord
from coil.workspace import Results

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(
    admit: Path,
    analyses: list[Path],
    page: Path,
    verdict: Path,
    link: Path,
    archive: Path,
    settings: dict[str, Any],
    dry: bool,
) -> dict[str, Any]:
    session = SessionRecord.read(admit).fields()
    if reason := withheld(session, files.read_json(verdict)):
        return {"state": "skipped", "reason": reason, "retry": session["state"] == "done"}
    row = LinkTable.read(link).find(session["subject"], session["session"])
    place = ArchiveRecord.read(archive)
    wanted = pack(settings, session, analyses, page, row, place.project)
    with connect(Address.of_record(place)) as connection:
        base = f"/data/experiments/{part(row.session_id)}"
        if dry:
            return {"state": "rehearsed", **dry_run(connection, base, wanted)}
        done = push(connection, base, wanted)
    if settings["bids_resources"] or settings["assessor"]:
        done["left"] += nameless(session)
    return {"state": "done", **done}


def pack(
    settings: dict[str, Any],
    session: dict[str, Any],
    analyses: list[Path],
    page: Path,
    row: Link,
    project: str,
) -> Upload:
    """What the settings ask for of a session; `analyses` and `page` say where the results are."""
    home, results = settings["resource"], Results.of_page(page)
    sources: dict[ResourceFile, Path] = {}
    if settings["reports"]:
        sources |= {ResourceFile(Resource(home), path.name): path for path in analyses}
        sources[ResourceFile(Resource(home), "report.html")] = page
    if settings["bids_resources"]:
        sources |= scan_files(session, results.bids)
    unit = Path(f"sub-{session['subject']}", f"ses-{session['session']}")
    for name in (path.stem for path in analyses if path.stem in settings["derivatives"]):
        sources |= derivative_files(results.derivatives / name / unit, f"{home}_{name}")
    assessor = None
    # XNAT takes no assessor of this type without a scan.
    images = [
        i
        for path in analyses
        for i in AnalysisRecord.read(path).fields()["summary"].get("images", [])
    ]
    if settings["assessor"] and (numbers := statistics(session, images)):
        assessor = Assessor(project, row.session_id, row.session_label, home, numbers)
    return Upload(home, sources, assessor)


if "snakemake" in globals():
    given = snakemake.input
    receipt = jobs.attempt_record(
        "push",
        snakemake.log[0],
        lambda: main(
            Path(given.admit),
            [Path(path) for path in given.analyses],
            Path(given.page),
            Path(given.verdict),
            Path(given.link),
            Path(given.archive),
            snakemake.params["push"],
            snakemake.params["dry"],
        ),
    )
    files.write_json(Path(snakemake.output.receipt), receipt)
