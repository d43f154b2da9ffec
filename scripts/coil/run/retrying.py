"""Which failures an invocation tries again, and what it says of that."""

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from coil.workspace import Workspace


def to_try_again(records: Mapping[str, Iterable[str]], retry: str, dry: bool) -> list[str]:
    """Of the records that are wanted of each project those that are to be made again; tells it.

    A record stays until its job runs, so that what was not tried again is still known to have
    failed. A push that was only rehearsed is no failure, but always to be done. While another
    invocation works in this folder none is tried: Snakemake refuses.

    retry   the config's: `transient`, `all` or `none`
    dry     whether the jobs are only shown
    """
    again: list[str] = []
    if Workspace().in_use:
        return again
    for project, wanted in records.items():
        found = {path: record for path in wanted if (record := _not_done(Path(path)))}
        failed = [path for path, record in found.items() if _is_due(record, retry)]
        again += [path for path, record in found.items() if record["state"] == "rehearsed"]
        again += failed
        if failed:
            told = "to be tried again" if dry else "tried again"
            print(f"{project}: {len(failed)} failed before, {told}", file=sys.stderr)
    return again


def _not_done(path: Path) -> dict[str, Any] | None:
    """A record of something that is not done; None if it is, or nothing was noted yet."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    if data.count(b'"state":') == 1 and b'"state": "done"' in data:
        return None  # as nearly all are, and to parse them all takes long in a large project
    record = json.loads(data)
    return None if record["state"] == "done" else record


def _is_due(record: Mapping[str, Any], retry: str) -> bool:
    if retry == "none" or record["state"] == "rehearsed":
        return False
    return retry == "all" or bool(record.get("retry"))
