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
from typing import Any

from coil.bids.dataset import tables
from coil.bids.dataset.columns import Column, TableError, first_of, note_of
from coil.bids.dataset.description import changes, citation, description, readme, write_description
from coil.bids.dataset.participants import (
    custom,
    participant_rows,
    session_rows,
    write_participants,
)
from coil.bids.dataset.phenotype import Instrument
from coil.deid.leak.dataset import Guard
from coil.errors import ConfigError, DataError
from coil.files import erase_time, remove_tree

logger = logging.getLogger(__name__)
Record = dict[str, Any]


@dataclass
class Problems:
    """What was left out of a dataset, with the reason."""

    found: list[dict[str, str]] = field(default_factory=list)

    def attempt(self, what: str, work: Callable[[], Any]) -> Any:
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
        self.found.append({"what": what, "reason": first_of(lines)})


@dataclass(frozen=True)
class Tables:
    """What is known of the people of a dataset, beside the records of their sessions.

    `people` has for each participant what `coil.archive.discover.demographics.by_pseudonym` notes;
    `participants` and `sessions` are the config's custom variables, `phenotype` the instruments.
    """

    people: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    participants: Sequence[Column] = ()
    sessions: Sequence[Column] = ()
    phenotype: Sequence[Instrument] = ()


def write_dataset(
    bids: Path,
    records: Iterable[Record],
    about: Mapping[str, Any],
    generated_by: Sequence[Mapping[str, Any]],
    known: Tables,
    guard: Guard,
    problems: Problems | None = None,
) -> dict[str, Any]:
    """Write the dataset-level files and take out what no admitted session accounts for.

    Parameters
    ----------
    bids
        The dataset's root, with the admitted sessions in `sub-X/ses-Y/`.
    records
        The sessions' records (`admit.json`); only those with state `done` count.
    about
        The config's `bids`.
    generated_by
        See `coil.bids.dataset.description.generated_by`.
    known
        What the tables tell of people. Rows of participants who are not in the dataset are
        left out.
    guard
        Finds what must not be published.
    problems
        What was left out before.

    Raises
    ------
    ConfigError
        If what the dataset says of itself holds an identifier, or cannot be written.

    Returns
    -------
    A summary: the numbers of `subjects`, `sessions`, `images` and `instruments`, and the
    `problems`: what was left out and why.
    """
    problems = problems or Problems()
    history, own = changes(about.get("releases") or []), about.get("readme", "")
    if kind := guard.kind(own, description(about, ()), citation(about), history):
        raise ConfigError(f"bids: a text of it holds a {kind}; take it out of the config")
    done = sorted(
        (record for record in records if record["state"] == "done"),
        key=lambda record: (record["subject"], record["session"]),
    )
    by_subject: dict[str, list[Record]] = defaultdict(list)
    for record in done:
        by_subject[record["subject"]].append(record)
    held = {subject: {r["session"] for r in rows} for subject, rows in by_subject.items()}
    bids.mkdir(parents=True, exist_ok=True)
    phenotype = [
        one
        for table in (instrument.of(held) for instrument in known.phenotype)
        if table.rows
        and (one := problems.attempt(f"phenotype/{table.name}", lambda t=table: _safe(t, guard)))
    ]
    _prune(bids, held, {instrument.name for instrument in phenotype})
    write_description(bids, about, generated_by, readme(about, len(done), len(by_subject)))
    _write_people(bids, by_subject, known, guard, problems)
    _write_sessions(bids, by_subject, known, guard, problems)
    describe(bids / "scans.json", tables.SCANS, done)
    for one in phenotype:
        tables.write_table(bids / "phenotype" / f"{one.name}.tsv", one.header, one.rows)
        tables.write_json(bids / "phenotype" / f"{one.name}.json", one.dictionary)
    return {
        "subjects": len(by_subject),
        "sessions": len(done),
        "images": sum(file.endswith(".nii.gz") for record in done for file in record["files"]),
        "instruments": len(phenotype),
        "problems": problems.found,
    }


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
    by_subject: Mapping[str, list[Record]],
    known: Tables,
    guard: Guard,
    problems: Problems,
) -> None:
    """participants.tsv and .json; a custom variable with a wrong value is left out."""
    subjects = sorted(by_subject)
    people = [known.people.get(subject, {}) for subject in subjects]
    owners = [
        (f"sub-{subject}", person.get("fields", {}), person.get("days"))
        for subject, person in zip(subjects, people, strict=True)
    ]
    kept = _columns("participants.tsv", known.participants, owners, guard, problems)
    write_participants(bids, participant_rows(by_subject, known.people), kept)


def _write_sessions(
    bids: Path,
    by_subject: Mapping[str, list[Record]],
    known: Tables,
    guard: Guard,
    problems: Problems,
) -> None:
    """sub-X_sessions.tsv of each participant, and sessions.json for all."""
    units = [(r["subject"], r["session"]) for rows in by_subject.values() for r in rows]
    owners = []
    for subject, session in units:
        person = known.people.get(subject, {})
        fields = person.get("sessions", {}).get(session, {}).get("fields", {})
        owners.append((f"sub-{subject}_ses-{session}", fields, person.get("days")))
    kept = _columns("sessions.tsv", known.sessions, owners, guard, problems)
    cells = dict(zip(units, zip(*kept.values(), strict=True), strict=True)) if kept else {}
    header = [*tables.SESSIONS, *(column.name for column in kept)]
    for subject, sessions in by_subject.items():
        rows = [
            [*row, *cells.get((subject, record["session"]), ())]
            for row, record in zip(session_rows(sessions), sessions, strict=True)
        ]
        path = bids / f"sub-{subject}" / f"sub-{subject}_sessions.tsv"
        tables.write_table(path, header, rows)
        erase_time(path)
        erase_time(path.parent)
    describe(bids / "sessions.json", tables.SESSIONS | note_of(kept), units)


def _columns(
    table: str,
    columns: Iterable[Column],
    owners: Sequence[tuple[str, Mapping[str, str], int | None]],
    guard: Guard,
    problems: Problems,
) -> dict[Column, list[str]]:
    """The custom variables that may leave, each with its values."""

    def checked(column: Column) -> list[str]:
        values = custom(column, owners, table)
        if kind := guard.kind(dict(column.note)) or guard.kind_in_cells([(column.note, values)]):
            raise DataError(f"it holds a {kind}; correct it in the archive or in the config")
        return values

    found = {}
    for column in columns:
        what = f"{table}, column {column.name}"
        values = problems.attempt(what, lambda c=column: checked(c))
        if values is not None:
            found[column] = values
    return found


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
