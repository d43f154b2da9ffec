"""From a session's exported DICOM files to XNAT's scans, and where they go."""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pydicom

from coil.archive.client import Address
from coil.archive.push.mirror import Copy, Scan
from coil.config.model.push import Target
from coil.errors import CoilError
from coil.records.archive import ArchiveRecord
from coil.records.export import ExportRecord
from coil.units import Unit

_TAGS = [
    "Modality", "SeriesNumber", "SeriesInstanceUID", "StudyInstanceUID", "StudyDate",
    "SOPClassUID",
]  # fmt: skip
_TYPES = {
    "PT": "pet", "MR": "mr", "CT": "ct", "CR": "cr", "DX": "dx", "ES": "es", "GM": "gm",
    "HD": "hd", "IO": "io", "MG": "mg", "NM": "nm", "OP": "op", "OPT": "opt", "RF": "rf",
    "RG": "rg", "SM": "sm", "US": "us", "XA": "xa", "XC": "xc",
}  # fmt: skip
"""The beginnings of XNAT's types of sessions and scans, by Modality; of a session with scans of
several the first counts."""
_SCAN_TYPES = _TYPES | {
    "RTSTRUCT": "rtImage", "RTDOSE": "rtImage", "RTPLAN": "rtImage", "RTIMAGE": "rtImage",
    "SEG": "seg", "SR": "sr",
}  # fmt: skip
_CLASSES = {
    "1.2.840.10008.5.1.4.1.1.4": "MR",
    "1.2.840.10008.5.1.4.1.1.2": "CT",
    "1.2.840.10008.5.1.4.1.1.128": "PT",
    "1.2.840.10008.5.1.4.1.1.130": "PT",
}
"""Modalities by SOP class, for images that do not tell theirs."""


def read_scans(record: ExportRecord, folder: Path) -> tuple[list[Scan], dict[str, str]]:
    """The scans of an export's record whose tree is `folder`, and what is said of the session.

    As on XNAT's own import the SeriesNumber is the scan's ID; series that share one are told
    apart as `6-MR1`, `6-MR2`. One that comes later than the others gets its ID where it goes.
    """
    exported = (row for row in record.series if row.state == "exported" and row.files)
    names = [row.folder or "" for row in exported]
    paths = [sorted((folder / name).glob("*.dcm")) for name in names]
    heads = [pydicom.dcmread(first, True, True, specific_tags=_TAGS) for first, *_ in paths]
    numbers = [str(head.get("SeriesNumber") or name.partition("_")[0].lstrip("0"))
               for head, name in zip(heads, names, strict=True)]  # fmt: skip
    shared, seen = Counter(numbers), Counter()
    scans = []
    for name, files, head, number in zip(names, paths, heads, numbers, strict=True):
        modality = _modality(head)
        seen[number] += 1
        ident = f"{number}-{modality}{seen[number]}" if shared[number] > 1 else number
        described = name.partition("_")[2] or f"series {number}"
        kind = f"xnat:{_SCAN_TYPES.get(modality, 'otherDicom')}ScanData"
        uid = str(head.get("SeriesInstanceUID") or "")
        later = f"{number}-{modality}"
        scans.append(Scan(ident, kind, described, uid, tuple(files), number, later))
    about = {"xsiType": session_type(map(_modality, heads))}
    if heads:
        day = str(heads[0].get("StudyDate") or "")
        about["UID"] = str(heads[0].get("StudyInstanceUID") or "")
        about["date"] = f"{day[:4]}-{day[4:6]}-{day[6:]}" if len(day) == 8 else ""
    return scans, about


def _modality(head: pydicom.Dataset) -> str:
    modality = str(head.get("Modality") or "")
    kind = str(head.get("SOPClassUID") or "")
    # The enhanced ones are numbered below the classic: 4, 4.1, 4.2.
    classic = ".".join(kind.split(".")[:10])
    return modality or _CLASSES.get(classic, "OT")


def session_type(modalities: Iterable[str]) -> str:
    """XNAT's type of a session with scans of these modalities: PET before MR before CT."""
    there = set(modalities)
    if {"MR", "PT"} <= there:
        return "xnat:petmrSessionData"
    kind = next((kind for name, kind in _TYPES.items() if name in there), "otherDicom")
    return f"xnat:{kind}SessionData"


def address(to: Target, here: Address) -> Address:
    """The server of the config's `to`: the project's own (`here`) unless it names another.

    The login at another server is of its own: XNAT_USER's password is not shown to it.
    """
    server = (to.server or here.server).rstrip("/")
    if server == here.server:
        return here
    return replace(here, server=server, ca_bundle=to.ca_bundle, login="XNAT_EXPORT")


def copy_of(unit: Unit, to: Target, place: ArchiveRecord, secret: bytes) -> Copy:
    """The copy of a session in the project that the config's `to` names."""
    same = address(to, Address.of_record(place)).server == place.server
    origin = place.project
    return Copy.of(to.project, unit, secret, origin, origin if same else None)


@contextmanager
def explained() -> Iterator[None]:
    """Say of errors that they are the other project's."""
    try:
        yield
    except CoilError as error:
        raise type(error)(f"export.to: {error}") from None
