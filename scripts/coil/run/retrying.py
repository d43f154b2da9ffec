"""Which failures an invocation tries again, and what it says of that."""

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

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
    for project, paths in records.items():
        open_ends = {path: end for path in paths if (end := _not_done(Path(path)))}
        failed = [path for path, end in open_ends.items() if _is_due(end, retry)]
        again += [path for path, end in open_ends.items() if end.state == "rehearsed"]
        again += failed
        if failed:
            tried = "to be tried again" if dry else "tried again"
            print(f"{project}: {len(failed)} failed before, {tried}", file=sys.stderr)
    return again


class _End(msgspec.Struct, frozen=True):
    """The end of a stage, as every record says it, among much else."""

    state: str
    retry: bool = False


def _not_done(path: Path) -> _End | None:
    """The end of something that is not done; None if it is, or nothing was noted yet."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    if data.count(b'"state":') == 1 and b'"state": "done"' in data:
        return None  # as nearly all are, and to parse them all takes long in a large project
    end = msgspec.json.decode(data, type=_End)
    return None if end.state == "done" else end


def _is_due(end: _End, retry: str) -> bool:
    if retry == "none" or end.state == "rehearsed":
        return False
    return retry == "all" or end.retry
