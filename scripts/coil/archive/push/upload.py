"""The files of the results that go back to the archive, and into which resource."""

from pathlib import Path, PurePosixPath

from coil.archive.resources import Resource, ResourceFile
from coil.deid.leak.search import REMOVED
from coil.records.push import HiddenScans
from coil.records.series import SeriesRow
from coil.records.session import SessionRecord

SIDECARS = (".json", ".tsv", ".tsv.gz")
"""Files of a scan that go to its resource BIDS; all others go to NIFTI."""


def scan_files(record: SessionRecord, dataset: Path) -> dict[ResourceFile, Path]:
    """The files of each mapped scan in the admitted dataset, for its NIFTI and BIDS resources.

    XNAT's BIDS containers look for images, bval and bvec in NIFTI, and for one sidecar of
    the same name in BIDS; both keep their BIDS names.
    """
    sources: dict[ResourceFile, Path] = {}
    for scan, names in of_scans(record).items():
        for name in names:
            resource = Resource("BIDS" if name.endswith(SIDECARS) else "NIFTI", scan)
            sources[ResourceFile(resource, PurePosixPath(name).name)] = dataset / name
    return sources


def of_scans(record: SessionRecord) -> dict[str, list[str]]:
    """The admitted files of each mapped scan, each file once.

    A scan whose ID held an identifier has none in the record, and so no address.
    """
    seen: set[str] = set()
    scans: dict[str, list[str]] = {}
    for series in record.series:
        names = [n for n in series.files or () if n in record.files and n not in seen]
        if (scan := _mapped_scan(series)) and REMOVED not in scan and names:
            scans.setdefault(scan, []).extend(names)
            seen.update(names)
    return scans


def hidden_scans(record: SessionRecord) -> tuple[HiddenScans, ...]:
    """The mapped scans that have no address, if there are any."""
    number = sum(REMOVED in (_mapped_scan(series) or "") for series in record.series)
    return (HiddenScans(scans=number),) if number else ()


def _mapped_scan(series: SeriesRow) -> str | None:
    """The ID of a series's scan if it is mapped."""
    return series.scan if series.state == "mapped" else None


def derivative_files(folder: Path, resource: str) -> dict[ResourceFile, Path]:
    """All files of a session in a derivative dataset, with their folders, for one resource."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        ResourceFile(Resource(resource), path.relative_to(folder).as_posix()): path
        for path in paths
    }
