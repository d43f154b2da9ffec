"""A project's lock, beside another: whether another run would make the same datasets."""

from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from coil.errors import ConfigError
from coil.records.lock import Digests, Lock, read_lock
from coil.run.lock_digests import listed
from coil.workspace import Private

_SHOWN = 8
_WORDS: dict[str, Callable[[str], str]] = {
    "config": lambda part: f"the config's {part}",
    "code": lambda stage: f"the code of {stage}",
    "environments": lambda name: f"the environment file {name}",
    "secret": lambda _: "the secret behind the pseudonyms",
    "versions": lambda what: what.replace("/", ": "),
    "archive": lambda what: f"{what} in the archive",
    "datasets": lambda name: f"the bytes of {name}",
}


def differences(lock: Lock, now: Lock) -> list[str]:
    """The names of what differs; only sections that both have are compared."""
    differing: list[str] = []
    for section, words in _WORDS.items():
        before, here = _section(lock, section), _section(now, section)
        if before is None or here is None:
            continue
        for key in sorted({*before, *here}):
            if before.get(key) != here.get(key):
                values = _values(section, before.get(key), here.get(key))
                differing.append(f"{words(key)}{values}")
    return differing


def _section(lock: Lock, name: str) -> Digests | None:
    """A section of a lock, one of a single digest as a table; None if it is not set."""
    value = getattr(lock, name)
    if value is msgspec.UNSET:
        return None
    return {"": value} if isinstance(value, str) else value


def _values(section: str, before: str | None, here: str | None) -> str:
    if section == "config":  # what is as its default is not in it
        return ""
    if section != "versions":
        return "" if before and here else " (gone)" if before else " (new)"
    return f" {here or 'not there'}, locked {before or 'without it'}"


def refuse(lock: Lock, differing: list[str]) -> None:
    """`ConfigError` that names what differs from a lock, if anything."""
    if not differing:
        return
    more = f" and {len(differing) - _SHOWN} more" if len(differing) > _SHOWN else ""
    made = f" (commit {lock.commit})" if lock.commit else ""
    raise ConfigError(
        f"locked: {lock.source}: differs: {'; '.join(differing[:_SHOWN])}{more}; go back to what "
        f"the lock names{made}, or run without `locked`"
    )


def read_all(paths: Iterable[str], projects: Iterable[str]) -> dict[str, Lock]:
    """The locks in the files `paths` by project.

    Raises `ConfigError` for a file that is no lock, and for a lock of none of the `projects`.
    """
    locks: dict[str, Lock] = {}
    for path in paths:
        lock = read_lock(Path(path))
        if lock.project not in projects:
            raise ConfigError(
                f"locked: {path}: a lock of {lock.project}, which is no project of this config; "
                "add it"
            )
        locks[lock.project] = msgspec.structs.replace(lock, source=path)
    return locks


def check_archive(lock: Lock, private: Private, units: Iterable[str], secret: bytes) -> list[str]:
    """The sessions of a lock of which the archive lists something else now than then, by name.

    The files themselves are known only once they are pulled; see `lock_digests.archive_digests`.
    """
    there = set(units)
    now = {unit: listed(private, unit, secret) for unit in lock.sessions if unit in there}
    before = {unit: digest for unit, digest in _archive(lock).items() if unit in lock.sessions}
    return differences(
        Lock(project=lock.project, archive=before), Lock(project=lock.project, archive=now)
    )


def _archive(lock: Lock) -> Digests:
    return lock.archive or {}
