"""Describe the derivative dataset of an analysis, and let the validator judge it.

in:     records, those of the analysis
out:    verdict, as JSON with the number of errors and warnings and each issue
params: about, what the dataset says of itself
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from coil import files, jobs
from coil.analyses import dataset
from coil.bids.validate import validate
from coil.records.validation import Verdict

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(records: list[Path], about: dict[str, Any], folder: Path) -> Verdict:
    """The validator's verdict on `folder`; `records` are records/<place>/<analysis>.json."""
    kept = [path.parent.name for path in records if files.read_json(path)["files"]]
    if not dataset.write(folder, about, kept):
        return Verdict()
    return validate(folder)


if "snakemake" in globals():
    target = Path(snakemake.output.verdict)
    found = jobs.must(
        snakemake.log[0],
        lambda: main(
            [Path(path) for path in snakemake.input.records],
            snakemake.params["about"],
            target.with_suffix(""),
        ),
    )
    found.write(target)
