"""What goes back to the archive: which file of the results into which resource."""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from coil.archive.resources import Resource, ResourceFile
from coil.deid.leak.search import REMOVED

SIDECARS = (".json", ".tsv", ".tsv.gz")
"""Files of a scan that go to its resource BIDS; all others go to NIFTI."""


def scan_files(record: Mapping[str, Any], dataset: Path) -> dict[ResourceFile, Path]:
    """The files of each mapped scan in the admitted dataset, for its NIFTI and BIDS resources.

    XNAT's BIDS containers look for images, bval and bvec in NIFTI, and for one sidecar of
    the same name in BIDS; both keep their BIDS names.
    """
    found: dict[ResourceFile, Path] = {}
    for scan, names in of_scans(record).items():
        for name in names:
            resource = Resource("BIDS" if name.endswith(SIDECARS) else "NIFTI", scan)
            found[ResourceFile(resource, PurePosixPath(name).name)] = dataset / name
    return found


def of_scans(record: Mapping[str, Any]) -> dict[str, list[str]]:
    """The admitted files of each mapped scan, each file once.

    A scan whose ID held an identifier has none in the record, and so no address.
    """
    seen: set[str] = set()
    scans: dict[str, list[str]] = {}
    for series in record["series"]:
        names = [n for n in series["files"] if n in record["files"] and n not in seen]
        if _mapped(series) and REMOVED not in series["scan"] and names:
            scans.setdefault(series["scan"], []).extend(names)
            seen.update(names)
    return scans


def nameless(record: Mapping[str, Any]) -> list[str]:
    """What is said of mapped scans that have no address."""
    lost = sum(_mapped(series) and REMOVED in series["scan"] for series in record["series"])
    return [f"{lost} of the scans: an identifier is in the ID; rename it there"] if lost else []


def _mapped(series: Mapping[str, Any]) -> bool:
    return series["state"] == "mapped" and bool(series["scan"])


def derivative_files(folder: Path, resource: str) -> dict[ResourceFile, Path]:
    """All files of a session in a derivative dataset, with their folders, for one resource."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        ResourceFile(Resource(resource), path.relative_to(folder).as_posix()): path
        for path in paths
    }
