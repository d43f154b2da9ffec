"""The verdict of bids-validator-deno on a dataset, or on one session by itself."""

import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from coil import programs
from coil.bids import names
from coil.errors import DataError
from coil.files import link, write_json
from coil.programs import find_program

_EXIT_WITH_ERRORS = 16


def validate(bids: Path) -> dict[str, Any]:
    """Validate a dataset offline.

    Returns
    -------
    `errors`, `warnings` and `absent_keys` (their numbers; the last are keys that BIDS only
    recommends, which are not counted as warnings), `issues` (`code`, `severity`, `location`
    relative to the dataset, `message`; sorted) and the validator's `version`.

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
                "--format",
                "json",
                "-o",
                verdict,
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
    return _summary(found["issues"], found.get("summary", {}).get("schemaVersion"))


def validate_session(candidate: Path, ignore: Sequence[str] | None = None) -> dict[str, Any]:
    """Validate one session by itself: `candidate` holds `sub-X/ses-Y/`.

    What concerns the dataset as a whole (its description, README, participants) is left out.
    With `ignore`, the lines of a .bidsignore, it is of a derivative dataset.
    """
    with tempfile.TemporaryDirectory(prefix=".validate-", dir=candidate.parent) as folder:
        bids = Path(folder) / "bids"
        shutil.copytree(candidate, bids, copy_function=link)
        about: dict[str, Any] = {"Name": "one session", "BIDSVersion": names.bids_version()}
        about["DatasetType"] = "raw" if ignore is None else "derivative"
        if ignore is not None:
            about["GeneratedBy"] = [{"Name": "scanner"}]
            (bids / ".bidsignore").write_text("".join(f"{line}\n" for line in ignore))
        write_json(bids / "dataset_description.json", about)
        verdict = validate(bids)
    issues = [issue for issue in verdict["issues"] if issue["location"].startswith("sub-")]
    return {**verdict, **_count(issues), "issues": issues}


def _summary(found: dict[str, Any], version: str | None) -> dict[str, Any]:
    messages = found.get("codeMessages") or {}
    if not isinstance(messages, dict):
        messages = dict(messages)
    issues = [
        {
            "code": issue.get("code", ""),
            "severity": issue.get("severity", "warning"),
            "location": str(issue.get("location") or "").lstrip("/"),
            "message": _message(issue, messages),
        }
        for issue in found.get("issues", [])
    ]
    issues.sort(key=lambda issue: tuple(issue[k] for k in ("severity", "code", "location")))
    return {**_count(issues), "issues": issues, "version": version}


def _message(issue: dict[str, Any], messages: dict[str, str]) -> str:
    """The validator's own words for the code; never a value that it quotes from a file."""
    text = messages.get(issue.get("code", ""), "")
    detail = issue.get("subCode")
    return " ".join(f"{text} {f'({detail})' if detail else ''}".split())


def _count(issues: list[dict[str, Any]]) -> dict[str, int]:
    severities = [issue["severity"] for issue in issues]
    # Keys that BIDS recommends, and the scanner did not give or that could identify somebody.
    absent = sum(issue["code"].endswith("_KEY_RECOMMENDED") for issue in issues)
    return {
        "errors": severities.count("error"),
        "warnings": severities.count("warning") - absent,
        "absent_keys": absent,
    }
