"""What a session's record says of its protection: what was done, how often, by which rule.

No value of a person is in it: only names of rules, their editions, and counts.
"""

import ast
import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from coil import __version__

_ALLOW_LIST = ("allow_list/sidecar_keys.py", "allow_list/sidecar_pet.py", "allow_list/values.py")
_DICOM_LIST = ("dicom/attributes.tsv", "dicom/private.tsv")
_POLICIES = ("subjects", "sessions", "dates", "time_of_day")


def protection(
    record: Mapping[str, Any], settings: Mapping[str, Any], bids_version: str
) -> dict[str, Any]:
    """The rules that a session went through, and what each of them did.

    record      of the session, admitted or refused
    settings    the project's `identity`, `deface` and `sidecar_keys`; no path of them is told
    """
    editions = {
        "Coil": __version__,
        "BIDS": bids_version,
        "sidecar allow-list": f"SHA-256 {allow_list_edition()}",
    }
    templates = {row["template"] for row in record.get("deface") or [] if row.get("template")}
    if templates:
        editions["face template"] = ", ".join(sorted(templates))
    return {
        "editions": editions,
        "policies": {key: settings["identity"][key] for key in _POLICIES},
        "deface": list(settings["deface"]),
        "sidecar_keys": list(settings["sidecar_keys"]),
        "account": account(record, editions) if record["state"] == "done" else [],
    }


def allow_list_edition() -> str:
    """The first 16 digits of the digest of the allow-list of sidecar keys and their values.

    Where its modules import from is no part of it.
    """
    return _digest(_ALLOW_LIST)


def dicom_edition() -> str:
    """The same of the allow-list of DICOM attributes, by SOP class, and of private elements."""
    return _digest(_DICOM_LIST)


@cache
def _digest(names: tuple[str, ...]) -> str:
    here = Path(__file__).parent
    return hashlib.sha256("".join(_said(here / name) for name in names).encode()).hexdigest()[:16]


def _said(path: Path) -> str:
    """A table, or a module without its imports."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        return text
    imports = [one for one in ast.parse(text).body if isinstance(one, ast.Import | ast.ImportFrom)]
    left_out = {line for one in imports for line in range(one.lineno, (one.end_lineno or 0) + 1)}
    lines = enumerate(text.splitlines(keepends=True), 1)
    return "".join(line for number, line in lines if number not in left_out)


def account(record: Mapping[str, Any], editions: Mapping[str, str]) -> list[dict[str, Any]]:
    """What was removed, changed and kept: action, what, count (above 0), rule and its edition."""
    removed, kept = record.get("removed") or {}, record.get("kept") or {}
    series = record.get("series") or []
    faces = [row for row in record.get("deface") or [] if row["state"] == "defaced"]
    coil, listed = f"Coil {editions['Coil']}", f"allow-list {editions['sidecar allow-list']}"
    rows = [
        (
            "removed", "values of sidecars",
            _sum(removed.get("sidecar_keys")),
            "not in the allow-list of sidecar keys, or not a value that its entry allows",
            listed,
        ),
        (
            "removed", "fields of image headers",
            len(removed.get("header_fields") or ()),
            "only voxels and geometry pass",
            coil,
        ),
        (
            "removed", "columns of tables",
            _sum(removed.get("columns")),
            "only known columns, and those that the config names",
            coil,
        ),
        (
            "removed", "files",
            _sum(removed.get("files")),
            "only known kinds of files in known places",
            f"{coil}, BIDS {editions['BIDS']}",
        ),
        (
            "changed", "faces",
            len(faces),
            "images of the suffixes that the config lists in deface, through the gates",
            f"{coil}, template of {editions.get('face template', 'no known release')}",
        ),
        (
            "changed", "times of acquisition",
            sum(bool(row.get("acq_time")) for row in series),
            "one secret shift of days for each subject",
            coil,
        ),
        (
            "changed", "values of sidecars that the config supplies",
            sum(len(row.get("supplied") or ()) for row in series),
            "the mapping's own values, searched for identifiers",
            "the project's config",
        ),
        (
            "kept", "values of sidecars",
            _sum(kept.get("sidecar_keys")),
            "in the allow-list, each with a type, a range or a vocabulary",
            listed,
        ),
    ]  # fmt: skip
    return [
        {"action": action, "what": what, "count": count, "rule": rule, "edition": edition}
        for action, what, count, rule, edition in rows
        if count
    ]


def _sum(counts: Mapping[str, int] | None) -> int:
    return sum((counts or {}).values())
