"""participants.tsv and the sessions' tables: demographics and the config's custom variables."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from coil.bids.dataset import tables
from coil.bids.dataset.columns import Column, TableError, note_of
from coil.bids.dataset.tables import UNKNOWN
from coil.files import remove_tree
from coil.records.session import SessionRecord
from coil.records.subjects import Person


class Owner(NamedTuple):
    """Whose a row is: its name, its custom variables, and by how much dates move there."""

    name: str
    fields: Mapping[str, str]
    days: int | None


def participant_rows(
    by_subject: Mapping[str, Sequence[SessionRecord]], people: Mapping[str, Person]
) -> list[list[str]]:
    """The rows of participants.tsv without custom variables.

    `people` tell sex and handedness. The age is that of the records, at the first session.
    """
    rows = []
    for subject in sorted(by_subject):
        person = people.get(subject, Person())
        ages = [record.age for record in by_subject[subject] if record.age is not None]
        rows.append(
            [
                f"sub-{subject}",
                tables.number(min(ages, key=float, default=None)),
                tables.sex(person.gender or None),
                tables.handedness(person.handedness or None),
            ]
        )
    return rows


def session_rows(sessions: Iterable[SessionRecord]) -> list[list[str]]:
    """The rows of one participant's sessions.tsv without custom variables."""
    rows = []
    for record in sessions:
        converted = [row for row in record.series if row.state == "mapped"]
        times = [row.acq_time for row in converted if row.acq_time]
        age = tables.number(record.age)
        rows.append([f"ses-{record.session}", min(times, default=UNKNOWN), age])
    return rows


def custom(
    column: Column,
    owners: Iterable[Owner],
    table: str,
) -> list[str]:
    """The values of one custom variable, one for each owner.

    Raises TableError, naming the rows whose value the column does not allow.
    """
    values, errors = [], []
    for owner in owners:
        try:
            values.append(column.value(owner.fields.get(column.source, ""), owner.days))
        except ValueError as error:
            errors.append(f"{table}: {owner.name}, column {column.name}: {error}")
    if errors:
        raise TableError(errors)
    return values


def write_participants(
    bids: Path, rows: Sequence[Sequence[str]], columns: Mapping[Column, Sequence[str]]
) -> None:
    """Write participants.tsv and .json; `columns` are custom variables with their values.

    Where there is nobody there is no table either: the validator would find it wrong.
    """
    if not rows:
        for name in ("participants.tsv", "participants.json"):
            remove_tree(bids / name)
        return
    header = [*tables.PARTICIPANTS, *(column.name for column in columns)]
    whole = [[*row, *(cells[at] for cells in columns.values())] for at, row in enumerate(rows)]
    tables.write_table(bids / "participants.tsv", header, whole)
    tables.write_json(bids / "participants.json", {**tables.PARTICIPANTS, **note_of(columns)})
