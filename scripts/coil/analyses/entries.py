"""One entry of a project's config, or of bundled.yaml, for an analysis."""

import difflib
import functools
from collections.abc import Iterable, Mapping, Sequence

import msgspec
import yaml

from coil.errors import ConfigError
from coil.records import Part
from coil.records.analysis import Level
from coil.workspace import SCRIPTS

FOLDER = SCRIPTS / "analyses"
RawEntry = str | Mapping[str, object]
"""An entry as the config's schema lets it pass: a name, or all that is said of one."""
# The names of other records and derivative datasets.
_RESERVED = ("admit", "export", "push", "questionnaires", "scanner")
# What a project's config may say of a bundled analysis.
_OWN = {"name", "inputs", "params", "resources"}


class Resources(Part, frozen=True, kw_only=True):
    """The resources of a job: memory in MB and minutes, each also by GB of images, and threads."""

    mem_mb: int = 2000
    mem_mb_per_gb: int = 0
    runtime: int = 60
    runtime_per_gb: int = 0
    threads: int = 1

    def needed(self, gigabytes: float, attempt: int) -> dict[str, int]:
        """Memory and minutes for so much of images, as much again at each further attempt."""
        return {
            "mem_mb": attempt * round(self.mem_mb + self.mem_mb_per_gb * gigabytes),
            "runtime": attempt * round(self.runtime + self.runtime_per_gb * gigabytes),
        }


class Suffixes(Part, frozen=True, kw_only=True):
    """An input: those files of the dataset that have one of some suffixes."""

    dataset: tuple[str, ...]


class Entry(Part, frozen=True, kw_only=True):
    """One entry of the key `analyses`; config/README.md says what each key means."""

    name: str
    script: str | None = None
    notebook: str | None = None
    env: str | None = None
    level: Level = "session"
    inputs: tuple[str | Suffixes, ...] = ("dataset",)
    params: dict[str, object] = msgspec.field(default_factory=dict)
    resources: Resources = Resources()
    description: str = ""
    bidsignore: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The key that names its program."""
        return "script" if self.script is not None else "notebook"

    @property
    def program(self) -> str:
        """Its script or notebook, as it is named."""
        return self.script or self.notebook or ""


@functools.cache
def bundled() -> dict[str, Entry]:
    """The analyses that come with Coil, by name."""
    return {name: msgspec.convert({"name": name} | raw, Entry) for name, raw in _raw().items()}


def read_entries(raw: Sequence[RawEntry], file: str) -> dict[str, Entry]:
    """The entries of a config's key `analyses` by name, in its order.

    file    its name in messages

    Raises `ConfigError` where a name stands twice or is taken, or is known to nobody.
    """
    entries: dict[str, Entry] = {}
    for position, said in enumerate(raw):
        where = location(file, position)
        keys: dict[str, object] = {"name": said} if isinstance(said, str) else dict(said)
        name = str(keys["name"])
        if name in entries:
            raise ConfigError(f"{where}: {name} stands twice; rename or remove one")
        entries[name] = msgspec.convert(_completed(keys, name, where), Entry)
    return entries


def location(file: str, position: int) -> str:
    """The place of an entry in its file, as messages name it."""
    return f"{file}: analyses[{position}]"


def choice(name: str, known: Iterable[str]) -> str:
    """The remedy for a name that is none of the known ones."""
    close = difflib.get_close_matches(name, known := sorted(known), n=1)
    return f"did you mean {close[0]}?" if close else f"name one of {', '.join(known)}"


def _completed(keys: dict[str, object], name: str, where: str) -> dict[str, object]:
    """The keys of an entry, with the bundled analysis' values if it names one."""
    programs = keys.keys() & {"script", "notebook"}
    if name in _RESERVED:
        raise ConfigError(f"{where}: the name {name} is taken by Coil; give it another")
    if len(programs) > 1:
        raise ConfigError(f"{where}: {name} has both a script and a notebook; write one of them")
    if name in _raw():
        return _layered(keys, name, where)
    if not programs:
        raise ConfigError(
            f"{where}: {name} is not known; {choice(name, _raw())} or give it a script or a "
            "notebook"
        )
    return keys


def _layered(keys: dict[str, object], name: str, where: str) -> dict[str, object]:
    """The keys of an entry for a bundled analysis, over its own."""
    if foreign := sorted(keys.keys() - _OWN):
        raise ConfigError(
            f"{where}.{foreign[0]}: {name} is a bundled analysis, of which only inputs, "
            "params and resources can be said; give an analysis of your own another name"
        )
    known = _raw()[name]
    layered = {key: {**_table(known, key), **_table(keys, key)} for key in ("params", "resources")}
    return known | keys | layered


def _table(keys: Mapping[str, object], key: str) -> Mapping[str, object]:
    value = keys.get(key)
    return value if isinstance(value, Mapping) else {}


@functools.cache
def _raw() -> dict[str, dict[str, object]]:
    """The entries of bundled.yaml as they stand there, by name."""
    return yaml.safe_load((FOLDER / "bundled.yaml").read_text(encoding="utf-8"))
