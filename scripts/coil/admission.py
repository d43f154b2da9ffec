"""The door between the quarantine and the dataset.

A session is admitted when only what the allow-lists know is left of it, nothing of its identifiers
was found in what is about to leave, and the BIDS validator has no error for it. It
enters by rename; a session that is refused is taken out of the dataset, so that nothing
of an earlier state stays there.
"""

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from coil import __version__, files
from coil.bids.associated import scanner
from coil.bids.validate import validate_session
from coil.deid.bids.anonymize import admit_session
from coil.environment import installed
from coil.errors import DataError
from coil.jobs import Failure
from coil.records.validation import Verdict
from coil.units import Unit

# What the bytes of a session depend on, beside the tools that convert.
_PACKAGES = ("niimath", "pydeface", "pydicom", "nibabel", "numpy", "scipy", "isal")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Terms:
    """On what terms a session is admitted: the config's `identity`, `deface`, `sidecar_keys`.

    `words` are those of the config's mapping, which descriptions of series may hold. `secret`,
    `project` and `subject_id` give the subject's date shift; see `coil.deid`. `people` is the
    private file that notes whom the headers name.
    """

    secret: bytes
    project: str
    subject_id: str
    dates: str
    time_of_day: str
    deface: list[str] = field(default_factory=list)
    sidecar_keys: list[str] = field(default_factory=list)
    words: frozenset[str] = frozenset()
    people: Path | None = None


def admit(
    pulled: Path, converted: Path, dataset: Path, unit: Unit, terms: Terms, umask: int
) -> dict[str, Any]:
    """Admit one session to `dataset`; returns its record (without project and state).

    `umask` is the invoking person's: files in the dataset get its permissions. Raises
    `DataError` where the session is refused.
    """
    candidate, derived = (converted.parent / name for name in ("candidate", "candidate_scanner"))
    files.remove_tree(candidate)
    files.remove_tree(derived)
    try:
        record = admit_session(
            pulled,
            converted,
            candidate,
            subject=unit.subject,
            session=unit.session,
            secret=terms.secret,
            project=terms.project,
            subject_id=terms.subject_id,
            dates=terms.dates,
            time_of_day=terms.time_of_day,
            deface=terms.deface,
            allow_keys=terms.sidecar_keys,
            words=terms.words,
            derivatives=derived,
            people=terms.people,
        )
        tools = files.read_json(converted / "converted.json")["versions"]
        record["versions"] = {"Coil": __version__, **tools}
        record["environment"] = {"anonymize": installed(*_PACKAGES)}
        verdict = validate_session(candidate)
        record["validator"] = verdict.fields()
        _refuse_invalid(verdict)
        if record["derivatives"]:
            _refuse_invalid(validate_session(derived, scanner.unnamed(record["derivatives"])))
        files.remove_tree(_folder(scanner.folder(dataset), unit))
        files.publish(_folder(candidate, unit), _folder(dataset, unit), dataset, umask)
        if record["derivatives"]:
            root = scanner.folder(dataset)
            files.publish(_folder(derived, unit), _folder(root, unit), root, umask)
    finally:
        files.remove_tree(candidate)
        files.remove_tree(derived)
    logger.info("admitted %d files", len(record["files"]))
    return record


def refuse(dataset: Path, unit: Unit, failure: Failure) -> dict[str, Any]:
    """The record of a session that is not admitted; its folder in the dataset is removed."""
    files.remove_tree(_folder(dataset, unit))
    files.remove_tree(_folder(scanner.folder(dataset), unit))
    return failure.record()


def _refuse_invalid(verdict: Verdict) -> None:
    errors = [issue for issue in verdict.issues if issue.severity == "error"]
    if errors:
        first, more = errors[0], f" and {len(errors) - 1} more" if len(errors) > 1 else ""
        raise DataError(
            f"not valid BIDS: {first.location}: {first.code}: {first.message}{more}; "
            "correct the mapping, or ignore the series"
        )


def _folder(root: Path, unit: Unit) -> Path:
    return root / f"sub-{unit.subject}" / f"ses-{unit.session}"
