"""The job of the rule `export_session`: a session's tree of DICOM, and its record."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import msgspec

from coil import files, jobs
from coil.config.model.identity import Identity
from coil.deid.dicom.export import Exported, Wanted, export_session
from coil.deid.dicom.profile import Profile
from coil.deid.identity.dates import shift_days
from coil.deid.identity.identities import LinkTable, project_secret
from coil.records import Part
from coil.records.archive import ArchiveRecord
from coil.records.export import ExportRecord, Searched
from coil.records.failure import Failure
from coil.units import Unit
from coil.workspace import Results, session_folder


@dataclass(frozen=True)
class Paths:
    """The files of one session's export.

    pulled, converted   in the quarantine
    link, archive       private: the link table, and the project's ID in the archive
    record              what became of the series
    log                 where messages go
    """

    pulled: Path
    converted: Path
    link: Path
    archive: Path
    record: Path
    log: Path


class Selection(Part, frozen=True, kw_only=True):
    """The series that the config wants exported, and whether faces stay."""

    dicom: Literal["mapped", "all"]
    faces: Literal["withhold", "keep"]


class Rules(Part, frozen=True, kw_only=True):
    """The rules of a project's export: three keys of its config."""

    identity: Identity
    deface: tuple[str, ...]
    export: Selection


def run(paths: Paths, unit: Unit, rules: Mapping[str, Any]) -> None:
    """Export one session to the project's DICOM, or take it out, and write its record.

    Parameters
    ----------
    paths
        The session's files.
    unit
        Its BIDS labels.
    rules
        What `Rules` holds, as the config has it.
    """
    jobs.start_log(str(paths.log))
    checked = msgspec.convert(rules, Rules)
    results = Results.of_record(paths.record)
    target = session_folder(results.dicom, *unit)
    candidate = paths.converted.parent / "dicom"
    umask = os.umask(0o077)
    try:
        result = Failure.read_in(paths.converted) or jobs.attempt(
            "export", str(paths.log), lambda: _export(paths, unit, checked, candidate)
        )
        if isinstance(result, Failure):
            files.remove_tree(target)
        else:
            files.publish(candidate, target, results.dicom, umask)
    finally:
        os.umask(umask)
    record_of(results.project, unit, result).write(paths.record)


def record_of(project: str, unit: Unit, result: Exported | Failure) -> ExportRecord:
    """The record of a session's export, or of why there is none."""
    if isinstance(result, Failure):
        return ExportRecord(
            project=project,
            subject=unit.subject,
            session=unit.session,
            state="failed",
            stage=result.stage,
            reason=result.reason,
            log=result.log,
            retry=result.retry,
            leaks=result.leaks,
        )
    return ExportRecord(
        project=project,
        subject=unit.subject,
        session=unit.session,
        state="done",
        series=result.series,
        files=result.files,
        bytes=result.bytes,
        plain_engine=result.plain_engine,
        profile=result.profile,
        leak_check=Searched(identifiers=result.identifiers, files=result.files, hits=0),
    )


def _export(paths: Paths, unit: Unit, rules: Rules, candidate: Path) -> Exported:
    """Build the tree beside the quarantine's files."""
    profile = _profile(paths, unit, rules.identity)
    files.remove_tree(candidate)
    wanted = Wanted(rules.export.dicom, rules.export.faces, rules.deface)
    return export_session(paths.pulled, paths.converted, candidate, profile, wanted)


def _profile(paths: Paths, unit: Unit, identity: Identity) -> Profile:
    secret = project_secret(identity.secret_file, paths.link.parent)
    project = ArchiveRecord.read(paths.archive).project
    subject_id = LinkTable.read(paths.link).find(*unit).subject_id
    days = shift_days(secret, project, subject_id)
    return Profile(secret, project, *unit, days, identity.dates, identity.time_of_day)
