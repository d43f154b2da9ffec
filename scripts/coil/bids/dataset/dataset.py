"""What the sessions of a dataset share: its description, its participants, its tables.

Everything is derived from the sessions' records, sorted, so that the same sessions give the
same bytes in whatever order they came. What cannot be told of people, or may not, is left out
and said to be, and holds up nothing else.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence, Sized
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from coil.bids.dataset import tables
from coil.bids.dataset.columns import Column, TableError, first_of, note_of
from coil.bids.dataset.description import (
    Generator,
    changes,
    citation,
    description,
    readme,
    write_description,
)
from coil.bids.dataset.participants import (
    Owner,
    custom,
    participant_rows,
    session_rows,
    write_participants,
)
from coil.bids.dataset.phenotype import Instrument
from coil.deid.leak.dataset import Guard
from coil.errors import ConfigError, DataError
from coil.files import erase_time, remove_tree
from coil.records.dataset import DatasetRecord, LeftOut
from coil.records.session import SessionRecord
from coil.records.subjects import Person, SubjectSession
from coil.units import Unit

logger = logging.getLogger(__name__)
T = TypeVar("T")


class Problems:
    """The parts that were left out of a dataset, each with the reason."""

    def __init__(self) -> None:
        self.parts: list[LeftOut] = []

    def attempt(self, what: str, work: Callable[[], T]) -> T | None:
        """The result of `work`; None, with `what` noted, where a DataError says why not."""
        try:
            return work()
        except DataError as error:
            self.note(what, error.errors if isinstance(error, TableError) else [str(error)])
            return None

    def note(self, what: str, lines: Sequence[str]) -> None:
        """Note what was left out; of several lines the log has all."""
        for line in lines:
            logger.error("%s: left out: %s", what, line)
        self.parts.append(LeftOut(what=what, reason=first_of(lines)))


@dataclass(frozen=True)
class Tables:
    """The people of a dataset and their tables, beside the records of their sessions.

    `people` are the participants; `participants` and `sessions` are the config's custom
    variables, `phenotype` the instruments.
    """

    people: Mapping[str, Person] = field(default_factory=dict)
    participants: Sequence[Column] = ()
    sessions: Sequence[Column] = ()
    phenotype: Sequence[Instrument] = ()


@dataclass(frozen=True)
class Shared:
    """The values from which the files that sessions share are written.

    about           the config's `bids`
    generated_by    see `coil.bids.dataset.description.generated_by`
    tables          those of people; rows of who is not in the dataset are left out
    guard           finds what must not be published
    """

    about: Mapping[str, Any]
    generated_by: Sequence[Generator]
    tables: Tables
    guard: Guard


def write_dataset(
    bids: Path,
    records: Iterable[SessionRecord],
    shared: Shared,
    problems: Problems | None = None,
) -> DatasetRecord:
    """Write the dataset-level files and take out what no admitted session accounts for.

    Parameters
    ----------
    bids
        The dataset's root, with the admitted sessions in `sub-X/ses-Y/`.
    records
        The sessions' records; only those with state `done` count.
    shared
        What is written.
    problems
        What was left out before.

    Raises
    ------
    ConfigError
        If what the dataset says of itself holds an identifier, or cannot be written.
    """
    problems, about = problems or Problems(), shared.about
    _check_words(about, shared.guard)
    done = [record for record in records if record.state == "done"]
    by_subject = _by_subject(done)
    held = {subject: {one.session for one in rows} for subject, rows in by_subject.items()}
    bids.mkdir(parents=True, exist_ok=True)
    phenotype = _instruments(shared, held, problems)
    _prune(bids, held, {instrument.name for instrument in phenotype})
    text = readme(about, len(done), len(by_subject))
    write_description(bids, about, shared.generated_by, text)
    _write_people(bids, by_subject, shared, problems)
    _write_sessions(bids, by_subject, shared, problems)
    describe(bids / "scans.json", tables.SCANS, done)
    for one in phenotype:
        one.write(bids)
    return DatasetRecord(
        subjects=len(by_subject),
        sessions=len(done),
        images=sum(file.endswith(".nii.gz") for record in done for file in record.files),
        instruments=len(phenotype),
        problems=tuple(problems.parts),
    )


def _check_words(about: Mapping[str, Any], guard: Guard) -> None:
    """Raise ConfigError if what the dataset says of itself holds an identifier."""
    history, own = changes(about.get("releases") or []), about.get("readme", "")
    if kind := guard.kind(own, description(about, ()), citation(about), history):
        raise ConfigError(f"bids: a text of it holds a {kind}; take it out of the config")


def _by_subject(records: Iterable[SessionRecord]) -> dict[str, list[SessionRecord]]:
    """The records of each participant, both sorted by their labels."""
    groups: dict[str, list[SessionRecord]] = defaultdict(list)
    for record in sorted(records, key=lambda record: (record.subject, record.session)):
        groups[record.subject].append(record)
    return groups


def _instruments(
    shared: Shared, held: Mapping[str, set[str]], problems: Problems
) -> list[Instrument]:
    """The instruments with the rows of whom the dataset has; those that may leave."""
    filled = [table for one in shared.tables.phenotype if (table := one.of(held)).rows]
    kept = [
        problems.attempt(f"phenotype/{table.name}", lambda t=table: _safe(t, shared.guard))
        for table in filled
    ]
    return [table for table in kept if table]


def _safe(instrument: Instrument, guard: Guard) -> Instrument:
    """The instrument; DataError if it holds an identifier."""
    notes = [instrument.dictionary.get(name, {}) for name in instrument.header[1:]]
    cells = [*zip(*instrument.rows, strict=True)]
    columns = [*zip(notes, cells[1:], strict=True)]
    head = [*instrument.header, *cells[0]]
    if kind := guard.kind("\n".join(head), instrument.dictionary) or guard.kind_in_cells(columns):
        raise DataError(f"it holds a {kind}; take it out of the table or its dictionary")
    return instrument


def _write_people(
    bids: Path,
    by_subject: Mapping[str, list[SessionRecord]],
    shared: Shared,
    problems: Problems,
) -> None:
    """participants.tsv and .json; a custom variable with a wrong value is left out."""
    known = shared.tables
    owners = [
        Owner(f"sub-{subject}", person.fields, person.days)
        for subject in sorted(by_subject)
        for person in (known.people.get(subject, Person()),)
    ]
    kept = _columns("participants.tsv", known.participants, owners, shared.guard, problems)
    write_participants(bids, participant_rows(by_subject, known.people), kept)


def _write_sessions(
    bids: Path,
    by_subject: Mapping[str, list[SessionRecord]],
    shared: Shared,
    problems: Problems,
) -> None:
    """sub-X_sessions.tsv of each participant, and sessions.json for all."""
    known = shared.tables
    units = [Unit(r.subject, r.session) for rows in by_subject.values() for r in rows]
    owners = [_owner(unit, known.people.get(unit.subject, Person())) for unit in units]
    kept = _columns("sessions.tsv", known.sessions, owners, shared.guard, problems)
    cells = dict(zip(units, zip(*kept.values(), strict=True), strict=True)) if kept else {}
    header = [*tables.SESSIONS, *(column.name for column in kept)]
    for subject, sessions in by_subject.items():
        rows = [
            [*row, *cells.get(Unit(subject, record.session), ())]
            for row, record in zip(session_rows(sessions), sessions, strict=True)
        ]
        path = bids / f"sub-{subject}" / f"sub-{subject}_sessions.tsv"
        tables.write_table(path, header, rows)
        erase_time(path)
        erase_time(path.parent)
    describe(bids / "sessions.json", {**tables.SESSIONS, **note_of(kept)}, units)


def _owner(unit: Unit, person: Person) -> Owner:
    return Owner(str(unit), person.sessions.get(unit.session, SubjectSession()).fields, person.days)


def _columns(
    table: str,
    columns: Iterable[Column],
    owners: Sequence[Owner],
    guard: Guard,
    problems: Problems,
) -> dict[Column, list[str]]:
    """The custom variables that may leave, each with its values."""

    def checked(column: Column) -> list[str]:
        values = custom(column, owners, table)
        if kind := guard.kind(dict(column.note)) or guard.kind_in_cells([(column.note, values)]):
            raise DataError(f"it holds a {kind}; correct it in the archive or in the config")
        return values

    kept: dict[Column, list[str]] = {}
    for column in columns:
        what = f"{table}, column {column.name}"
        values = problems.attempt(what, lambda c=column: checked(c))
        if values is not None:
            kept[column] = values
    return kept


def describe(path: Path, notes: Mapping[str, Any], tables_there: Sized) -> None:
    """Write the dictionary of tables; where there are none, BIDS wants none of it either."""
    if tables_there:
        tables.write_json(path, notes)
    else:
        remove_tree(path)


def _prune(bids: Path, held: Mapping[str, set[str]], instruments: set[str]) -> None:
    """Remove subjects, sessions and questionnaires that are no longer accounted for."""
    for folder in bids.glob("sub-*"):
        sessions = held.get(folder.name[4:])
        if not sessions:
            remove_tree(folder)
            continue
        for session in folder.glob("ses-*"):
            if session.name[4:] not in sessions:
                remove_tree(session)
    for path in (bids / "phenotype").glob("*"):
        if path.stem not in instruments:
            path.unlink()
    if not instruments:
        remove_tree(bids / "phenotype")
