"""Take out of a project's DICOM the sessions that are gone, or all if no export is wanted.

in:     sessions, the project's table
out:    record, with the sessions that were taken out
params: export, what the config wants exported, or None
"""

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coil import files, jobs
from coil.units import Unit, read_units
from coil.workspace import Results

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(results: Results, kept: Collection[Unit]) -> dict[str, Any]:
    """The record; of sessions not in `kept` nothing stays in the project's `results`.

    Only folders of the form that the export writes are touched.
    """
    names = {str(unit) for unit in kept}
    tree, removed = results.dicom, []
    for session in sorted(tree.glob("sub-*/ses-*")):
        name = f"{session.parent.name}_{session.name}"
        if name in names:
            continue
        files.remove_tree(session)
        removed.append(name)
        if not any(session.parent.iterdir()):
            session.parent.rmdir()
    for record in results.records.glob("sub-*/export.json"):
        if record.parent.name not in names:
            record.unlink()
    if not names and tree.is_dir() and not any(tree.iterdir()):
        tree.rmdir()
    return {"state": "done", "removed": removed}


if "snakemake" in globals():
    target = Path(snakemake.output.record)
    wanted = snakemake.params["export"]
    units = read_units(Path(snakemake.input.sessions)) if wanted else []
    found = jobs.must(snakemake.log[0], lambda: main(Results.of_record(target), units))
    files.write_json(target, found)
