"""The lock of a project's datasets: `results/<project>/run.lock.yaml`, and the one rerun from.

It is YAML, and has no version of its own: it is kept for years, so that a lock of any version is
read as far as both have its sections.
"""

from pathlib import Path

import msgspec
import yaml
from msgspec import UNSET, UnsetType

from coil import files
from coil.errors import ConfigError
from coil.records import Part

NAME = "run.lock.yaml"
Digests = dict[str, str]


class Lock(Part, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """The origin of a project's datasets; what is not known yet, or was not then, is not set.

    coil, commit    of the workflow that made them
    config          a digest of each part of the settings
    code            of each stage and analysis
    environments    of each file of a conda environment
    versions        of tools, as `stage/tool`
    secret          a digest of what is behind the pseudonyms
    archive         keyed digests of what the archive has of each session and of the project
    datasets        the digest of each tree of files
    source          of one that is rerun from: the file that it was read from
    """

    project: str
    coil: str | UnsetType | None = UNSET
    commit: str | UnsetType | None = UNSET
    config: Digests | UnsetType = UNSET
    code: Digests | UnsetType = UNSET
    environments: Digests | UnsetType = UNSET
    versions: Digests | UnsetType = UNSET
    secret: str | UnsetType = UNSET
    archive: Digests | UnsetType = UNSET
    datasets: Digests | UnsetType = UNSET
    source: str | UnsetType = msgspec.field(default=UNSET, name="place")

    def as_text(self) -> str:
        """The lock as YAML."""
        return yaml.safe_dump(msgspec.to_builtins(self), sort_keys=False, allow_unicode=True)

    def as_result(self, path: str) -> str:
        """The same with a head that says what to do with it where it lies at `path`."""
        return (
            "# What made the datasets of this project. To make the same again, or learn what "
            f"differs:\n#   snakemake --config locked={path}\n{self.as_text()}"
        )

    def keep(self, path: Path) -> None:
        """Write the lock for the jobs of a rerun, into a folder of mode 0700."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        files.write_text(path, self.as_text(), 0o600)

    @property
    def sessions(self) -> list[str]:
        """The sessions that it is of, as they are called in results/."""
        return [name for name in self.archive or () if name.startswith("sub-") and "," not in name]


def read_lock(path: Path) -> Lock:
    """The lock in a file; `ConfigError` if it is none."""
    try:
        lock = msgspec.convert(yaml.safe_load(path.read_text(encoding="utf-8")), Lock)
    except OSError:
        raise ConfigError(f"locked: {path}: no such file; name a {NAME}") from None
    except (yaml.YAMLError, UnicodeDecodeError, msgspec.ValidationError):
        lock = None
    if lock is None or UNSET in (lock.config, lock.archive):
        raise ConfigError(f"locked: {path}: not a lock; name a {NAME} as a run left it")
    return lock
