"""The dataset of a project, from what the stages and the archive left of its sessions."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from coil.bids.dataset.columns import Column
from coil.bids.dataset.dataset import Problems, Shared, Tables, write_dataset
from coil.bids.dataset.description import Generator, generated_by
from coil.bids.dataset.people import People
from coil.bids.dataset.phenotype import Instrument
from coil.bids.dataset.questionnaires import read_instrument
from coil.bids.dataset.shared_config import allowed, write_config
from coil.bids.mapping import mapping
from coil.deid.identity.identities import LinkTable
from coil.deid.leak import people
from coil.deid.leak.dataset import Guard
from coil.records.archive import ArchiveRecord
from coil.records.dataset import DatasetRecord
from coil.records.session import SessionRecord
from coil.records.subjects import Person, SubjectsRecord
from coil.words import plural
from coil.workspace import Private


@dataclass(frozen=True)
class Sources:
    """The files that a project's dataset is written from.

    records          of all sessions
    people           whom the headers of each session name
    private          the project's, with the link table and what the archive knows of subjects
    questionnaires   the folder with those of the archive
    """

    records: Sequence[Path]
    people: Sequence[Path]
    private: Private
    questionnaires: Path


@dataclass(frozen=True)
class Made:
    """The maker of a project's dataset, for its `GeneratedBy`.

    settings   of the project
    digests    of the files that the mapping's sources rest on, by their names
    code       a digest of what made the sessions
    """

    settings: Mapping[str, Any]
    digests: Mapping[str, str]
    code: str

    def by(self, records: Iterable[SessionRecord]) -> list[Generator]:
        """The `GeneratedBy` of the dataset with these admitted sessions."""
        about = self.settings["bids"]
        rules = mapping.parse(about["mapping"], synonyms=about["synonyms"])
        digests = {"mapping": rules.digest_with(self.digests), "code": self.code}
        return generated_by(records, digests)


def write(bids: Path, sources: Sources, made: Made) -> DatasetRecord:
    """Write what the sessions of a project share to the dataset's root; the record of it."""
    settings = made.settings
    subjects, problems = SubjectsRecord.read(sources.private.subjects), Problems()
    guard = _guard(sources, settings)
    records = [with_age(SessionRecord.read(path), subjects.linked) for path in sources.records]
    done = [record for record in records if record.state == "done"]
    tables = Tables(
        subjects.linked,
        [Column.configured(column) for column in settings["participants"]],
        [Column.configured(column) for column in settings["sessions"]],
        instruments(settings["phenotype"], sources.questionnaires, subjects, problems),
    )
    shared = Shared(settings["bids"], made.by(done), tables, guard)
    problems.attempt("code/coil.yaml", lambda: write_config(bids, settings, guard))
    return write_dataset(bids, records, shared, problems)


def _guard(sources: Sources, settings: Mapping[str, Any]) -> Guard:
    """The finder of the project's identifiers in texts that are about to leave."""
    return Guard(
        LinkTable.read(sources.private.link).rows,
        ArchiveRecord.read(sources.private.archive),
        texts(allowed(settings)),
        people.read(sources.people),
    )


def instruments(
    phenotype: Sequence[Mapping[str, Any]],
    folder: Path,
    subjects: SubjectsRecord,
    problems: Problems,
) -> list[Instrument]:
    """The config's instruments; one that cannot be used is left out, and said to be."""
    known = People.of(subjects)
    kept: list[Instrument] = []
    for entry in phenotype:
        what = f"phenotype/{entry['instrument']}"
        tables = problems.attempt(
            what, lambda e=entry: read_instrument(e, folder, subjects.measured, known)
        )
        kept += tables or []
        if tables and (rows := tables[0].unknown):
            reason = "no such subject in the archive; correct the label, if it is wrong"
            problems.note(
                f"{what}, {plural(len(rows), 'row')}", [f"{row}: {reason}" for row in rows]
            )
    return kept


def with_age(record: SessionRecord, known: Mapping[str, Person]) -> SessionRecord:
    """The record; the archive's demographics tell the age where no DICOM header does."""
    if record.age or record.subject not in known:
        return record
    return replace(record, age=known[record.subject].ages.get(record.session))


def texts(value: Any) -> list[str]:
    """All texts in a value of a config."""
    if isinstance(value, dict):
        return [text for key, one in value.items() for text in (str(key), *texts(one))]
    if isinstance(value, list):
        return [text for one in value for text in texts(one)]
    return [str(value)]
