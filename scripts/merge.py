"""Merge the datasets of several projects into one.

in:     records of all sessions of the projects, datasets (their summaries)
out:    description (dataset_description.json) and all else of the merged dataset;
        summary, with the numbers of participants, sessions and images
params: entry of the config's `merged`; code, a digest of what made the sessions
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from coil import files, jobs
from coil.bids.dataset.description import generated_by
from coil.bids.dataset.merge import Part, merge
from coil.records.session import SessionRecord

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(target: Path, results: Path, entry: dict[str, Any], code: str) -> dict[str, Any]:
    """The summary of the dataset that is merged to `target` from those in `results`."""
    parts = [part_of(results / project, entry) for project in entry["projects"]]
    records = [record for part in parts for record in part.records]
    return merge(target, parts, entry["bids"], generated_by(records, {"code": code}, {}))


def part_of(project: Path, entry: dict[str, Any]) -> Part:
    """A project's part of the merged dataset: its admitted sessions."""
    found = sorted(project.glob("records/sub-*_ses-*/admit.json"))
    records = [SessionRecord.read(path).fields() for path in found]
    plain = "".join(character for character in project.name if character.isalnum())
    site = entry["sites"].get(project.name, plain)
    done = [record for record in records if record["state"] == "done"]
    prefix = site if entry["site"] == "entity" else ""
    return Part(project.name, site, project / "bids", done, prefix)


if "snakemake" in globals():
    description = Path(snakemake.output.description)
    target = description.parent
    summary = jobs.must(
        snakemake.log[0],
        lambda: main(
            target, target.parent.parent, snakemake.params["entry"], snakemake.params["made_by"]
        ),
    )
    files.write_json(Path(snakemake.output.summary), summary)
