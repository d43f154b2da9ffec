"""The analyses that a project's config asks for, with all that a job needs to know of them."""

import difflib
import functools
import hashlib
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from coil.analyses.run import INTERPRETERS
from coil.config.reading import project_file, project_path
from coil.errors import ConfigError
from coil.units import code_digest
from coil.workspace import CHECKOUT, HIDDEN, SCRIPTS

FOLDER = SCRIPTS / "analyses"
# The names of other records and derivative datasets.
_RESERVED = ("admit", "export", "push", "questionnaires", "scanner")
# What a project's config may say of a bundled analysis.
_OWN = {"name", "inputs", "params", "resources"}
_RESOURCES = {"mem_mb": 2000, "runtime": 60, "threads": 1, "mem_mb_per_gb": 0, "runtime_per_gb": 0}


@dataclass(frozen=True)
class Analysis:
    """One analysis of a project.

    file        the script or notebook; `code` a digest of it and of what it leads to
    env         its conda environment's file, None without one
    level       session, subject or project
    dataset     the suffixes that it sees of the dataset; None for all, empty for nothing
    others      the analyses whose results it sees, with their levels
    resources   mem_mb and runtime in minutes, each with what it grows by per GB, and threads
    """

    name: str
    file: Path
    code: str
    env: Path | None
    level: str
    dataset: tuple[str, ...] | None
    others: Mapping[str, str]
    params: Mapping[str, Any] = field(default_factory=dict)
    resources: Mapping[str, int] = field(default_factory=dict)
    description: str = ""
    bidsignore: tuple[str, ...] = ()

    @property
    def bundled(self) -> bool:
        return self.file.parent == FOLDER

    def described(self) -> dict[str, Any]:
        """What the config says of it that can change its results."""
        return {
            "level": self.level,
            "dataset": self.dataset,
            "others": dict(self.others),
            "params": dict(self.params),
        }

    def job(self, root: Path) -> dict[str, Any]:
        """What a job is told, and runs again for; `root` is the working folder.

        Where the checkout lies is not in it.
        """
        shipped = self.bundled or not self.file.is_relative_to(root.resolve())
        checkout = shipped and self.file.is_relative_to(CHECKOUT)
        return {
            "name": self.name,
            "file": os.path.relpath(self.file, CHECKOUT if checkout else root),
            "checkout": checkout,
            **self.described(),
            "code": self.code,
            "env": hashlib.sha256(self.env.read_bytes()).hexdigest()[:12] if self.env else None,
        }

    def about(self) -> dict[str, Any]:
        """What the derivative dataset says of itself."""
        return {
            "name": self.name,
            "level": self.level,
            "description": self.description,
            "bidsignore": list(self.bidsignore),
            "others": list(self.others),
        }


def analyses_of(settings: Mapping[str, Any], file: str, root: Path) -> dict[str, Analysis]:
    """The analyses of a project by name, in the config's order.

    settings    the project's
    file        the project's config file, as the config names it; `root` is the working folder

    Raises `ConfigError` where one is unknown or contradicts itself, or they wait for each other.
    """
    given: dict[str, dict[str, Any]] = {}
    for place, raw in enumerate(settings["analyses"]):
        where = f"{Path(file).name}: analyses[{place}]"
        entry = {"name": raw} if isinstance(raw, str) else raw
        if entry["name"] in given:
            raise ConfigError(f"{where}: {entry['name']} stands twice; rename or remove one")
        given[entry["name"]] = _complete(entry, where) | {"where": where}
    found = {
        name: _analysis(entry, given, project_path(file, root), root)
        for name, entry in given.items()
    }
    _check_order(found, Path(file).name)
    for name in settings["push"]["derivatives"]:
        if name not in found:
            raise ConfigError(
                f"{Path(file).name}: push.derivatives: {name} is none of this project's analyses; "
                f"{_choice(name, found)}"
            )
    return found


def hidden_files(projects: Iterable[Mapping[str, Any]]) -> list[str]:
    """What no analysis may read: identified data, secrets, tables of labels, logins."""
    identities = [settings["identity"] for settings in projects]
    named = {one.get(key) for one in identities for key in ("secret_file", "table")}
    return [*HIDDEN, "~/.netrc", *sorted(filter(None, named))]


@functools.cache
def bundled() -> dict[str, dict[str, Any]]:
    """What bundled.yaml says, by name."""
    return yaml.safe_load((FOLDER / "bundled.yaml").read_text(encoding="utf-8"))


def _complete(entry: dict[str, Any], where: str) -> dict[str, Any]:
    """An entry of the config with the bundled analysis' values, if it names one."""
    name = entry["name"]
    programs = [key for key in ("script", "notebook") if key in entry]
    if name in _RESERVED:
        raise ConfigError(f"{where}: the name {name} is taken by Coil; give it another")
    if len(programs) > 1:
        raise ConfigError(f"{where}: {name} has both a script and a notebook; write one of them")
    if name not in bundled():
        if programs:
            return entry
        raise ConfigError(
            f"{where}: {name} is not known; {_choice(name, bundled())} or give it a script or a "
            "notebook"
        )
    if foreign := sorted(entry.keys() - _OWN):
        raise ConfigError(
            f"{where}.{foreign[0]}: {name} is a bundled analysis, of which only inputs, "
            "params and resources can be said; give an analysis of your own another name"
        )
    known = bundled()[name]
    layered = {key: known.get(key, {}) | entry.get(key, {}) for key in ("params", "resources")}
    inputs = {"inputs": entry["inputs"]} if "inputs" in entry else {}
    return known | {"name": name} | inputs | layered


def _analysis(
    entry: dict[str, Any], given: Mapping[str, dict[str, Any]], project: Path, root: Path
) -> Analysis:
    where, name = entry["where"], entry["name"]
    key = "script" if "script" in entry else "notebook"
    if name in bundled():
        file = FOLDER / entry[key]
    else:
        file = project_file(
            entry[key], project, root, f"{where.partition(': ')[2]}.{key}"
        ).resolve()
    endings = [".ipynb"] if key == "notebook" else list(INTERPRETERS)
    if file.suffix not in endings:
        raise ConfigError(
            f"{where}.{key}: {file.name} does not end in {' or '.join(endings)}; rename it"
        )
    pages = ["*.ipynb", "*.html"] if key == "notebook" else []
    dataset, others = _inputs(entry.get("inputs", ["dataset"]), given, where)
    return Analysis(
        name=name,
        file=file,
        code=_digest(file),
        env=_environment(entry, project, root),
        level=entry.get("level", "session"),
        dataset=dataset,
        others=others,
        params=entry.get("params", {}),
        resources=_RESOURCES | entry.get("resources", {}),
        description=entry.get("description", ""),
        bidsignore=tuple(dict.fromkeys([*entry.get("bidsignore", ()), *pages])),
    )


def _environment(entry: dict[str, Any], project: Path, root: Path) -> Path | None:
    env = entry.get("env")
    if env is None:
        return None
    if (own := CHECKOUT / "envs" / f"{env}.yaml").is_file():
        return own
    key = f"{entry['where'].partition(': ')[2]}.env"
    return project_file(env, project, root, key).resolve()


def _inputs(
    inputs: list[Any], given: Mapping[str, dict[str, Any]], where: str
) -> tuple[tuple[str, ...] | None, dict[str, str]]:
    """What an analysis sees of the dataset, and of which analyses."""
    dataset: tuple[str, ...] | None = ()
    others = {}
    for one in inputs:
        if one == "dataset":
            dataset = None
        elif isinstance(one, dict):
            dataset = tuple(one["dataset"])
        elif one in given:
            others[one] = given[one].get("level", "session")
        else:
            known = {"dataset": None, **given}
            raise ConfigError(
                f"{where}.inputs: {one} is none of this project's analyses; {_choice(one, known)}"
            )
    return dataset, others


def _check_order(analyses: Mapping[str, Analysis], file: str) -> None:
    """`ConfigError` where analyses wait for each other."""
    waiting = {name: set(analysis.others) for name, analysis in analyses.items()}
    while ready := [name for name, others in waiting.items() if not others & waiting.keys()]:
        for name in ready:
            del waiting[name]
    if waiting:
        raise ConfigError(
            f"{file}: analyses: {' and '.join(waiting)} wait for each other; take one out of the "
            "other's inputs"
        )


def _choice(name: str, known: Mapping[str, Any]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {close[0]}?" if close else f"name one of {', '.join(sorted(known))}"


def _digest(file: Path) -> str:
    """A digest of a script or notebook and of the files beside it that its text names.

    Of a bundled script also of the modules of Coil that it leads to.
    """
    if file.parent == FOLDER and file.suffix == ".py":
        return code_digest(f"analyses/{file.stem}")
    beside = {p.name: p for p in file.parent.iterdir() if p.is_file() and p != file}
    seen: dict[str, bytes] = {}
    waiting = [file]
    while waiting:
        path = waiting.pop()
        seen[path.name] = path.read_bytes()
        words = set(re.findall(rb"[\w.-]+", seen[path.name]))
        for name, other in beside.items():
            named = {name.encode(), *([other.stem.encode()] if other.suffix == ".py" else [])}
            if name not in seen and named & words and other not in waiting:
                waiting.append(other)
    summary = hashlib.sha256()
    for name, data in sorted(seen.items()):
        summary.update(name.encode() + b"\0" + data + b"\0")
    return summary.hexdigest()[:12]
