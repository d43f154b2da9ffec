"""The receipt: which bytes this workflow wrote, kept in the archive beside what it wrote.

`receipt.json` lies in one resource and speaks for all of a session. It is written before
the first file is sent, with the digests of what is there and of what will be, and once
more when everything was read back; `complete` tells the two apart. So a push that was cut
off anywhere knows its own files the next time, and nobody takes half of it for the whole.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from coil.archive.resources import ASSESSOR, Resource, ResourceFile
from coil.records.receipt import ReceiptRecord

RECEIPT = "receipt.json"


@dataclass(frozen=True)
class Receipt:
    """The MD5s that were written, by file; of the resource `home` the receipt lies in."""

    home: str
    digests: Mapping[ResourceFile, list[str]] = field(default_factory=dict)

    @property
    def file(self) -> ResourceFile:
        """The file of the receipt itself."""
        return ResourceFile(Resource(self.home), RECEIPT)

    def wrote(self, file: ResourceFile, digest: str) -> bool:
        """Whether this workflow wrote these bytes there."""
        return digest in self.digests.get(file, [])

    def text(self, complete: bool) -> bytes:
        """The receipt as a file."""
        return self.forms(complete)[0]

    def forms(self, complete: bool) -> tuple[bytes, ...]:
        """The receipt as a file in each form that Coil has written, today's first."""
        names = {
            key(file, self.home): tuple(sorted(set(d))) for file, d in self.digests.items() if d
        }
        return ReceiptRecord(complete=complete, files=names).forms()

    @classmethod
    def parse(cls, home: str, data: bytes) -> "Receipt | None":
        """The receipt in a file's bytes; None if this workflow did not write it.

        Raises `RecordError` if a later version of it did.
        """
        record = ReceiptRecord.from_bytes(data)
        if record is None:
            return None
        try:
            return cls(home, {_spot(name, home): [*d] for name, d in record.files.items()})
        except ValueError:
            return None


def key(file: ResourceFile, home: str) -> str:
    """How records and receipts name a file: `report.html`, `scans/4/NIFTI/sub-01_T1w.nii.gz`."""
    resource, name = file
    if file == ASSESSOR or resource == Resource(home):
        return name
    return (
        f"scans/{resource.scan}/{resource.label}/{name}"
        if resource.scan
        else f"resources/{resource.label}/{name}"
    )


def keys(wanted_files: Iterable[ResourceFile], home: str) -> tuple[str, ...]:
    """The names of files, sorted."""
    return tuple(sorted(key(file, home) for file in wanted_files))


def _spot(name: str, home: str) -> ResourceFile:
    if name == ASSESSOR.name:
        return ASSESSOR
    first, _, rest = name.partition("/")
    if first == "scans":
        scan, resource, path = rest.split("/", 2)
        return ResourceFile(Resource(resource, scan), path)
    if first == "resources":
        resource, path = rest.split("/", 1)
        return ResourceFile(Resource(resource), path)
    return ResourceFile(Resource(home), name)
