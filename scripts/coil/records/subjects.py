"""The archive's subjects of a project: `private/<project>/subjects.json`."""

from typing import ClassVar

from msgspec import UNSET, UnsetType

from coil.records import Part, Record

Number = int | float


class SubjectSession(Part, frozen=True, kw_only=True):
    """A session of a subject: its label in the archive, and its custom variables."""

    archive_label: str = ""
    fields: dict[str, str] = {}


class Person(Part, frozen=True, kw_only=True):
    """A subject of whom the dataset has a session.

    gender, handedness   as the archive writes them, where it has them
    archive_label        the subject's label, by which questionnaires are keyed
    ages                 in years by session, capped
    fields               the custom variables that the config names
    days                 by how much dates move; None where none may leave
    sessions             in the order of time
    """

    gender: str | UnsetType = UNSET
    handedness: str | UnsetType = UNSET
    archive_label: str = ""
    ages: dict[str, Number] = {}
    fields: dict[str, str] = {}
    days: int | None = None
    sessions: dict[str, SubjectSession] = {}


class Measured(Part, frozen=True, kw_only=True):
    """A row of an instrument: the archive's labels of subject and session, values by field."""

    subject: str
    session: str = ""
    values: dict[str, str]


class SubjectsRecord(Record, frozen=True, kw_only=True):
    """The subjects of a project, with the archive's labels: private.

    linked           those of whom the dataset has a session, by pseudonym
    others           the labels of all others
    other_sessions   the labels of sessions that were not taken, by the subject's label
    measured         the rows of each instrument from the archive's own fields; None where the
                     archive lists nothing of its type
    salt             see `coil.deid.identity.identities.SALT`
    """

    VERSION: ClassVar[int] = 1

    linked: dict[str, Person]
    others: tuple[str, ...]
    other_sessions: dict[str, tuple[str, ...]]
    measured: dict[str, tuple[Measured, ...] | None]
    salt: str
