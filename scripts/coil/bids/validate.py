"""The verdict of bids-validator-deno on a dataset, or on one session by itself."""

import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from coil import programs
from coil.bids import names
from coil.errors import DataError
from coil.files import JsonObject, link, write_json
from coil.programs import find_program
from coil.records.validation import Issue, Verdict

_EXIT_WITH_ERRORS = 16


def validate(bids: Path) -> Verdict:
    """The verdict on a dataset, reached offline.

    Raises
    ------
    DataError
        If the validator did not come to a verdict.
    PassingError
        If it was ended before it could.
    """
    with tempfile.TemporaryDirectory(prefix="coil-validate-") as folder:
        verdict = Path(folder) / "verdict.json"
        done = programs.run(
            [
                find_program("bids-validator-deno"),
                bids.resolve(),
                *("--format", "json", "-o", verdict),
                *("--max-rows", "-1"),  # else only 1,000 participants count
            ],
            capture_output=True,
            env=os.environ | {"HOME": folder, "DENO_DIR": folder, "DENO_NO_UPDATE_CHECK": "1"},
        )
        if done.returncode not in (0, _EXIT_WITH_ERRORS) or not verdict.is_file():
            raise DataError(
                f"bids-validator-deno stopped with status {done.returncode}; "
                "run it by hand on the dataset to see why"
            )
        found = json.loads(verdict.read_text(encoding="utf-8"))
    return _verdict(_issues(found["issues"]), found.get("summary", {}).get("schemaVersion"))


def validate_session(candidate: Path, ignore: Sequence[str] | None = None) -> Verdict:
    """The verdict on one session by itself: `candidate` holds `sub-X/ses-Y/`.

    What concerns the dataset as a whole (its description, README, participants) is left out.
    With `ignore`, the lines of a .bidsignore, it is of a derivative dataset.
    """
    with tempfile.TemporaryDirectory(prefix=".validate-", dir=candidate.parent) as folder:
        bids = Path(folder) / "bids"
        shutil.copytree(candidate, bids, copy_function=link)
        _describe(bids, ignore)
        verdict = validate(bids)
    issues = [issue for issue in verdict.issues if issue.location.startswith("sub-")]
    return _verdict(issues, verdict.version)


def _describe(bids: Path, ignore: Sequence[str] | None) -> None:
    """Write what a dataset has beside its sessions, for one of the raw or of derived data."""
    kind = "raw" if ignore is None else "derivative"
    about = {"Name": "one session", "BIDSVersion": names.bids_version(), "DatasetType": kind}
    if ignore is None:
        write_json(bids / "dataset_description.json", about)
        return
    write_json(bids / "dataset_description.json", {**about, "GeneratedBy": [{"Name": "scanner"}]})
    (bids / ".bidsignore").write_text("".join(f"{line}\n" for line in ignore))


def _issues(found: JsonObject) -> list[Issue]:
    """The issues in the validator's JSON, sorted."""
    messages: dict[str, str] = dict(found.get("codeMessages") or {})
    issues = [
        Issue(
            code=issue.get("code", ""),
            severity=issue.get("severity", "warning"),
            location=str(issue.get("location") or "").lstrip("/"),
            message=_message(issue, messages),
        )
        for issue in found.get("issues", [])
    ]
    return sorted(issues, key=lambda issue: (issue.severity, issue.code, issue.location))


def _message(issue: JsonObject, messages: dict[str, str]) -> str:
    """The validator's own words for the code; never a value that it quotes from a file."""
    text = messages.get(issue.get("code", ""), "")
    detail = issue.get("subCode")
    return " ".join(f"{text} {f'({detail})' if detail else ''}".split())


def _verdict(issues: Sequence[Issue], version: str | None) -> Verdict:
    severities = [issue.severity for issue in issues]
    # Keys that BIDS recommends, and the scanner did not give or that could identify somebody.
    absent = sum(issue.code.endswith("_KEY_RECOMMENDED") for issue in issues)
    return Verdict(
        errors=severities.count("error"),
        warnings=severities.count("warning") - absent,
        absent_keys=absent,
        issues=tuple(issues),
        version=version,
    )
