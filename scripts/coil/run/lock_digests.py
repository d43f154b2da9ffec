"""The digests of which a lock consists.

Those of what the archive holds are keyed with the project's secret: who has no secret cannot tell
by them which session is whose.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from coil import files, programs
from coil.deid.identity.identities import keyed_digest
from coil.records.held import HeldFiles
from coil.records.listing import ListedSession
from coil.records.lock import Digests
from coil.records.session import SessionRecord
from coil.workspace import CHECKOUT, Private


def digest(value: object) -> str:
    """A digest of a value of JSON, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def config_digests(settings: Mapping[str, Any]) -> Digests:
    """A digest of each part of a project's settings, those of `bids` one by one."""
    parts = {key: value for key, value in settings.items() if key != "bids"}
    parts |= {f"bids.{key}": value for key, value in settings["bids"].items()}
    return {key: digest(value) for key, value in sorted(parts.items())}


def file_digests(paths: Iterable[Path]) -> Digests:
    """A digest of each file by its name."""
    return {path.name: files.sha256(path)[:16] for path in sorted(paths)}


def commit() -> str | None:
    """The commit of this checkout, with `+changes` if files differ; None if it is none."""
    questions = (["rev-parse", "HEAD"], ["status", "--porcelain", "-uno"])
    try:
        answers = [
            programs.run(["git", "-C", CHECKOUT, *words], capture_output=True, text=True)
            for words in questions
        ]
    except OSError:
        return None
    if any(answer.returncode for answer in answers):
        return None
    head, changes = (answer.stdout.strip() for answer in answers)
    return head + ("+changes" if changes else "")


def listed(private: Private, unit: str, secret: bytes) -> str:
    """A keyed digest of what the archive lists of a session, as discovery noted it."""
    session = ListedSession.read(private.session(unit))
    scans = json.dumps(msgspec.to_builtins(session.scans))
    return keyed_digest(secret, "listed", unit, scans).hex()[:16]


def pulled(private: Private, unit: str, secret: bytes) -> str:
    """A keyed digest of the names, sizes and digests of a session's files, as pulled."""
    files_held = HeldFiles.read(private.pulled(unit))
    return keyed_digest(secret, "pulled", unit, files_held.held).hex()[:16]


def archive_digests(private: Private, units: Iterable[str], secret: bytes) -> Digests:
    """Keyed digests of all that a project's datasets rest on in the archive."""
    digests: Digests = {}
    for unit in sorted(units):
        digests[unit] = listed(private, unit, secret)
        digests[f"{unit}, files"] = pulled(private, unit, secret)
    for name in ("subjects", "phenotype"):
        text = (private.root / f"{name}.json").read_text(encoding="utf-8")
        digests[name] = keyed_digest(secret, name, text).hex()[:16]
    return digests


def secret_digest(secret: bytes) -> str:
    """A digest that tells one secret from another, and nothing more of it."""
    return keyed_digest(secret, "lock").hex()[:16]


def tree_digest(folder: Path, known: Mapping[str, str]) -> str:
    """The SHA-256 of a folder's files: of a line `digest  path` each, sorted by path.

    `known` has the SHA-256 of files by their paths in the folder, which need not be read.
    `sha256sum` over the same list gives the same.
    """
    paths = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    lines = [f"{known.get(path) or files.sha256(folder / path)}  {path}\n" for path in paths]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def stage_versions(records: Iterable[SessionRecord]) -> dict[str, str]:
    """`stage/tool` to the versions that made the sessions of these records, joined by commas."""
    used: dict[str, set[str]] = {}
    for record in records:
        for stage, tools in record.environment.items():
            for tool, version in tools.items():
                used.setdefault(f"{stage}/{tool}", set()).add(version)
        for tool, version in record.versions.items():
            used.setdefault(tool, set()).add(version or "unknown")
    return {name: ", ".join(sorted(versions)) for name, versions in sorted(used.items())}
