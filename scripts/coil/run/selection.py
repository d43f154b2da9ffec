"""The records that an invocation asks for, of which sessions and projects.

Targets ask for records themselves: Snakemake makes nothing again that only stood between a
session and a page that is there.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from coil.analyses.definitions import Analysis
from coil.analyses.scopes import level_of, scopes
from coil.config.derived import export_settings, export_target, wants_scanner
from coil.run.params import Settings
from coil.run.steps import PAGE, SCANNER, files_of
from coil.units import Unit, Units
from coil.workspace import PROJECT, Results, Workspace

_PUSHED = ("reports", "bids_resources", "assessor")


@dataclass(frozen=True)
class Selection:
    """The projects of an invocation, as they are when it plans its jobs.

    settings   of each project
    analyses   of each project, by name
    merged     the projects of each merged dataset
    units      the sessions of each project that the archive listed
    """

    settings: Mapping[str, Settings]
    analyses: Mapping[str, Mapping[str, Analysis]]
    merged: Mapping[str, Sequence[str]]
    units: Mapping[str, Units]

    def of(self, units: Mapping[str, Units]) -> Self:
        """The same of other sessions."""
        return replace(self, units=units)

    @property
    def mergeable(self) -> list[str]:
        """The merged datasets all of whose projects the archive listed."""
        return [name for name, parts in self.merged.items() if set(parts) <= self.units.keys()]

    def of_target(self, target: str) -> dict[str, list[str]]:
        """All records that a target stands for, by project."""
        find = {
            "all": self.all_records,
            "bids": self.dataset_records,
            "merged": self.dataset_records,
            "export": self.exports,
            "analyses": self.analysed_records,
            "reports": self.analysed_records,
            "push": self.pushed_records,
        }.get(target)
        if find is None:
            return {}
        parts = {part for projects in self.merged.values() for part in projects}
        return {name: find(name) for name in self.units if target != "merged" or name in parts}

    def steps(self, project: str, targets: Iterable[str]) -> set[tuple[str, str]]:
        """The steps of a project for which targets ask, each with its level."""
        analyses, targets = self.analyses[project], list(targets)
        sample = self._sample(project)
        paths = (path for t in targets for path in sample.of_target(t).get(project, ()))
        records = set(map(_step_of, paths))
        files = files_of(targets, analyses, bool(sample.sent(project)))
        if not wants_scanner(project, dict(self.settings[project])):
            files.discard(SCANNER)
        return records | {("session" if step == PAGE else PROJECT, step) for step in files}

    def sent_steps(self, project: str) -> list[tuple[str, str]]:
        """The levels and the names of a project's pushes and exports."""
        return [*map(_step_of, self._sample(project).sent(project))]

    def dataset_records(self, project: str) -> list[str]:
        """What became of a project's sessions and of its questionnaires."""
        return [*self._of_units(project, "admit"), self._of_project(project, "questionnaires")]

    def analysed_records(self, project: str) -> list[str]:
        """The same, and what became of its analyses."""
        return self.dataset_records(project) + self.analysis_records(project)

    def pushed_records(self, project: str) -> list[str]:
        """What was pushed of a project, and the records of what is pushed."""
        own = self.analysed_records(project) if self.own_pushes(project) else []
        if self.copies(project):
            own += self.dataset_records(project) + self.exports(project)
        return own + self.pushes(project)

    def all_records(self, project: str) -> list[str]:
        """All records of a project."""
        return self.analysed_records(project) + self.sent(project)

    def analysis_records(self, project: str) -> list[str]:
        """All records of all analyses of a project."""
        return [
            str(_results(project).record(scope, one.name))
            for one in self.analyses[project].values()
            for scope in scopes(one.level, self.units.get(project, ()))
        ]

    def sent(self, project: str) -> list[str]:
        """The records of a project's pushes and exports."""
        return self.pushes(project) + self.exports(project)

    def pushes(self, project: str) -> list[str]:
        """The records of all pushes of a project: to its archive, and to another project."""
        return self.own_pushes(project) + self.copies(project)

    def own_pushes(self, project: str) -> list[str]:
        """Those of itself and of its sessions, as the config wants them."""
        push, records = self.settings[project]["push"], list[str]()
        if push["reports"] or self._pushed(project, "subject", PROJECT):
            records.append(self._of_project(project, "push"))
        if any(push[key] for key in _PUSHED) or self._pushed(project, "session"):
            records += self._of_units(project, "push")
        return records

    def copies(self, project: str) -> list[str]:
        """Those of what its export has in another project, if the config wants that."""
        if not export_target(dict(self.settings[project])):
            return []
        withdrawn = self._of_project(project, "withdraw_dicom")
        return [*self._of_units(project, "push_dicom"), withdrawn]

    def exports(self, project: str) -> list[str]:
        """The records of a project's exports, and of what was taken out of them.

        The latter also once an export was switched off.
        """
        results, pruned = _results(project), self._of_project(project, "export")
        if export_settings(dict(self.settings[project])):
            return [pruned, *self._of_units(project, "export")]
        return [pruned] if Path(pruned).exists() or results.dicom.is_dir() else []

    def _pushed(self, project: str, *levels: str) -> bool:
        """Whether results of an analysis of one of the levels are pushed."""
        names = self.settings[project]["push"]["derivatives"]
        return any(self.analyses[project][name].level in levels for name in names)

    def _of_units(self, project: str, stage: str) -> list[str]:
        units = self.units.get(project, ())
        return [str(_results(project).record(unit, stage)) for unit in units]

    def _sample(self, project: str) -> Self:
        """The same with but one session of a project."""
        return self.of({**self.units, project: Units(self.units.get(project, ())[:1])})

    def _of_project(self, project: str, stage: str) -> str:
        return str(_results(project).record(PROJECT, stage))


def _step_of(record: str) -> tuple[str, str]:
    """The level and the name of the step that has a record."""
    path = Path(record)
    return level_of(path.parent.name), path.stem


def expand(pattern: str, project: str, units: Iterable[Unit]) -> list[str]:
    """The files of a pattern with `{project}` and `<unit>`, of these sessions of a project."""
    of_project = pattern.replace("{project}", project)
    return [of_project.replace("<unit>", str(unit)) for unit in units]


def _results(project: str) -> Results:
    return Workspace().results(project)
