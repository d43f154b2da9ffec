"""All sessions of a project, for the jobs that are the project's.

Snakemake is told only of the sessions that are not settled, so that such a job finds the others
by itself: in the sessions' table, and in a rerun from a lock those of the lock.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from coil.analyses.scopes import scopes
from coil.records.lock import read_lock
from coil.units import Units, read_units
from coil.workspace import PROJECT, Private, Results, Workspace


@dataclass(frozen=True)
class Whole:
    """A project as its own jobs see it; `locks` is the config's `locked`."""

    project: str
    locks: str | list[str]

    @property
    def results(self) -> Results:
        """Its part of `results`."""
        return Workspace().results(self.project)

    @property
    def private(self) -> Private:
        """Its part of `private`."""
        return Workspace().private(self.project)

    @cached_property
    def units(self) -> Units:
        """Its sessions."""
        units, kept = read_units(self.results.sessions), self.private.locked
        if not self.locks or not kept.is_file():
            return units
        return units.among(set(read_lock(kept).sessions))

    def admits(self) -> list[Path]:
        """The records of what became of its sessions."""
        return self.records("admit")

    def records(self, stage: str) -> list[Path]:
        """The records of a stage of its sessions."""
        return [self.results.record(unit, stage) for unit in self.units]

    def people(self) -> list[Path]:
        """The files with those whom the headers of its sessions name."""
        return [self.private.people(unit) for unit in self.units]

    def analyses(self, levels: Mapping[str, str]) -> list[Path]:
        """The records of analyses, of which `levels` has the levels by name."""
        return [
            self.results.record(scope, name)
            for name, level in levels.items()
            for scope in scopes(level, self.units)
        ]

    def sent(self, steps: Iterable[tuple[str, str]]) -> list[Path]:
        """The records of pushes and exports, of which `steps` are the levels and the names."""
        return [
            path
            for level, name in steps
            for path in (
                [self.results.record(PROJECT, name)] if level == PROJECT else self.records(name)
            )
        ]
