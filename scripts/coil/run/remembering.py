"""What an invocation works on: the memory is read and compared before its jobs, written after."""

import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from coil import passing
from coil.analyses.scopes import level_of
from coil.config.model.main import Retry
from coil.records.memory import MemoryRecord
from coil.run import telling
from coil.run.footprint import Footprint, digest_of_file
from coil.run.memory import Made, Project, Reason, Reasons, Steps, digest_of
from coil.run.recipes import Recipes
from coil.run.selection import Selection
from coil.run.steps import DATASET, PARTS, PHENOTYPE, SESSIONS, SUBJECTS
from coil.units import Units
from coil.workspace import PROJECT, Private, Workspace

MERGING = {"all", "merged"}
_LEFT_TO_SNAKEMAKE = (Reason.UNKNOWN, Reason.WITHDRAWN)


@dataclass
class Memory:
    """The projects of an invocation, merged datasets among them, and why their steps are made.

    retry      which failures are tried again
    thorough   whether what files hold is compared, too, and not only their sizes
    """

    workspace: Workspace
    retry: Retry
    thorough: bool = False
    projects: dict[str, Project] = field(default_factory=dict)
    reasons: dict[str, Reasons] = field(default_factory=dict)
    _parts: dict[str, Sequence[str]] = field(default_factory=dict)
    _began: dict[str, MemoryRecord] = field(default_factory=dict)

    def compare(
        self,
        selection: Selection,
        recipes: Recipes,
        apart: Mapping[str, Collection[str]],
        targets: Collection[str],
    ) -> None:
        """Find why steps are to be made, of those for which targets ask.

        `apart` are the sessions of each project of which the config says something by itself.
        """
        for name, units in selection.units.items():
            steps = recipes.of_project(selection, name, apart.get(name, ()))
            listed = listed_of(self.workspace.private(name), map(str, units))
            asked = selection.steps(name, targets)
            self._compare(name, steps, members_of(units, steps), listed, asked)
        for name in selection.mergeable if MERGING.intersection(targets) else ():
            self._parts[name] = selection.merged[name]
            steps = {PROJECT: recipes.of_merged(name)}
            self._compare(name, steps, {}, self._merged(name), None)

    def planned(self, units: Mapping[str, Units]) -> dict[str, Units]:
        """The sessions of which something is to be made, or of their subjects, by project.

        Without the projects of which nothing is.
        """
        return {
            name: _planned(of_project, self.reasons[name])
            for name, of_project in units.items()
            if self.reasons[name]
        }

    def is_settled(self, name: str) -> bool:
        """Whether nothing of a project, or of a merged dataset and its parts, is to be made."""
        parts = [name, *self._parts.get(name, ())]
        return all(part in self.reasons and not self.reasons[part] for part in parts)

    def forced(self) -> list[str]:
        """The files that are to be made even if Snakemake finds nothing changed."""
        return [
            str(self._footprint(name).path(scope, step))
            for name, reasons in self.reasons.items()
            for scope, steps in reasons.items()
            for step, why in steps.items()
            if why not in _LEFT_TO_SNAKEMAKE
        ]

    def begin(self) -> None:
        """Note what jobs are about to make, so that it is known also if all is killed."""
        for name, reasons in self.reasons.items():
            if not self.is_settled(name):
                scopes = {PROJECT: {}, **reasons}
                self._began[name] = self.projects[name].begin(scopes)
                self._write(name, self._began[name])

    def end(self, vouched: Callable[[str], bool]) -> None:
        """Note what became of the steps whose files are `vouched` for."""
        for name, began in self._began.items():
            if name in self._parts:  # which are remembered by now
                self.projects[name] = replace(self.projects[name], listed=self._merged(name))
            made = partial(_made, self._footprint(name), vouched)
            self._remember(name, self.projects[name].remember(began, made))

    def tell(self, dry: bool, why: bool) -> None:
        """Say how much is to be done and why; to who asks `why` of each step."""
        for name, reasons in self.reasons.items():
            told = telling.all_lines(name, reasons) if why else telling.lines(name, reasons, dry)
            for line in told:
                print(line, file=sys.stderr)

    def _compare(
        self,
        name: str,
        recipes: Mapping[str, Steps],
        members: Mapping[str, Collection[str]],
        listed: Mapping[str, str],
        asked: Collection[tuple[str, str]] | None,
    ) -> None:
        footprint = self._footprint(name)
        memory = MemoryRecord.read_or_none(self.workspace.private(name).memory) or MemoryRecord()
        found = footprint.digest, footprint.ended, footprint.lost
        project = Project(recipes, members, listed, memory, *found)
        self.projects[name] = project
        self.reasons[name] = project.reasons(
            self.retry, lambda scope, step: asked is None or (level_of(scope), step) in asked
        )

    def _merged(self, name: str) -> dict[str, str]:
        """A digest of the datasets that are merged."""
        rows = (self.projects[part].memory.settled for part in self._parts[name])
        steps = (step for part in rows for steps in part.values() for step in steps.items())
        return {PARTS: digest_of(row.record for name, row in steps if name in ("admit", DATASET))}

    def _footprint(self, name: str) -> Footprint:
        workspace = self.workspace
        return Footprint(workspace.results(name), workspace.private(name), self.thorough)

    def _write(self, name: str, memory: MemoryRecord) -> None:
        try:
            memory.write(self.workspace.private(name).memory, 0o600)
        except OSError as error:  # the jobs are worth more than the note of them
            cause = passing.of_error(error) or f"{error.strerror}; look at private/, and run again"
            print(f"error: {name}: what is settled cannot be noted: {cause}", file=sys.stderr)

    def _remember(self, name: str, memory: MemoryRecord) -> None:
        self.projects[name] = replace(self.projects[name], memory=memory)
        self._write(name, memory)


def _made(
    footprint: Footprint, vouched: Callable[[str], bool], scope: str, step: str
) -> Made | None:
    """What became of a step, if something vouches for it."""
    there = vouched(str(footprint.path(scope, step)))
    return footprint.made(scope, step) if there else None


def _planned(units: Units, scopes: Collection[str]) -> Units:
    """The sessions among some scopes, and the first one of each subject among them."""
    subjects = (scope for scope in scopes if level_of(scope) == "subject")
    firsts = (str(first) for scope in subjects for first in units.in_scope(scope)[:1])
    return units.among({*scopes, *firsts})


def members_of(units: Units, scopes: Iterable[str]) -> dict[str, list[str]]:
    """The scopes within each subject, and within the project."""
    scopes = [scope for scope in scopes if scope != PROJECT]
    subjects = (scope for scope in scopes if level_of(scope) == "subject")
    return {s: [str(unit) for unit in units.in_scope(s)] for s in subjects} | {PROJECT: scopes}


def listed_of(private: Private, units: Iterable[str]) -> dict[str, str]:
    """Digests of what the archive lists of each session, and of the project."""
    sessions = {unit: digest_of_file(private.session(unit)) for unit in units}
    return sessions | {
        SESSIONS: digest_of(sessions),
        SUBJECTS: digest_of_file(private.subjects),
        PHENOTYPE: digest_of_file(private.phenotype),
    }
