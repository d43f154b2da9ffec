"""A series as the mapping sees it: what the archive says of it and what its header says."""

import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from coil.bids.series import pictures, stack
from coil.bids.series.broken import BrokenSeriesError, reading, unreadable_file
from coil.bids.series.pictures import Judged
from coil.bids.series.stack import Counted
from coil.records.pulled import PulledScan

_DERIVED_TOKENS = frozenset({"DERIVED", "MOCO"})


# What the archive's listing tells of a series, and what no single header does.
_LISTED = frozenset({"series_description", "scan_type", "quality", "note", "files"})
_COUNTED = frozenset({"volumes", "slices", "echoes", "b_values"})


@dataclass(frozen=True)
class Series:
    """One series: a folder of DICOM files, or a line of the archive's listing.

    Times are in ms and angles in degrees, as in DICOM. Without a header (`listed`) what only
    a header knows is None; with one, an absent attribute is "" or None. `broken` says why
    it could not be used. `path` is the folder of its files, `aside` the names of those that hold
    no image where others do, `partial` the folder of its one header where no more was fetched.
    `strays` counts the files that are no DICOM and were left out.
    """

    scan: str | None
    folder: str | None = None
    type: str = ""
    quality: str = ""
    note: str = ""
    problem: str | None = None
    broken: str | None = None
    listed: bool = False
    series_description: str = ""
    protocol_name: str | None = None
    sequence_name: str | None = None
    image_type: tuple[str, ...] | None = None
    echo_times: tuple[float, ...] = ()
    repetition_time: float | None = None
    inversion_time: float | None = None
    flip_angle: float | None = None
    manufacturer: str | None = None
    model: str | None = None
    station: str | None = None
    phase_encoding: tuple[str, ...] | None = None
    rows: int | None = None
    columns: int | None = None
    frames: int | None = None
    files: int | None = 0
    series_number: int | None = None
    series_uid: str | None = field(default=None, repr=False)
    study_uid: str | None = field(default=None, repr=False)
    patient_id: str | None = field(default=None, repr=False)
    acq_time: str | None = field(default=None, repr=False)
    sop_class: str | None = None
    is_image: bool = True
    aside: frozenset[str] = frozenset()
    strays: int = 0
    path: Path | None = field(default=None, repr=False, compare=False)
    partial: Path | None = field(default=None, repr=False, compare=False)
    counted: Counted | None = field(default=None, compare=False)
    weighted: frozenset[float] | None = field(default=None, compare=False)

    @classmethod
    def from_listing(cls, row: PulledScan) -> "Series":
        """A series of which only the archive's listing is known."""
        return cls(
            scan=row.scan,
            folder=row.folder,
            type=row.type,
            quality=row.quality,
            note=row.note,
            problem=row.problem,
            listed=True,
            series_description=row.series_description,
            files=row.files,
            broken=unreadable_file(row.broken) if row.broken else None,
            strays=row.strays,
        )

    def knows(self, key: str) -> bool:
        """Whether what is known of the series tells a condition's `key`, by an absence too.

        Where only one header is there, its echo times are taken for those of all.
        """
        if self.listed:
            return key in _LISTED and (key != "files" or self.files is not None)
        known = self.weighted if key == "b_values" else self.counted
        return key not in _COUNTED or self.path is not None or known is not None

    def text(self, key: str) -> str:
        """A text that rules match on; "" where there is none."""
        return (self.type if key == "scan_type" else getattr(self, key)) or ""

    def words(self, key: str) -> tuple[str, ...]:
        """A list of words that rules match on."""
        return getattr(self, key) or ()

    def numbers(self, key: str) -> tuple[float, ...]:
        """The numbers that rules match on: none where it is absent, the times of all echoes."""
        value = (self.stack.times or self.echo_times) if key == "echo_time" else getattr(self, key)
        if isinstance(value, tuple | frozenset):
            return tuple(value)
        return () if value is None else (float(value),)

    @cached_property
    def stack(self) -> Counted:
        """What the folder holds; reads its headers when first asked."""
        if self.counted is not None or self.path is None:
            return self.counted or Counted(None, None)
        with reading(self.folder):
            files, _ = pictures.split(self.images)
            return stack.count(files, stack.read_header(files[0]))

    @property
    def volumes(self) -> int | None:
        """Complete volumes of one echo, or None where that is unknown or has no meaning."""
        return self.stack.volumes

    @property
    def slices(self) -> int | None:
        """Slice positions in a volume, or None where unknown."""
        return self.stack.slices

    @property
    def echoes(self) -> int | None:
        """Echo times in the series, or None where unknown."""
        return self.stack.echoes

    @cached_property
    def b_values(self) -> frozenset[float]:
        """The b-values in s/mm² (none: not weighted); reads every header when first asked."""
        if self.weighted is not None or self.path is None:
            return self.weighted or frozenset()
        with reading(self.folder):
            return stack.all_b_values(self.images)

    @property
    def images(self) -> list[Path]:
        """The files that are at hand, but for those aside."""
        folder = self.path or self.partial
        return [path for path in files_in(folder) if path.name not in self.aside] if folder else []

    @cached_property
    def judged(self) -> Judged:
        """Whether text may stand in its pixels; reads its headers when first asked."""
        return pictures.judge(self.images)

    @property
    def is_derived(self) -> bool:
        """Whether the scanner computed it from other images (DERIVED, motion corrected)."""
        return bool(_DERIVED_TOKENS & set(self.image_type or ()))

    @property
    def order(self) -> tuple[str, int, int, str, str]:
        """The key of acquisition order; numbers decide only where times are missing or equal."""
        digits = re.match(r"\d+", self.scan or "")
        return (
            self.acq_time or "9999",
            self.series_number or 0,
            int(digits[0]) if digits else 0,
            self.scan or "",
            self.series_uid or self.folder or "",
        )


def files_in(folder: Path) -> list[Path]:
    """The files of a series, by name. Raises BrokenSeriesError if the folder is missing."""
    if not folder.is_dir():
        raise BrokenSeriesError(
            f"series/{folder.name}", "the folder is missing; pull the session again"
        )
    return sorted(path for path in folder.iterdir() if path.is_file())
