"""participants.tsv and the sessions' tables: demographics and the config's custom variables."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from coil.bids.dataset import tables
from coil.bids.dataset.columns import Column, TableError, note_of
from coil.bids.dataset.tables import UNKNOWN
from coil.files import remove_tree

Record = Mapping[str, Any]


def participant_rows(
    by_subject: Mapping[str, Sequence[Record]], known: Mapping[str, Mapping[str, Any]]
) -> list[list[str]]:
    """The rows of participants.tsv without custom variables.

    `known` are demographics by participant: `sex` (or `gender`) and `handedness` as the archive
    writes them. The age is that of the records, at the first session.
    """
    rows = []
    for subject in sorted(by_subject):
        person = known.get(subject, {})
        ages = [r["age"] for r in by_subject[subject] if r.get("age") is not None]
        rows.append(
            [
                f"sub-{subject}",
                tables.number(min(ages, default=None)),
                tables.sex(person.get("sex") or person.get("gender")),
                tables.handedness(person.get("handedness")),
            ]
        )
    return rows


def session_rows(sessions: Iterable[Record]) -> list[list[str]]:
    """The rows of one participant's sessions.tsv without custom variables."""
    rows = []
    for record in sessions:
        converted = [row for row in record["series"] if row["state"] == "mapped"]
        times = [row["acq_time"] for row in converted if row.get("acq_time")]
        age = tables.number(record.get("age"))
        rows.append([f"ses-{record['session']}", min(times, default=UNKNOWN), age])
    return rows


def custom(
    column: Column,
    owners: Iterable[tuple[str, Mapping[str, str], int | None]],
    table: str,
) -> list[str]:
    """The values of one custom variable, one for each owner.

    `owners` are of each row: its name, its custom variables, and by how much dates move there.

    Raises TableError, naming the rows whose value the column does not allow.
    """
    values, errors = [], []
    for name, fields, days in owners:
        try:
            values.append(column.value(fields.get(column.source, ""), days))
        except ValueError as error:
            errors.append(f"{table}: {name}, column {column.name}: {error}")
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
    tables.write_json(bids / "participants.json", tables.PARTICIPANTS | note_of(columns))
