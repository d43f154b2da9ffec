"""Where files go in the archive: the resources of a session or a project, and their addresses."""

from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import quote, unquote

from coil.archive.client import Archive, part
from coil.units import scan_name

# What XNAT's own conversion container says of these resources, and others look for.
_ATTRIBUTES = {
    "NIFTI": {"format": "NIFTI", "content": "NIFTI_RAW", "tags": "BIDS"},
    "BIDS": {"format": "BIDS", "content": "BIDS", "tags": "BIDS"},
}


class Place(NamedTuple):
    """A resource of a session (or a project) or, with `scan`, of one of its scans."""

    resource: str
    scan: str = ""

    def address(self, base: str) -> str:
        """The resource's address; `base` is the session's or the project's."""
        scan = f"/scans/{part(self.scan)}" if self.scan else ""
        return f"{base}{scan}/resources/{part(self.resource)}"

    def file(self, base: str, name: str) -> str:
        """The address of one file in the resource."""
        return f"{self.address(base)}/files/{quote(name)}"

    def attributes(self) -> dict[str, str]:
        """What is said of the resource when its first file makes it."""
        return _ATTRIBUTES.get(self.resource, {"content": "coil"})

    def __str__(self) -> str:
        return f"{self.resource} of {scan_name(self.scan)}" if self.scan else self.resource


class Spot(NamedTuple):
    """One file of a resource, by its path there."""

    place: Place
    name: str

    def __str__(self) -> str:
        return f"{self.name} in {self.place}" if self.place.resource else self.name


ASSESSOR = Spot(Place(""), "assessor")
"""Stands for the numbers of the session's assessor among the files."""


def held(archive: Archive, base: str, places: Iterable[Place]) -> dict[Spot, str]:
    """The MD5 of every file in the places, empty where the archive has none.

    One request for each resource of the session, and for each label of the scans'.
    """
    found: dict[Spot, str] = {}
    of_session = {place.resource for place in places if not place.scan}
    of_scans = {place.resource for place in places if place.scan}
    addresses = [Place(label).address(base) for label in sorted(of_session)]
    addresses += [f"{base}/scans/ALL/resources/{part(label)}" for label in sorted(of_scans)]
    for address in addresses:
        label = unquote(address.rpartition("/")[2])
        for row in archive.rows(f"{address}/files", absent_ok=True):
            before, _, path = row["URI"].partition("/files/")
            scan = unquote(before.partition("/scans/")[2].split("/")[0])
            name = unquote(path) or row["Name"]
            found[Spot(Place(label, scan), name)] = (row.get("digest") or "").lower()
    return found
