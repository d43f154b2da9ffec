"""Where files go in the archive: the resources of a session or a project, and their addresses."""

from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import quote, unquote

from coil.archive.client import Archive, part
from coil.units import scan_name

# What XNAT's own conversion container says of these resources, and others look for.
_ATTRIBUTES = {
    "DICOM": {"format": "DICOM", "content": "RAW"},
    "NIFTI": {"format": "NIFTI", "content": "NIFTI_RAW", "tags": "BIDS"},
    "BIDS": {"format": "BIDS", "content": "BIDS", "tags": "BIDS"},
}


class Resource(NamedTuple):
    """A resource of a session (or a project) or, with `scan`, of one of its scans."""

    label: str
    scan: str = ""

    def address(self, base: str) -> str:
        """The resource's address; `base` is the session's or the project's."""
        scan = f"/scans/{part(self.scan)}" if self.scan else ""
        return f"{base}{scan}/resources/{part(self.label)}"

    def file_address(self, base: str, name: str) -> str:
        """The address of one file in the resource."""
        return f"{self.address(base)}/files/{quote(name)}"

    def attributes(self) -> dict[str, str]:
        """The query that describes the resource when its first file makes it."""
        return _ATTRIBUTES.get(self.label, {"content": "coil"})

    def __str__(self) -> str:
        return f"{self.label} of {scan_name(self.scan)}" if self.scan else self.label


class ResourceFile(NamedTuple):
    """One file of a resource, by its path there."""

    resource: Resource
    name: str

    def __str__(self) -> str:
        return f"{self.name} in {self.resource}" if self.resource.label else self.name


ASSESSOR = ResourceFile(Resource(""), "assessor")
"""Stands for the numbers of the session's assessor among the files."""


def held(archive: Archive, base: str, resources: Iterable[Resource]) -> dict[ResourceFile, str]:
    """The MD5 of every file in the resources, empty where the archive has none.

    One request for each resource of the session, and one for all files of its scans: XNAT lists
    one resource of several scans by addresses that bear them all.
    """
    found: dict[ResourceFile, str] = {}
    of_session = {resource.label for resource in resources if not resource.scan}
    of_scans = {resource.label for resource in resources if resource.scan}
    addresses = [Resource(label).address(base) for label in sorted(of_session)]
    addresses += [f"{base}/scans/ALL"] if of_scans else []
    for address in addresses:
        for row in archive.rows(f"{address}/files", absent_ok=True):
            scan = unquote(row["URI"].partition("/files/")[0].partition("/scans/")[2].split("/")[0])
            if not scan or row["collection"] in of_scans:
                found[ResourceFile(Resource(row["collection"], scan), _name(row))] = _digest(row)
    return found


def held_of(archive: Archive, base: str, file: ResourceFile) -> str | None:
    """The MD5 of one file, empty where the archive has none, None if it is not there."""
    rows = archive.rows(f"{file.resource.address(base)}/files", absent_ok=True)
    return next((_digest(row) for row in rows if _name(row) == file.name), None)


def _name(row: dict[str, str]) -> str:
    """A file's path in its resource, from a row of a files listing."""
    return unquote(row["URI"].partition("/files/")[2]) or row["Name"]


def _digest(row: dict[str, str]) -> str:
    return (row.get("digest") or "").lower()
