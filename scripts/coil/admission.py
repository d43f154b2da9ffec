"""The door between the quarantine and the dataset.

A session is admitted when only what the allow-lists know is left of it, nothing of its identifiers
was found in what is about to leave, and the BIDS validator has no error for it. It
enters by rename; a session that is refused is taken out of the dataset, so that nothing
of an earlier state stays there.
"""

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from coil import __version__, files, jobs
from coil.bids.associated import scanner
from coil.bids.names import bids_version
from coil.bids.validate import validate_session
from coil.deid.bids.anonymize import admit_session
from coil.deid.bids.descriptions import words_of
from coil.deid.bids.terms import Terms
from coil.deid.identity.identities import LinkTable, project_secret
from coil.deid.leak import people
from coil.deid.protection import Rules, protection
from coil.environment import installed
from coil.errors import DataError
from coil.records.archive import ArchiveRecord
from coil.records.conversion import Conversion
from coil.records.failure import Failure
from coil.records.session import Admitted, SessionRecord
from coil.records.validation import Verdict
from coil.units import Unit
from coil.workspace import Results, session_folder

# What the bytes of a session depend on, beside the tools that convert.
_PACKAGES = ("niimath", "pydeface", "pydicom", "nibabel", "numpy", "scipy", "isal")

_WORDED = ("mapping", "synonyms", "overrides")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Paths:
    """The files of one session's admission.

    pulled, converted   in the quarantine
    link, archive       private: the link table, and the project's ID in the archive
    people              private: for those whom the headers name
    record              what became of the session
    log                 where messages go
    """

    pulled: Path
    converted: Path
    link: Path
    archive: Path
    people: Path
    record: Path
    log: Path


@dataclass(frozen=True)
class Entry:
    """A session that entered the dataset: what was done to it, by which tools, and the verdict."""

    admitted: Admitted
    versions: dict[str, str]
    validator: Verdict


def run(paths: Paths, unit: Unit, rules: Mapping[str, Any], conversion: Mapping[str, Any]) -> None:
    """Admit one session to the project's dataset, or take it out, and write its record.

    Parameters
    ----------
    paths
        The session's files.
    unit
        Its BIDS labels.
    rules
        What `coil.deid.protection.Rules` holds, as the config has it.
    conversion
        The config's `mapping`, `synonyms` and `overrides`, whose words may leave.
    """
    jobs.start_log(str(paths.log))
    checked = msgspec.convert(rules, Rules)
    results = Results.of_record(paths.record)
    umask = os.umask(0o077)
    try:
        people.write(paths.people)  # a session that is refused may not come to name any
        result = Failure.read_in(paths.converted) or jobs.attempt(
            "anonymize",
            str(paths.log),
            lambda: admit(
                paths.pulled,
                paths.converted,
                results.bids,
                unit,
                _terms(paths, unit, checked, conversion),
                umask,
            ),
        )
        if isinstance(result, Failure):
            refuse(results.bids, unit)
    finally:
        os.umask(umask)
    record_of(results.project, unit, result, checked).write(paths.record)


def admit(
    pulled: Path, converted: Path, dataset: Path, unit: Unit, terms: Terms, umask: int
) -> Entry:
    """Admit one session to `dataset`.

    `umask` is the invoking person's: files in the dataset get its permissions. Raises
    `DataError` where the session is refused.
    """
    candidate, derived = (converted.parent / name for name in ("candidate", "candidate_scanner"))
    files.remove_tree(candidate)
    files.remove_tree(derived)
    try:
        admitted = admit_session(pulled, converted, candidate, unit, terms, derived)
        versions = Conversion.read_in(converted).versions
        verdict = validate_session(candidate)
        _refuse_invalid(verdict)
        if admitted.derivatives:
            _refuse_invalid(validate_session(derived, scanner.unnamed(admitted.derivatives)))
        files.remove_tree(session_folder(scanner.folder(dataset), *unit))
        _publish(candidate, dataset, unit, umask)
        if admitted.derivatives:
            _publish(derived, scanner.folder(dataset), unit, umask)
    finally:
        files.remove_tree(candidate)
        files.remove_tree(derived)
    logger.info("admitted %d files", len(admitted.files))
    return Entry(admitted, versions, verdict)


def refuse(dataset: Path, unit: Unit) -> None:
    """Take a session that is not admitted out of `dataset`, and what was computed of it."""
    files.remove_tree(session_folder(dataset, *unit))
    files.remove_tree(session_folder(scanner.folder(dataset), *unit))


def record_of(project: str, unit: Unit, result: Entry | Failure, rules: Rules) -> SessionRecord:
    """The record of a session that entered a project's dataset, or of why it did not."""
    if isinstance(result, Failure):
        return SessionRecord(
            project=project,
            subject=unit.subject,
            session=unit.session,
            state="failed",
            stage=result.stage,
            reason=result.reason,
            log=result.log,
            retry=result.retry,
            leaks=result.leaks,
            protection=protection(rules, bids_version(), None),
        )
    admitted = result.admitted
    return SessionRecord(
        project=project,
        subject=unit.subject,
        session=unit.session,
        state="done",
        series=admitted.series,
        age=admitted.age,
        deface=admitted.deface,
        removed=admitted.removed,
        kept=admitted.kept,
        files=admitted.files,
        derivatives=admitted.derivatives,
        leak_check=admitted.leak_check,
        versions={"Coil": __version__, **result.versions},
        environment={"anonymize": installed(*_PACKAGES)},
        validator=result.validator,
        protection=protection(rules, bids_version(), admitted),
    )


def _terms(paths: Paths, unit: Unit, rules: Rules, conversion: Mapping[str, Any]) -> Terms:
    """The terms of a session's admission, from the private files and the config."""
    return Terms(
        project_secret(rules.identity.secret_file, paths.link.parent),
        ArchiveRecord.read(paths.archive).project,
        LinkTable.read(paths.link).find(*unit).subject_id,
        rules.identity.dates,
        rules.identity.time_of_day,
        frozenset(rules.deface),
        frozenset(rules.sidecar_keys),
        words_of(*(conversion[key] for key in _WORDED)),
        paths.people,
    )


def _refuse_invalid(verdict: Verdict) -> None:
    errors = [issue for issue in verdict.issues if issue.severity == "error"]
    if errors:
        first, more = errors[0], f" and {len(errors) - 1} more" if len(errors) > 1 else ""
        raise DataError(
            f"not valid BIDS: {first.location}: {first.code}: {first.message}{more}; "
            "correct the mapping, or ignore the series"
        )


def _publish(candidate: Path, root: Path, unit: Unit, umask: int) -> None:
    source, target = session_folder(candidate, *unit), session_folder(root, *unit)
    files.publish(source, target, root, umask)
