"""What made a project's datasets, and whether another run would make them the same.

`results/<project>/run.lock.yaml` holds versions, digests of the config, the code, the
environments, the sessions' data and the datasets. Digests of what the archive holds are keyed
with the project's secret: who has no secret cannot tell by them which session is whose.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import yaml

from coil import files, programs
from coil.deid.identity.identities import keyed_digest
from coil.errors import ConfigError
from coil.records.held import HeldFiles
from coil.records.listing import ListedSession
from coil.workspace import SCRIPTS

NAME = "run.lock.yaml"
Lock = dict[str, Any]
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


def digest(value: Any) -> str:
    """A digest of a value of JSON, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def config_digests(settings: Mapping[str, Any]) -> dict[str, str]:
    """A digest of each part of a project's settings, those of `bids` one by one."""
    bids = {f"bids.{key}": value for key, value in settings["bids"].items()}
    parts = {key: value for key, value in settings.items() if key != "bids"} | bids
    return {key: digest(value) for key, value in sorted(parts.items())}


def file_digests(paths: Iterable[Path]) -> dict[str, str]:
    """A digest of each file by its name."""
    return {path.name: files.sha256(path)[:16] for path in sorted(paths)}


def commit() -> str | None:
    """The commit of this checkout, with `+changes` if files differ; None if it is none."""
    asked = (["rev-parse", "HEAD"], ["status", "--porcelain", "-uno"])
    try:
        told = [
            programs.run(["git", "-C", SCRIPTS.parent, *words], capture_output=True, text=True)
            for words in asked
        ]
    except OSError:
        return None
    if any(one.returncode for one in told):
        return None
    return told[0].stdout.strip() + ("+changes" if told[1].stdout.strip() else "")


def listed(private: Path, unit: str, secret: bytes) -> str:
    """A keyed digest of what the archive lists of a session, as discovery noted it."""
    session = ListedSession.read(private / "sessions" / f"{unit}.json")
    scans = json.dumps(msgspec.to_builtins(session.scans))
    return keyed_digest(secret, "listed", unit, scans).hex()[:16]


def pulled(private: Path, unit: str, secret: bytes) -> str:
    """A keyed digest of the names, sizes and digests of a session's files, as pulled."""
    pulled = HeldFiles.read(private / "pulled" / f"{unit}.json")
    return keyed_digest(secret, "pulled", unit, pulled.held).hex()[:16]


def archive_digests(private: Path, units: Iterable[str], secret: bytes) -> dict[str, str]:
    """Keyed digests of all that a project's datasets rest on in the archive."""
    found = {}
    for unit in sorted(units):
        found[unit] = listed(private, unit, secret)
        found[f"{unit}, files"] = pulled(private, unit, secret)
    for name in ("subjects", "phenotype"):
        text = (private / f"{name}.json").read_text(encoding="utf-8")
        found[name] = keyed_digest(secret, name, text).hex()[:16]
    return found


def secret_digest(secret: bytes) -> str:
    """What tells one secret from another, and nothing more of it."""
    return keyed_digest(secret, "lock").hex()[:16]


def tree_digest(folder: Path, known: Mapping[str, str]) -> str:
    """The SHA-256 of a folder's files: of a line `digest  path` each, sorted by path.

    `known` has the SHA-256 of files by their paths in the folder, which need not be read.
    `sha256sum` over the same list gives the same.
    """
    paths = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    lines = [f"{known.get(path) or files.sha256(folder / path)}  {path}\n" for path in paths]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def stage_versions(records: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """`stage/tool` to the versions that made the sessions of these records, joined by commas."""
    used: dict[str, set[str]] = {}
    for record in records:
        for stage, tools in (record.get("environment") or {}).items():
            for tool, version in tools.items():
                used.setdefault(f"{stage}/{tool}", set()).add(version)
        for tool, version in (record.get("versions") or {}).items():
            used.setdefault(tool, set()).add(version)
    return {name: ", ".join(sorted(versions)) for name, versions in sorted(used.items())}


def as_text(lock: Lock, place: str) -> str:
    """The lock as YAML, with a head that says what to do with it."""
    head = (
        "# What made the datasets of this project. To make the same again, or learn what differs:\n"
        f"#   snakemake --config locked={place}\n"
    )
    return head + yaml.safe_dump(lock, sort_keys=False, allow_unicode=True)


def read(path: Path) -> Lock:
    """The lock in a file; ConfigError if it is none."""
    try:
        lock = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError:
        raise ConfigError(f"locked: {path}: no such file; name a {NAME}") from None
    except (yaml.YAMLError, UnicodeDecodeError):
        lock = None
    if not isinstance(lock, dict) or not {"project", "config", "archive"} <= lock.keys():
        raise ConfigError(f"locked: {path}: not a lock; name a {NAME} as a run left it")
    return lock


def differences(lock: Lock, now: Mapping[str, Any]) -> list[str]:
    """What differs, by name; only sections that both have are compared."""
    found = []
    for section, words in _WORDS.items():
        if section not in lock or section not in now:
            continue
        before, here = ({"": v} if isinstance(v, str) else v for v in (lock[section], now[section]))
        for key in sorted({*before, *here}):
            if before.get(key) != here.get(key):
                found.append(f"{words(key)}{_values(section, before.get(key), here.get(key))}")
    return found


def refuse(place: str, lock: Lock, found: list[str]) -> None:
    """ConfigError that names what was found to differ from the lock at `place`, if anything."""
    if not found:
        return
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    made = f" (commit {lock['commit']})" if lock.get("commit") else ""
    raise ConfigError(
        f"locked: {place}: differs: {'; '.join(found[:_SHOWN])}{more}; go back to what the lock "
        f"names{made}, or run without `locked`"
    )


def _values(section: str, before: str | None, here: str | None) -> str:
    if section == "config":  # what is as its default is not in it
        return ""
    if section != "versions":
        return "" if before and here else " (gone)" if before else " (new)"
    return f" {here or 'not there'}, locked {before or 'without it'}"


def kept(private: Path, project: str) -> Path:
    """Where a project's lock lies while it is rerun from: its own may be written anew."""
    return private / project / "locked.yaml"


def read_all(places: Iterable[str], projects: Iterable[str]) -> dict[str, Lock]:
    """The locks in the files `places` by project.

    Raises ConfigError for a file that is no lock, and for a lock of none of the `projects`.
    """
    locks = {}
    for place in places:
        lock = read(Path(place))
        name = str(lock["project"])
        if name not in projects:
            raise ConfigError(
                f"locked: {place}: a lock of {name}, which is no project of this config; add it"
            )
        locks[name] = lock | {"place": place}
    return locks


def keep(lock: Lock, private: Path) -> None:
    """Keep a project's lock for the jobs, which compare with it as it is new."""
    path = kept(private, lock["project"])
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    text = yaml.safe_dump(lock, sort_keys=False, allow_unicode=True)
    files.write_text(path, text, 0o600)


def check_archive(lock: Lock, private: Path, units: Iterable[str], secret: bytes) -> list[str]:
    """What the archive lists of a lock's sessions now that differs from then, by name.

    The files themselves are known only once they are pulled; see `archive_digests`.
    """
    there = set(units)
    now = {unit: listed(private, unit, secret) for unit in sessions(lock) if unit in there}
    before = {unit: lock["archive"][unit] for unit in sessions(lock)}
    return differences({"archive": before}, {"archive": now})


def sessions(lock: Lock) -> list[str]:
    """The sessions that a lock is of, as they are called in results/."""
    return [unit for unit in lock["archive"] if unit.startswith("sub-") and "," not in unit]
