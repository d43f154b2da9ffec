"""What discovery and pull leave of an archive, for tests of what reads it."""

from pathlib import Path
from typing import Any

import msgspec

from coil.records.archive import ArchiveRecord
from coil.records.pulled import PulledSession


def archive_at(server: str = "", project: str = "") -> ArchiveRecord:
    """The record of a project at a server, met in the usual way."""
    return ArchiveRecord(server=server, project=project, connections=4, login="XNAT")


def write_pulled(folder: Path, *scans: dict[str, Any], **identifiers: str) -> Path:
    """Write `pulled.json` in a folder, with these rows and names of the archive."""
    record = {"scans": scans, "identifiers": identifiers}
    msgspec.convert(record, PulledSession).write(folder / "pulled.json")
    return folder / "pulled.json"
