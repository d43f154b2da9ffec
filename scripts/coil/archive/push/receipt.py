"""The receipt: which bytes this workflow wrote, kept in the archive beside what it wrote.

`receipt.json` lies in one resource and speaks for all of a session. It is written before
the first file is sent, with the digests of what is there and of what will be, and once
more when everything was read back; `complete` tells the two apart. So a push that was cut
off anywhere knows its own files the next time, and nobody takes half of it for the whole.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from coil.archive.resources import ASSESSOR, Place, Spot

RECEIPT = "receipt.json"
_WRITTEN_BY = "coil"


@dataclass(frozen=True)
class Receipt:
    """The MD5s that were written, by file; of the resource `home` the receipt lies in."""

    home: str
    digests: Mapping[Spot, list[str]] = field(default_factory=dict)

    @property
    def spot(self) -> Spot:
        return Spot(Place(self.home), RECEIPT)

    def wrote(self, spot: Spot, digest: str) -> bool:
        """Whether this workflow wrote these bytes there."""
        return digest in self.digests.get(spot, [])

    def text(self, complete: bool) -> bytes:
        """The receipt as a file."""
        by_name = {key(spot, self.home): sorted(set(d)) for spot, d in self.digests.items() if d}
        content = {"written_by": _WRITTEN_BY, "complete": complete, "files": by_name}
        return (json.dumps(content, indent=1, sort_keys=True) + "\n").encode()

    @classmethod
    def parse(cls, home: str, data: bytes) -> "Receipt | None":
        """The receipt in a file's bytes; None if this workflow did not write it."""
        try:
            content: Any = json.loads(data)
            if content["written_by"] != _WRITTEN_BY:
                return None
            digests = {
                _spot(name, home): [str(digest) for digest in digests]
                for name, digests in content["files"].items()
            }
        except (ValueError, KeyError, TypeError, AttributeError):
            return None
        return cls(home, digests)


def key(spot: Spot, home: str) -> str:
    """How records and receipts name a file: `report.html`, `scans/4/NIFTI/sub-01_T1w.nii.gz`."""
    place, name = spot
    if spot == ASSESSOR or place == Place(home):
        return name
    return (
        f"scans/{place.scan}/{place.resource}/{name}"
        if place.scan
        else f"resources/{place.resource}/{name}"
    )


def keys(spots: Iterable[Spot], home: str) -> list[str]:
    """The names of files, sorted."""
    return sorted(key(spot, home) for spot in spots)


def _spot(name: str, home: str) -> Spot:
    if name == ASSESSOR.name:
        return ASSESSOR
    first, _, rest = name.partition("/")
    if first == "scans":
        scan, resource, path = rest.split("/", 2)
        return Spot(Place(resource, scan), path)
    if first == "resources":
        resource, path = rest.split("/", 1)
        return Spot(Place(resource), path)
    return Spot(Place(home), name)
