"""An invocation that reruns from locks: what it may work on, and whether it may start."""

import sys
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from coil.analyses.definitions import Analysis
from coil.bids.dataset.shared_config import allowed
from coil.deid.identity.identities import project_secret
from coil.errors import CoilError
from coil.records.lock import Digests, Lock, read_lock
from coil.run import lock, lock_digests
from coil.units import Units, code_digest
from coil.workspace import CHECKOUT, Workspace

_STAGES = ("pull", "convert", "anonymize", "dataset")


def parts(
    settings: Mapping[str, Any], more: Mapping[str, object], analyses: Iterable[Analysis]
) -> dict[str, Digests]:
    """Digests of what makes a project's datasets, as far as it is known before any work.

    `settings` are the project's, of which only what a dataset may tell counts; `more` are parts of
    the config beside them, by name, and `analyses` the project's.
    """
    others = {name: lock_digests.digest(part) for name, part in more.items() if part}
    analyses = list(analyses)
    environments = {*(CHECKOUT / "envs").glob("*.yaml"), *(a.env for a in analyses if a.env)}
    stages = {stage: code_digest(stage) for stage in _STAGES}
    analysed = {
        f"analyses.{a.name}": lock_digests.digest(msgspec.to_builtins(a.effects()))
        for a in analyses
    }
    return {
        "config": lock_digests.config_digests(allowed(settings)) | analysed | others,
        "code": stages | {analysis.name: analysis.code for analysis in analyses},
        "environments": lock_digests.file_digests(environments),
    }


def locks_for(paths: str | list[str], projects: Iterable[str], main: bool) -> dict[str, Lock]:
    """The locks that this invocation reruns from, by project; none without `paths`.

    Jobs read those that the `main` process kept for them.
    """
    if not paths:
        return {}
    if not main:
        kept = {name: Workspace().private(name).locked for name in projects}
        return {name: read_lock(path) for name, path in kept.items() if path.is_file()}
    try:
        return lock.read_all([paths] if isinstance(paths, str) else paths, projects)
    except CoilError as error:
        sys.exit(f"error: {error}")


def start(locks: Mapping[str, Lock], known: Mapping[str, Mapping[str, Digests]], dry: bool) -> None:
    """Keep the locks for the jobs, unless those are only shown (`dry`).

    Ends the invocation before any work where a lock differs. `known` are the `parts` of the
    projects.
    """
    try:
        for name, before in locks.items():
            now = msgspec.convert({"project": name, **known[name]}, Lock)
            lock.refuse(before, lock.differences(before, now))
            if not dry:
                before.keep(Workspace().private(name).locked)
    except CoilError as error:
        sys.exit(f"error: {error}")


def choose(units: Mapping[str, Units], locks: Mapping[str, Lock]) -> dict[str, Units]:
    """Of the archive's sessions those that the locks are of; all without a lock."""
    if not locks:
        return dict(units)
    wanted = {name: set(locked.sessions) for name, locked in locks.items()}
    return {
        name: units[name].among(chosen)
        for name, chosen in wanted.items()
        if name in units  # else the archive did not answer, which is said
    }


def check(
    units: Mapping[str, Units],
    locks: Mapping[str, Lock],
    projects: Mapping[str, Mapping[str, Any]],
) -> None:
    """Say what the locks leave out of the archive's `units`.

    Ends the invocation where the archive or the secret is not what a lock names.
    """
    for name, chosen in choose(units, locks).items() if locks else ():
        _check(name, locks[name], units[name], projects[name])
        left = len(units[name]) - len(chosen)
        later = f"; left out: {left} that came later" if left else ""
        print(f"{name}: locked to {len(chosen)} sessions{later}", file=sys.stderr)


def _check(name: str, before: Lock, units: Units, settings: Mapping[str, Any]) -> None:
    private = Workspace().private(name)
    try:
        secret = project_secret(settings["identity"].get("secret_file"), private.root)
        now = Lock(project=name, secret=lock_digests.secret_digest(secret))
        differing = lock.differences(before, now)
        lock.refuse(
            before, differing + lock.check_archive(before, private, map(str, units), secret)
        )
    except CoilError as error:
        sys.exit(f"error: {error}")
