"""Take sessions that are gone out of the derivative dataset, and let the validator judge it.

in:  the QC records of all sessions
out: verdict, as JSON with the number of errors and warnings and each issue
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from coil import files, jobs
from coil.bids.dataset.validate import validate

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(records: list[Path], dataset: Path) -> dict[str, Any]:
    """The validator's verdict on `dataset`; `records` are records/<unit>/qc.json."""
    kept = {tuple(record.parent.name.split("_")) for record in records}
    for session in dataset.glob("sub-*/ses-*"):
        if (session.parent.name, session.name) not in kept:
            files.remove_tree(session)
    for subject in dataset.glob("sub-*"):
        if not any(subject.iterdir()):
            subject.rmdir()
    if not any(dataset.glob("sub-*")):
        return {"errors": 0, "warnings": 0, "absent_keys": 0, "issues": [], "version": None}
    return validate(dataset)


if "snakemake" in globals():
    target = Path(snakemake.output.verdict)
    dataset = target.parent / "qc"
    found = jobs.must(
        snakemake.log[0], lambda: main([Path(path) for path in snakemake.input.records], dataset)
    )
    files.write_json(target, found)
