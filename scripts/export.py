"""Export a session's series as de-identified DICOM, or record why there are none.

in:     pulled and converted (or the reason why there is nothing), link, archive
out:    record; beside it the session's folder in the project's dicom/
params: identity, deface, export (which series, and whether faces stay)
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coil import files, jobs
from coil.deid.dicom.export import Wanted, export_session
from coil.deid.dicom.profile import Profile
from coil.deid.identity.dates import shift_days
from coil.deid.identity.identities import LinkTable, project_secret
from coil.jobs import Failure
from coil.records.archive import ArchiveRecord
from coil.units import Unit
from coil.workspace import Results

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(
    quarantine: tuple[Path, Path],
    private: tuple[Path, Path],
    unit: Unit,
    terms: dict[str, Any],
    tree: Path,
    log: str,
) -> dict[str, Any]:
    """The session's record; `quarantine` is pulled and converted, `private` link and archive."""
    umask = os.umask(0o077)
    pulled, converted = quarantine
    target = tree / f"sub-{unit.subject}" / f"ses-{unit.session}"
    try:
        failure = Failure.read_in(converted)
        if failure is None:
            candidate = converted.parent / "dicom"
            result = jobs.attempt(
                "export",
                log,
                lambda: _export(
                    pulled, converted, candidate, _profile(*private, unit, terms), terms
                ),
            )
            if not isinstance(result, Failure):
                files.publish(candidate, target, tree, umask)
                return {**jobs.DONE, **result}
            failure = result
        files.remove_tree(target)
        return {**failure.record(), "series": [], "files": 0}
    finally:
        os.umask(umask)


def _export(
    pulled: Path, converted: Path, candidate: Path, profile: Profile, terms: dict[str, Any]
) -> dict[str, Any]:
    """Build the tree beside the quarantine's files."""
    files.remove_tree(candidate)
    wanted = Wanted(terms["export"]["dicom"], terms["export"]["faces"], terms["deface"])
    return export_session(pulled, converted, candidate, profile, wanted)


def _profile(link: Path, archive: Path, unit: Unit, terms: dict[str, Any]) -> Profile:
    identity = terms["identity"]
    secret = project_secret(identity, link.parent)
    project = ArchiveRecord.read(archive).project
    subject_id = LinkTable.read(link).find(*unit).subject_id
    return Profile(
        secret,
        project,
        unit.subject,
        unit.session,
        shift_days(secret, project, subject_id),
        identity["dates"],
        identity["time_of_day"],
    )


if "snakemake" in globals():
    jobs.start_log(snakemake.log[0])
    named = {key: snakemake.wildcards[key] for key in ("project", "subject", "session")}
    given = snakemake.input
    record = Path(snakemake.output.record)
    outcome = main(
        (Path(given.pulled), Path(given.converted)),
        (Path(given.link), Path(given.archive)),
        Unit(named["subject"], named["session"]),
        {key: snakemake.params[key] for key in ("identity", "deface", "export")},
        Results.of_record(record).dicom,
        snakemake.log[0],
    )
    files.write_json(record, {**named, **outcome})
