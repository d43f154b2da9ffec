"""The subjects of a project in the archive: sex, handedness, age, custom variables."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from msgspec import UNSET, structs

from coil.archive.client import part
from coil.archive.columns import Lister, Listing, Row, id_of
from coil.archive.discover.variables import fields_per, list_forms
from coil.archive.fields import CUSTOM_FIELDS, Fields
from coil.archive.listing import Session
from coil.archive.paths import PERSON
from coil.deid.identity.dates import age_at, cap_age
from coil.deid.identity.identities import Link
from coil.records.subjects import Person, SubjectSession, SubjectsRecord


@dataclass(frozen=True)
class Subject:
    """A subject as the archive lists it; `dob` (ISO) and `yob` are date and year of birth.

    What is not filled in is empty. `fields` are the custom variables that were asked for.
    """

    id: str = ""
    label: str = ""
    gender: str = ""
    handedness: str = ""
    dob: str = ""
    yob: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls, ident: str, label: str, row: Row, fields: Mapping[str, str] | None = None
    ) -> "Subject":
        """The subject by what a row of a listing tells of a person."""
        gender, handedness, dob, yob = (str(row.get(key) or "") for key in PERSON)
        return cls(ident, label, gender, handedness, dob, yob, fields or {})

    def age_on(self, day: str) -> float | None:
        """The age in years on `day` (ISO) by date of birth, else by year; None if unknown."""
        try:
            when = date.fromisoformat(day)
        except ValueError:
            return None
        try:
            return cap_age(age_at(date.fromisoformat(self.dob), when))
        except ValueError:
            years = when.year - int(self.yob) if self.yob.isdigit() else -1
            return cap_age(years) if 0 <= years < 130 else None


def list_people(
    lister: Lister,
    project: str,
    sessions: Collection[Session],
    *,
    every_label: bool,
    fields: Sequence[str] = (),
    taken: Collection[Session] = (),
) -> list[Subject]:
    """The subjects of a project, as the sessions' listing told them if that does.

    One request more lists all subjects of the project, where `every_label` is wanted (that of
    a subject without sessions may stand in a questionnaire), where `fields` are, or where the
    server left the demographics out of the listing. A server that does not list its forms is
    asked for those of each subject whose sessions are `taken`.
    """
    if not every_label and not fields and all(s.person is not None for s in sessions):
        return [Subject.of(s.subject_id, s.subject_label, s.person or {}) for s in sessions]
    wanted = fields_per("subject", fields)
    asked = listing(project, wanted)
    rows = lister.ask(asked, list)
    if lister.lacks(asked, CUSTOM_FIELDS):
        ours = sorted({session.subject_id for session in taken})
        homes = {one: f"subjects/{part(one)}" for one in ours}
        rows += list_forms(lister, project, "subject", homes)
    values = wanted.take(rows, id_of)
    lister.notes += wanted.remarks("subjects")
    first = {id_of(row): row for row in reversed(rows)}  # the first row of each
    return [
        Subject.of(ident, str(first[ident].get("label") or ""), first[ident], held)
        for ident, held in values.items()
    ]


def listing(project: str, fields: Fields) -> Listing:
    """How all subjects of a project are asked for, with these fields of theirs."""
    address, optional = f"/data/projects/{part(project)}/subjects", (*PERSON, *fields.columns)
    return Listing("the subjects", address, {}, ("ID", "label"), optional, "/data/subjects")


@dataclass(frozen=True)
class Wanted:
    """The fields of subjects and sessions that the config's tables take, beside the demographics.

    `fields` are the subjects' fields that are taken, `of_sessions` those of sessions by session
    ID; `days` by how much a subject's dates move, None where none may leave.
    """

    fields: Sequence[str] = ()
    of_sessions: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    days: Callable[[str], int | None] = lambda _: None


def by_pseudonym(
    subjects: Iterable[Subject],
    sessions: Iterable[Session],
    links: Mapping[str, Link],
    everything: Iterable[Session] = (),
    wanted: Wanted | None = None,
) -> SubjectsRecord:
    """The people of whom the dataset's tables must know, the linked ones by pseudonym.

    Questionnaires are keyed by the archive's labels, so that those of subjects without a session
    that was taken are there, too, and those of the sessions in `everything` that were not.
    """
    subjects, wanted = list(subjects), wanted or Wanted()
    known = {subject.id: subject for subject in subjects}
    linked: dict[str, Person] = {}
    for session in sorted(sessions, key=lambda session: (session.date, session.id)):
        link = links[session.id]
        subject = known.get(link.subject_id, Subject())
        before = linked.get(link.subject) or _linked(subject, link, wanted)
        linked[link.subject] = _with_session(before, subject, session, link, wanted)
    ours = {link.subject_id for link in links.values()}
    return SubjectsRecord(
        linked=dict(sorted(linked.items())),
        others=tuple(sorted({one.label for one in subjects if one.id not in ours})),
        other_sessions=_not_taken(links, everything),
        measured={},
        salt="",
    )


def _linked(subject: Subject, link: Link, wanted: Wanted) -> Person:
    """A subject of the dataset, as yet without sessions."""
    return Person(
        gender=subject.gender or UNSET,
        handedness=subject.handedness or UNSET,
        archive_label=link.subject_label,
        fields=dict(subject.fields),
        days=wanted.days(link.subject_id),
    )


def _with_session(
    linked: Person, subject: Subject, session: Session, link: Link, wanted: Wanted
) -> Person:
    """The subject with one more session."""
    age = subject.age_on(session.date)
    fields = dict(wanted.of_sessions.get(session.id, {}))
    known = SubjectSession(archive_label=link.session_label, fields=fields)
    return structs.replace(
        linked,
        ages=linked.ages if age is None else linked.ages | {link.session: age},
        sessions=linked.sessions | {link.session: known},
    )


def _not_taken(
    links: Mapping[str, Link], everything: Iterable[Session]
) -> dict[str, tuple[str, ...]]:
    """The labels of sessions without a link, by the subject's label."""
    labels: dict[str, list[str]] = {}
    for session in everything:
        if session.id not in links:
            labels.setdefault(session.subject_label, []).append(session.label)
    return {subject: tuple(sorted(labels[subject])) for subject in sorted(labels)}
