"""The rows of a session's table while its files are made and looked at."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from coil.bids import outputs
from coil.bids.convert import fieldmap_groups
from coil.bids.mapping.resolution import Resolution
from coil.bids.mapping.rules import AUTO, Rule
from coil.records.series import SeriesRow, State

# Imported where it is needed: most sessions have nothing beside their images.
if TYPE_CHECKING:
    from coil.bids.associated import collect


@dataclass
class Row:
    """One series, or a rule that no series took: its state and its files so far.

    `supplied` are the sidecar keys that the rule supplied, `start` is when the run began (ISO).
    """

    resolution: Resolution
    rule: Rule | None
    state: State
    reason: str
    files: list[Path] = field(default_factory=list[Path])
    supplied: list[str] = field(default_factory=list[str])
    start: str | None = None

    def __post_init__(self) -> None:
        self.start = self.resolution.series.acq_time if self.resolution.series else None

    @property
    def name(self) -> str:
        """The BIDS name."""
        assert self.resolution.name
        return self.resolution.name

    @property
    def suffix(self) -> str:
        """The suffix that its rule gives it."""
        return (self.rule.suffix if self.rule else None) or ""

    @property
    def run(self) -> fieldmap_groups.Run:
        """The series as the ties of field maps see it."""
        assert self.rule
        return fieldmap_groups.Run(self.name, self.files, self.rule.b0, self.start)

    @property
    def associated(self) -> "collect.Run":
        """The series as files that are associated with it see it."""
        from coil.bids.associated import collect

        series = self.resolution.series
        assert series
        images = outputs.images(self.files)
        return collect.Run(self.name, images, series.scan, self.start, self.folder)

    @property
    def is_log(self) -> bool:
        """Whether it is a log of physiology, which is no image."""
        return bool(self.rule) and self.rule.is_log

    @property
    def folder(self) -> str:
        """The name of the series in errors."""
        return (self.resolution.series.folder if self.resolution.series else None) or "the session"

    def drop(self, state: State, reason: str) -> None:
        """Leave the series out after all."""
        self.state, self.reason = state, reason
        for path in self.files:
            path.unlink()
        self.files = []

    @property
    def has_chunks(self) -> bool:
        """Whether images of it that differ in their geometry are chunks of one."""
        return bool(self.rule) and self.rule.entities.get("chunk") == AUTO

    def entry(self, bids: Path) -> SeriesRow:
        """The row as `converted.json` has it; its files below the folder `bids`."""
        series = self.resolution.series
        present = [path for path in self.files if path.is_file()]
        return SeriesRow(
            scan=series.scan if series else None,
            folder=series.folder if series else None,
            description=series.series_description if series else None,
            state=self.state,
            rule=str(self.rule.origin) if self.rule else None,
            name=self.name if self.state == "mapped" else None,
            reason=self.reason,
            volumes=self._volumes(present),
            expected=self.rule.volumes if self.rule else None,
            files=tuple(sorted(_listed(path, bids) for path in present)),
            acq_time=self.start,
            supplied=tuple(self.supplied),
        )

    def _volumes(self, present: list[Path]) -> int | None:
        """The volumes of the longest image, else those that its headers tell of a short one."""
        series = self.resolution.series
        counted = max(map(outputs.volumes, outputs.images(present)), default=None)
        if counted is None and self.state == "incomplete" and series:
            return series.volumes
        return counted


def _listed(path: Path, bids: Path) -> str:
    """A file's path below the dataset, or below derivatives/ beside it."""
    below = bids if path.is_relative_to(bids) else bids.parent
    return path.relative_to(below).as_posix()
