"""Write what the sessions of a dataset share, and take out sessions that are gone.

in:     records of all sessions, subjects (demographics), questionnaires (a folder)
out:    description (dataset_description.json) and the other files of the dataset's root;
        summary, with the numbers of subjects, sessions and images
params: bids and phenotype, as the config has them
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from coil import files, jobs
from coil.bids import mapping
from coil.bids.dataset import write_dataset
from coil.bids.phenotype import Instrument, read_instrument

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(
    bids: Path,
    records: list[Path],
    subjects: Path,
    questionnaires: Path,
    config: dict[str, Any],
    phenotype: list[dict[str, Any]],
) -> dict[str, Any]:
    """The summary of the dataset that is written to `bids`."""
    known = files.read_json(subjects)
    link = {row["archive_label"]: subject for subject, row in known["linked"].items()}
    return write_dataset(
        bids,
        records=[with_age(files.read_json(path), known["linked"]) for path in records],
        name=config["name"],
        participants=known["linked"],
        mapping_digest=mapping.parse(config["mapping"], synonyms=config["synonyms"]).digest,
        authors=config["authors"],
        license=config.get("license"),
        readme=config["readme"],
        phenotype=[
            read(entry, questionnaires, {**dict.fromkeys(known["others"]), **link})
            for entry in phenotype
        ],
    )


def with_age(record: dict[str, Any], known: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The record; the archive's demographics tell the age where no DICOM header does."""
    ages = known.get(record["subject"], {}).get("ages", {})
    return record | {"age": record["age"] or ages.get(record["session"])}


def read(entry: dict[str, Any], folder: Path, link: dict[str, str | None]) -> Instrument:
    """One questionnaire of the config's `phenotype`."""
    resource = folder / entry["resource"]
    return read_instrument(
        entry["instrument"],
        resource / entry["file"],
        resource / entry["dictionary"],
        link,
        entry["subject_column"],
    )


if "snakemake" in globals():
    given, params = snakemake.input, snakemake.params
    description = Path(snakemake.output.description)
    summary = jobs.must(
        snakemake.log[0],
        lambda: main(
            description.parent,
            [Path(path) for path in given.records],
            Path(given.subjects),
            Path(given.questionnaires),
            params["bids"],
            params["phenotype"],
        ),
    )
    files.write_json(Path(snakemake.output.summary), summary)
