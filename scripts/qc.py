"""Run the quality measures on one admitted session.

in:  record of the session
out: record of the measures; beside it the session's folder in derivatives/qc
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from analyses.qc import run
from coil import files, jobs

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(record: dict[str, Any], project: Path) -> dict[str, Any]:
    """The measures of the session that `record` admitted, in the project's results folder."""
    out = project / "derivatives" / "qc"
    if record["state"] != "done":
        files.remove_tree(out / f"sub-{record['subject']}" / f"ses-{record['session']}")
        return {"state": "skipped", "reason": "the session is not in the dataset", "images": []}
    return run(project / "bids", record["subject"], record["session"], sorted(record["files"]), out)


if "snakemake" in globals():
    target = Path(snakemake.output.record)
    result = jobs.attempt_record(
        "qc",
        snakemake.log[0],
        lambda: main(files.read_json(Path(snakemake.input.record)), target.parents[2]),
    )
    told = {"stage": "qc", "log": snakemake.log[0], "retry": False, "images": []}
    files.write_json(target, told | result)
