"""A series as the mapping sees it: what the archive says of it and what its header says."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from coil import passing
from coil.bids.series import facts, pictures, stack
from coil.bids.series.acquisition import phase_encoding
from coil.bids.series.pictures import Judged
from coil.bids.series.stack import Counted
from coil.deid.pixels import holds_image
from coil.dicom.header import sop_class_name
from coil.errors import CoilError, DataError
from coil.files import read_json
from coil.units import scan_name

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
    def from_listing(cls, row: dict[str, Any]) -> "Series":
        """A series of which only the archive's listing is known (a row of `pulled.json`)."""
        return cls(
            scan=row.get("scan"),
            folder=row.get("folder"),
            type=row.get("type") or "",
            quality=row.get("quality") or "",
            note=row.get("note") or "",
            problem=row.get("problem"),
            listed=True,
            series_description=row.get("series_description") or "",
            files=row.get("files", 0),
            broken=row.get("broken"),
            strays=row.get("strays", 0),
        )

    def knows(self, key: str) -> bool:
        """Whether what is known of the series tells a condition's `key`, by an absence too.

        Where only one header is there, its echo times are taken for those of all.
        """
        if self.listed:
            return key in _LISTED and (key != "files" or self.files is not None)
        told = self.weighted if key == "b_values" else self.counted
        return key not in _COUNTED or self.path is not None or told is not None

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
        with _reading(self.folder):
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
        with _reading(self.folder):
            return stack.all_b_values(self.images)

    @property
    def images(self) -> list[Path]:
        """The files that are at hand, but for those aside."""
        folder = self.path or self.partial
        return [path for path in _files(folder) if path.name not in self.aside] if folder else []

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


def read_series(pulled: Path) -> list[Series]:
    """Every series of a pulled session, by `pulled.json` and one header per series folder.

    A series whose header cannot be used is `broken`.

    Raises
    ------
    DataError
        If no series holds images that can be used.
    """
    found = []
    for row in read_json(pulled / "pulled.json")["scans"]:
        try:
            with _reading(row.get("folder")):
                found.append(_read(pulled, row))
        except DataError as error:
            reason = str(error).removeprefix(f"{row.get('folder')}: ")
            found.append(replace(Series.from_listing(row), listed=False, broken=reason))
    if any(series.is_image and not series.broken for series in found):
        return found
    for series in found:
        if series.broken:
            raise DataError(f"{series.folder or scan_name(series.scan)}: {series.broken}")
    raise DataError("the session has no DICOM images; look at its scans in the archive")


@contextmanager
def _reading(folder: str | None) -> Iterator[None]:
    """pydicom reads a value when it is asked for it, and then finds out that it is broken."""
    try:
        yield
    except CoilError:
        raise
    except Exception as error:
        passing.let_through(error)
        raise DataError(
            f"{folder}: a header holds a value that DICOM does not allow "
            f"({type(error).__name__}); repair or remove the file in the archive"
        ) from None


def _read(pulled: Path, row: dict[str, Any]) -> Series:
    listed = Series.from_listing(row)
    folder = pulled / listed.folder if listed.folder else None
    if folder is None or not (files := _files(folder)):
        return Series(
            scan=listed.scan,
            type=listed.type,
            quality=listed.quality,
            note=listed.note,
            problem=listed.problem or "no DICOM",
            broken=listed.broken,
            strays=listed.strays,
            series_description=listed.series_description,
            is_image=False,
        )
    files, aside = pictures.split(files)
    header = stack.read_header(files[0])
    rows, columns = stack.matrix(header)
    uid = str(header.get("SOPClassUID") or "")
    return Series(
        scan=listed.scan,
        folder=listed.folder,
        type=listed.type,
        quality=listed.quality,
        note=listed.note,
        problem=listed.problem,
        broken=listed.broken,
        strays=listed.strays,
        series_description=facts.text(header, "SeriesDescription") or listed.series_description,
        protocol_name=facts.text(header, "ProtocolName"),
        sequence_name=facts.sequence_name(header),
        image_type=stack.image_type(header),
        echo_times=stack.echo_times(header),
        repetition_time=facts.timing(header, "RepetitionTime"),
        inversion_time=facts.inversion_time(header),
        flip_angle=facts.timing(header, "FlipAngle"),
        manufacturer=facts.text(header, "Manufacturer"),
        model=facts.text(header, "ManufacturerModelName"),
        station=facts.text(header, "StationName"),
        phase_encoding=phase_encoding(header),
        rows=rows,
        columns=columns,
        frames=facts.integer(header, "NumberOfFrames"),
        files=len(files),
        series_number=facts.integer(header, "SeriesNumber"),
        series_uid=facts.text(header, "SeriesInstanceUID") or None,
        study_uid=facts.text(header, "StudyInstanceUID") or None,
        patient_id=facts.text(header, "PatientID") or facts.text(header, "PatientName") or None,
        acq_time=facts.acq_time(header),
        sop_class=sop_class_name(uid) if uid else None,
        is_image=holds_image(header.raw),
        aside=frozenset(path.name for path in aside),
        path=folder,
    )


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise DataError(f"series/{folder.name}: the folder is missing; pull the session again")
    return sorted(path for path in folder.iterdir() if path.is_file())


def without_aside(series: Series, place: Path) -> Series:
    """The series by a folder of links to its images below `place`, if it holds other files."""
    if not series.aside or not series.path:
        return series
    folder = place / series.path.name
    folder.mkdir(parents=True)
    for path in series.images:
        (folder / path.name).symlink_to(path.resolve())
    return replace(series, path=folder)


def name_scans(text: str, pulled: Path) -> str:
    """`text` with the scans' numbers in place of their folders, which nobody else knows."""
    scans = {row["folder"]: row["scan"] for row in read_json(pulled / "pulled.json")["scans"]}
    return re.sub(r"series/\d+", lambda found: scan_name(scans.get(found[0])), text)
