"""Write what the sessions of a dataset share, and take out sessions that are gone.

in:     records of all sessions, subjects (demographics, custom variables, assessors),
        questionnaires (a folder), link and archive (what must not be published), people (of all
        sessions: whom their headers name)
out:    description (dataset_description.json) and the other files of the dataset's root;
        summary, with the numbers of subjects, sessions and images, and what was left out
params: settings, the project's; made_by, a digest of the code that made the sessions; sources, the
        digests of the files that the mapping's sources rest on
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from coil import files, jobs
from coil.bids.dataset.columns import Column
from coil.bids.dataset.dataset import Problems, Tables, write_dataset
from coil.bids.dataset.description import generated_by
from coil.bids.dataset.people import People
from coil.bids.dataset.phenotype import Instrument
from coil.bids.dataset.questionnaires import read_instrument
from coil.bids.dataset.shared_config import allowed, write_config
from coil.bids.mapping import mapping
from coil.deid.identity.identities import LinkTable
from coil.deid.leak.dataset import Guard
from coil.deid.leak.people import read
from coil.records.session import SessionRecord
from coil.words import plural

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main(
    bids: Path,
    records: list[Path],
    people: list[Path],
    private: Path,
    questionnaires: Path,
    settings: dict[str, Any],
    code: str,
    sources: dict[str, str],
) -> dict[str, Any]:
    """The summary of the dataset that is written to `bids`; `private` is the project's.

    `sources` are the digests of the files that the mapping's sources rest on.
    """
    known = files.read_json(private / "subjects.json")
    guard = Guard(
        LinkTable.read(private / "link.tsv").rows,
        files.read_json(private / "archive.json"),
        texts(allowed(settings)),
        read(people),
    )
    about, problems = settings["bids"], Problems()
    noted = [with_age(SessionRecord.read(path).fields(), known["linked"]) for path in records]
    rules = mapping.parse(about["mapping"], synonyms=about["synonyms"])
    digests = {"mapping": rules.digest_with(sources), "code": code}
    tables = Tables(
        known["linked"],
        [Column.configured(column) for column in settings["participants"]],
        [Column.configured(column) for column in settings["sessions"]],
        measured(settings["phenotype"], questionnaires, known, problems),
    )
    done = [record for record in noted if record["state"] == "done"]
    made = generated_by(done, digests, {})
    problems.attempt("code/coil.yaml", lambda: write_config(bids, settings, guard))
    return write_dataset(bids, noted, about, made, tables, guard, problems)


def measured(
    phenotype: list[dict[str, Any]], folder: Path, known: dict[str, Any], problems: Problems
) -> list[Instrument]:
    """The config's instruments; one that cannot be used is left out, and said to be."""
    people = People.noted(known)
    found: list[Instrument] = []
    for entry in phenotype:
        what = f"phenotype/{entry['instrument']}"
        tables = problems.attempt(
            what, lambda e=entry: read_instrument(e, folder, known["measured"], people)
        )
        found += tables or []
        if tables and (rows := tables[0].unknown):
            reason = "no such subject in the archive; correct the label, if it is wrong"
            problems.note(
                f"{what}, {plural(len(rows), 'row')}", [f"{row}: {reason}" for row in rows]
            )
    return found


def with_age(record: dict[str, Any], known: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The record; the archive's demographics tell the age where no DICOM header does."""
    ages = known.get(record["subject"], {}).get("ages", {})
    return record | {"age": record["age"] or ages.get(record["session"])}


def texts(value: Any) -> list[str]:
    """All texts in a value of a config."""
    if isinstance(value, dict):
        return [text for key, one in value.items() for text in (str(key), *texts(one))]
    if isinstance(value, list):
        return [text for one in value for text in texts(one)]
    return [str(value)]


if "snakemake" in globals():
    given, params = snakemake.input, snakemake.params
    description = Path(snakemake.output.description)
    summary = jobs.must(
        snakemake.log[0],
        lambda: main(
            description.parent,
            [Path(path) for path in given.records],
            [Path(path) for path in given.people],
            Path(given.subjects).parent,
            Path(given.questionnaires),
            params["settings"],
            params["made_by"],
            params["sources"],
        ),
    )
    files.write_json(Path(snakemake.output.summary), summary)
