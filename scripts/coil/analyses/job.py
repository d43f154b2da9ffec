"""One run of an analysis: what it is run on and where its files lie."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from coil.analyses import scopes
from coil.analyses.definitions import Definition
from coil.records.analysis import AnalysisRecord
from coil.records.session import SessionRecord
from coil.units import Unit, read_units
from coil.workspace import CHECKOUT, Results


@dataclass(frozen=True)
class Job:
    """An analysis of one scope.

    file        the script or notebook
    results     the project's
    threads     how many it may use
    prefix      where its conda environment is, if it has one
    hidden      files and folders that it must not read
    """

    definition: Definition
    file: Path
    results: Results
    scope: str
    threads: int
    prefix: str | None
    hidden: Sequence[Path]

    @property
    def name(self) -> str:
        """The analysis' name."""
        return self.definition.name

    @property
    def target(self) -> Path:
        """The derivative dataset."""
        return self.results.derivatives / self.name

    @property
    def scratch(self) -> Path:
        """The folder of this run, in that of the results so that files can be linked."""
        return self.results.root / ".scratch" / f"{self.name}_{self.scope}"

    @property
    def out(self) -> Path:
        """The folder for what the analysis leaves."""
        return self.scratch / "out"

    @property
    def dataset(self) -> Path:
        """The folder with what the analysis sees of the dataset."""
        return self.scratch / "bids"

    @property
    def inputs(self) -> Path:
        """The folder with what the analysis sees of other analyses."""
        return self.scratch / "inputs"

    @cached_property
    def admitted(self) -> Mapping[Unit, SessionRecord]:
        """The records of those sessions of the scope that are in the dataset.

        A run from a lock leaves out sessions that the archive has and the lock does not.
        """
        admitted: dict[Unit, SessionRecord] = {}
        for unit in scopes.units_of(self.scope, read_units(self.results.sessions)):
            record = SessionRecord.read_or_none(self.results.record(unit, "admit"))
            inside = self.results.bids / scopes.folder(str(unit))
            if record and record.state == "done" and inside.is_dir():
                admitted[unit] = record
        return admitted

    def sources(self, other: str) -> list[str]:
        """The scopes of another analysis that have files for this one."""
        level = self.definition.others[other]
        return [scope for scope in scopes.scopes(level, self.admitted) if self._has(scope, other)]

    def _has(self, scope: str, other: str) -> bool:
        path = self.results.record(scope, other)
        return path.is_file() and bool(AnalysisRecord.read(path).files)


def program_file(definition: Definition, root: Path) -> Path:
    """The script or notebook of an analysis; `root` is the working folder."""
    return ((CHECKOUT if definition.checkout else root) / definition.file).resolve()
