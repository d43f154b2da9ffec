"""The analyses that a project's config asks for, with all that a job needs to know of them."""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import msgspec

from coil.analyses.description import Description
from coil.analyses.digest import program_digest
from coil.analyses.entries import (
    FOLDER,
    Entry,
    Resources,
    Suffixes,
    bundled,
    choice,
    location,
    read_entries,
)
from coil.config.reading import project_file, project_path
from coil.errors import ConfigError
from coil.records import Part
from coil.records.analysis import AnalysisRecord, Level
from coil.workspace import CHECKOUT, HIDDEN

INTERPRETERS = {".py": "python", ".R": "Rscript", ".sh": "bash"}
"""The program that runs a script, by the ending of the script's name."""


class Effects(Part, frozen=True, kw_only=True):
    """The part of an analysis' config that can change its results.

    dataset     the suffixes that it sees of the dataset; None for all, empty for nothing
    others      the analyses whose results it sees, with their levels
    """

    level: Level
    dataset: tuple[str, ...] | None
    others: dict[str, Level] = msgspec.field(default_factory=dict)
    params: dict[str, object] = msgspec.field(default_factory=dict)


class Definition(Effects, frozen=True, kw_only=True):
    """An analysis as its job gets it, which runs again when any of this changed.

    file        the script or notebook, relative to the checkout or to the working folder:
                where these lie is not in it
    checkout    whether it is relative to the checkout
    code        a digest of the file and of what it leads to
    env         a digest of the file of its conda environment, None without one
    record      the form in which its record is written
    problem     why its environment cannot be made, if so
    """

    name: str
    file: str
    checkout: bool = False
    code: str = ""
    env: str | None = None
    record: int = AnalysisRecord.VERSION
    problem: str | None = None

    def as_json(self) -> str:
        """The definition as a line of ASCII, for a command."""
        return json.dumps(msgspec.to_builtins(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The definition in such a line."""
        return msgspec.convert(json.loads(text), cls)


@dataclass(frozen=True)
class Analysis:
    """One analysis of a project.

    file        the script or notebook; `code` a digest of it and of what it leads to
    env         its conda environment's file, None without one
    dataset     the suffixes that it sees of the dataset; None for all, empty for nothing
    others      the analyses whose results it sees, with their levels
    """

    name: str
    file: Path
    code: str
    env: Path | None
    level: Level
    dataset: tuple[str, ...] | None
    others: dict[str, Level]
    params: dict[str, object] = field(default_factory=dict)
    resources: Resources = field(default_factory=Resources)
    description: str = ""
    bidsignore: tuple[str, ...] = ()

    @property
    def bundled(self) -> bool:
        """Whether it comes with Coil."""
        return self.file.parent == FOLDER

    def effects(self) -> Effects:
        """The part of its config that can change its results."""
        return Effects(
            level=self.level, dataset=self.dataset, others=self.others, params=self.params
        )

    def definition(self, root: Path, problem: str | None = None) -> Definition:
        """The analysis as its job gets it.

        root        the working folder
        problem     why its environment cannot be made, if so
        """
        shipped = self.bundled or not self.file.is_relative_to(root.resolve())
        checkout = shipped and self.file.is_relative_to(CHECKOUT)
        return Definition(
            name=self.name,
            file=os.path.relpath(self.file, CHECKOUT if checkout else root),
            checkout=checkout,
            level=self.level,
            dataset=self.dataset,
            others=self.others,
            params=self.params,
            code=self.code,
            env=hashlib.sha256(self.env.read_bytes()).hexdigest()[:12] if self.env else None,
            problem=problem,
        )

    def described(self) -> Description:
        """The description of its derivative dataset."""
        return Description(
            name=self.name,
            level=self.level,
            description=self.description,
            bidsignore=self.bidsignore,
            others=tuple(self.others),
        )


def analyses_of(settings: Mapping[str, Any], file: str, root: Path) -> dict[str, Analysis]:
    """The analyses of a project by name, in the config's order.

    settings    the project's
    file        the project's config file, as the config names it; `root` is the working folder

    Raises `ConfigError` where one is unknown or contradicts itself, or they wait for each other.
    """
    name = Path(file).name
    entries = read_entries(settings["analyses"], name)
    project = project_path(file, root)
    analyses = {
        entry.name: _analysis(entry, entries, location(name, position), project, root)
        for position, entry in enumerate(entries.values())
    }
    _check_order(analyses, name)
    _check_pushed(settings["push"]["derivatives"], analyses, name)
    return analyses


def of_levels(names: Iterable[str], analyses: Mapping[str, Analysis], *levels: str) -> list[str]:
    """Of the names of analyses those of some levels."""
    return [name for name in names if analyses[name].level in levels]


def hidden_files(projects: Iterable[Mapping[str, Any]]) -> list[str]:
    """The paths that no analysis may read: identified data, secrets, tables of labels, logins."""
    identities = [settings["identity"] for settings in projects]
    named = {one.get(key) for one in identities for key in ("secret_file", "table")}
    return [*HIDDEN, "~/.netrc", *sorted(filter(None, named))]


def _analysis(
    entry: Entry, entries: Mapping[str, Entry], where: str, project: Path, root: Path
) -> Analysis:
    """The analysis of an entry.

    entries     all of the project
    where       the entry, as messages name it
    project     the project's config file
    """
    file = _program(entry, where, project, root)
    pages = ("*.ipynb", "*.html") if entry.notebook else ()
    dataset, others = _inputs(entry, entries, where)
    return Analysis(
        name=entry.name,
        file=file,
        code=program_digest(file),
        env=_environment(entry, where, project, root),
        level=entry.level,
        dataset=dataset,
        others=others,
        params=entry.params,
        resources=entry.resources,
        description=entry.description,
        bidsignore=tuple(dict.fromkeys([*entry.bidsignore, *pages])),
    )


def _program(entry: Entry, where: str, project: Path, root: Path) -> Path:
    """The script or notebook of an entry."""
    if entry.name in bundled():
        return FOLDER / entry.program
    key = f"{where}.{entry.key}"
    file = project_file(entry.program, project, root, _without_file(key)).resolve()
    endings = [".ipynb"] if entry.notebook else list(INTERPRETERS)
    if file.suffix not in endings:
        raise ConfigError(f"{key}: {file.name} does not end in {' or '.join(endings)}; rename it")
    return file


def _environment(entry: Entry, where: str, project: Path, root: Path) -> Path | None:
    """The file of an entry's conda environment: one of Coil's, or the lab's own."""
    if entry.env is None:
        return None
    if (own := CHECKOUT / "envs" / f"{entry.env}.yaml").is_file():
        return own
    return project_file(entry.env, project, root, _without_file(f"{where}.env")).resolve()


def _without_file(key: str) -> str:
    """A key without the file's name, which who reads files puts before it."""
    return key.partition(": ")[2]


def _inputs(
    entry: Entry, entries: Mapping[str, Entry], where: str
) -> tuple[tuple[str, ...] | None, dict[str, Level]]:
    """The suffixes that an analysis sees of the dataset, and the analyses, with their levels."""
    dataset: tuple[str, ...] | None = ()
    others: dict[str, Level] = {}
    for source in entry.inputs:
        if isinstance(source, Suffixes):
            dataset = source.dataset
        elif source == "dataset":
            dataset = None
        elif source in entries:
            others[source] = entries[source].level
        else:
            raise ConfigError(
                f"{where}.inputs: {source} is none of this project's analyses; "
                f"{choice(source, ['dataset', *entries])}"
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


def _check_pushed(names: Sequence[str], analyses: Mapping[str, Analysis], file: str) -> None:
    """`ConfigError` where one that is to be pushed is none of the project's."""
    for name in names:
        if name not in analyses:
            raise ConfigError(
                f"{file}: push.derivatives: {name} is none of this project's analyses; "
                f"{choice(name, analyses)}"
            )
