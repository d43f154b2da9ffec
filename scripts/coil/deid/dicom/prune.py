"""Sessions that are gone are taken out of a project's DICOM."""

from collections.abc import Collection, Iterator
from pathlib import Path

from coil import files
from coil.records.export import PruneRecord
from coil.units import Unit, read_units
from coil.workspace import Results


def prune_unlisted(record: Path, sessions: Path | None) -> PruneRecord:
    """Take out what is not in a project's table of sessions, or all where there is none (None).

    `record` is the file for what is returned, which tells the project's folder.
    """
    return prune(Results.of_record(record), read_units(sessions) if sessions else ())


def prune(results: Results, kept: Collection[Unit]) -> PruneRecord:
    """Leave nothing of sessions not in `kept` in the project's `results`.

    Only folders of the form that the export writes are touched.
    """
    names = {str(unit) for unit in kept}
    removed = tuple(_prune_tree(results.dicom, names))
    for record in results.records.glob("sub-*/export.json"):
        if record.parent.name not in names:
            record.unlink()
    if not names and results.dicom.is_dir() and not any(results.dicom.iterdir()):
        results.dicom.rmdir()
    return PruneRecord(removed=removed)


def _prune_tree(tree: Path, names: Collection[str]) -> Iterator[str]:
    """Remove the folders of other sessions; their names."""
    for session in sorted(tree.glob("sub-*/ses-*")):
        name = f"{session.parent.name}_{session.name}"
        if name not in names:
            files.remove_tree(session)
            if not any(session.parent.iterdir()):
                session.parent.rmdir()
            yield name
