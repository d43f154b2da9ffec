"""Who is meant: the archive's labels in a table, by the dataset's pseudonyms."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import NamedTuple

from coil.records.subjects import SubjectsRecord


class Visit(NamedTuple):
    """A row's session: what the table's files call the occasion, and its BIDS label, if any."""

    occasion: str
    session: str | None


@dataclass(frozen=True)
class People:
    """The subjects that the archive's project knows.

    `participants` are the BIDS labels by the archive's subject label, None for a subject who is
    not in the dataset. `sessions` are the BIDS labels by the archive's session label, for each
    archive subject label, in the order of time. `days` is by how much a participant's dates
    move, for those whose dates may leave.
    """

    participants: Mapping[str, str | None]
    sessions: Mapping[str, Mapping[str, str | None]] = field(default_factory=dict)
    days: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, record: SubjectsRecord) -> "People":
        """The subjects as discovery left them."""
        participants: dict[str, str | None] = dict.fromkeys(record.others)
        sessions: dict[str, dict[str, str | None]] = {
            label: dict.fromkeys(labels) for label, labels in record.other_sessions.items()
        }
        for subject, person in record.linked.items():
            participants[person.archive_label] = subject
            ours = {one.archive_label: label for label, one in person.sessions.items()}
            sessions.setdefault(person.archive_label, {}).update(ours)
        days = {s: person.days for s, person in record.linked.items() if person.days is not None}
        return cls(participants, sessions, days)

    def visit(
        self, subject: str, cell: str, occasions: Mapping[str, str | None] | None
    ) -> Visit | None:
        """The session that a cell of a subject's row means; None where the row stays behind.

        It does where the archive has the session and the dataset does not. An occasion without
        any session, such as a screening, has rows and no session.

        `occasions` has for each value of the cell a pattern of the archive's session labels, or
        None where rows of that occasion stay behind; without it the cell is a session's label.

        Raises `ValueError` with the reason, which does not quote the cell.
        """
        held = self.sessions.get(subject, {})
        if occasions is None:
            if cell not in held:
                raise ValueError("no such session of this subject in the archive")
            name = f"visit{[*held].index(cell) + 1}"
            return Visit(name, held[cell]) if held[cell] else None
        if cell not in occasions:
            raise ValueError("names an occasion that the config's `sessions` do not")
        pattern = occasions[cell]
        if pattern is None:
            return None
        fitting = [label for label in held if fnmatchcase(label, pattern)]
        if len(fitting) > 1:
            raise ValueError(
                "several sessions of this subject fit the occasion's pattern in the config's "
                "`sessions`; make it narrower"
            )
        if not fitting:
            return Visit(cell, None)
        label = held[fitting[0]]
        return Visit(cell, label) if label else None
