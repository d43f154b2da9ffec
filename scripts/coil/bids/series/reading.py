"""The series of a pulled session, each by one header."""

import re
from dataclasses import replace
from pathlib import Path

from coil.bids.series import facts, pictures, stack
from coil.bids.series.acquisition import phase_encoding
from coil.bids.series.broken import BrokenSeriesError, reading
from coil.bids.series.series import Series, files_in
from coil.deid.pixels import holds_image
from coil.dicom.header import sop_class_name
from coil.errors import DataError
from coil.records.pulled import NO_DICOM, PulledScan, PulledSession
from coil.units import scan_name


def read_series(pulled: Path) -> list[Series]:
    """Every series of a pulled session, by `pulled.json` and one header per series folder.

    A series whose header cannot be used is `broken`.

    Raises
    ------
    DataError
        If no series holds images that can be used.
    """
    found: list[Series] = []
    for row in PulledSession.read(pulled / "pulled.json").scans:
        try:
            with reading(row.folder):
                found.append(_read(pulled, row))
        except BrokenSeriesError as error:
            listing = Series.from_listing(row)
            found.append(replace(listing, listed=False, broken=error.reason))
    if any(series.is_image and not series.broken for series in found):
        return found
    for series in found:
        if series.broken:
            raise DataError(f"{series.folder or scan_name(series.scan)}: {series.broken}")
    raise DataError("the session has no DICOM images; look at its scans in the archive")


def _read(pulled: Path, row: PulledScan) -> Series:
    listed = Series.from_listing(row)
    folder = pulled / listed.folder if listed.folder else None
    if folder is None or not (files := files_in(folder)):
        return Series(
            scan=listed.scan,
            type=listed.type,
            quality=listed.quality,
            note=listed.note,
            problem=listed.problem or NO_DICOM,
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


def without_aside(series: Series, below: Path) -> Series:
    """The series by a folder of links to its images below a folder, if it holds other files."""
    if not series.aside or not series.path:
        return series
    folder = below / series.path.name
    folder.mkdir(parents=True)
    for path in series.images:
        (folder / path.name).symlink_to(path.resolve())
    return replace(series, path=folder)


def name_scans(text: str, pulled: Path) -> str:
    """`text` with the scans' numbers in place of their folders, which nobody else knows."""
    scans = {row.folder: row.scan for row in PulledSession.read(pulled / "pulled.json").scans}
    return re.sub(r"series/\d+", lambda found: scan_name(scans.get(found[0])), text)
