"""Describe the dataset of what the scanners computed, and let the validator judge it.

in:     the records of all sessions
out:    verdict, as JSON with the number of errors and warnings and each issue
params: authors
"""

from pathlib import Path
from typing import TYPE_CHECKING

from coil import files, jobs
from coil.bids.associated import scanner
from coil.records.session import SessionRecord
from coil.workspace import Results

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

if "snakemake" in globals():
    target = Path(snakemake.output.verdict)
    verdict = jobs.must(
        snakemake.log[0],
        lambda: scanner.write(
            Results(target.parent.parent).bids,
            [SessionRecord.read(Path(path)).fields() for path in snakemake.input.records],
            snakemake.params["authors"],
        ),
    )
    files.write_json(target, verdict)
