"""What the archive knows of a project's subjects: sex, handedness, age, custom variables."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from coil.archive.client import part
from coil.archive.columns import Lister, Listing, id_of
from coil.archive.discover.variables import fields_per, list_forms
from coil.archive.fields import CUSTOM_FIELDS, Fields
from coil.archive.listing import Session
from coil.archive.paths import PERSON
from coil.deid.identity.dates import age_at, cap_age
from coil.deid.identity.identities import Link

COLUMNS = ("gender", "handedness")


def list_people(
    lister: Lister,
    project: str,
    sessions: Collection[Session],
    *,
    every_label: bool,
    fields: Sequence[str] = (),
    taken: Collection[Session] = (),
) -> Sequence[Mapping[str, Any]]:
    """ID, label, demographics and `fields` of subjects: as the sessions' listing told them.

    One request more lists all subjects of the project, where `every_label` is wanted (that of
    a subject without sessions may stand in a questionnaire), where `fields` are, or where the
    server left the demographics out of the listing. A server that does not list its forms is
    asked for those of each subject whose sessions are `taken`.
    """
    if not every_label and not fields and all(s.person is not None for s in sessions):
        return [
            {"ID": session.subject_id, "label": session.subject_label, **(session.person or {})}
            for session in sessions
        ]
    wanted = fields_per("subject", fields)
    asked = listing(project, wanted)
    rows = lister.ask(asked, list)
    if lister.lacks(asked, CUSTOM_FIELDS):
        ours = sorted({session.subject_id for session in taken})
        homes = {one: f"subjects/{part(one)}" for one in ours}
        rows += list_forms(lister, project, "subject", homes)
    found = wanted.take(rows, id_of)
    lister.notes += wanted.remarks("subjects")
    people = {id_of(row): row for row in reversed(rows)}  # the first row of each
    return [{**people[one], "ID": one, "fields": values} for one, values in found.items()]


def listing(project: str, fields: Fields) -> Listing:
    """How all subjects of a project are asked for, with these fields of theirs."""
    address, optional = f"/data/projects/{part(project)}/subjects", (*PERSON, *fields.columns)
    return Listing("the subjects", address, {}, ("ID", "label"), optional, "/data/subjects")


@dataclass(frozen=True)
class Wanted:
    """What the config's tables take of subjects and sessions, beside the demographics.

    `fields` are the subjects' fields that are taken, `of_sessions` those of sessions by session
    ID; `days` by how much a subject's dates move, None where none may leave.
    """

    fields: Sequence[str] = ()
    of_sessions: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    days: Callable[[str], int | None] = lambda _: None


def by_pseudonym(
    rows: Iterable[Mapping[str, Any]],
    sessions: Iterable[Session],
    links: Mapping[str, Link],
    everything: Iterable[Session] = (),
    wanted: Wanted | None = None,
) -> dict[str, Any]:
    """What the dataset's tables need of people: `linked` by pseudonym, and who else there is.

    A linked subject has the columns that are filled, its `archive_label` (questionnaires are
    keyed by it), `ages` in years by session, capped, where date or year of birth is known, its
    custom variables (`fields`), `days`, and its `sessions` in the order of time, each with its
    own. `others` are the labels of subjects without a session that was taken, and
    `other_sessions` those of the sessions, by subject label, of all in `everything`.
    """
    rows, wanted = list(rows), wanted or Wanted()
    born = {row.get("ID", ""): row for row in rows}
    linked: dict[str, dict[str, Any]] = {}
    taken = sorted(sessions, key=lambda session: (session.date, session.id))
    for session in taken:
        link = links[session.id]
        row = born.get(link.subject_id, {})
        if link.subject not in linked:
            linked[link.subject] = {
                **{key: row[key] for key in COLUMNS if row.get(key)},
                "archive_label": link.subject_label,
                "ages": {},
                "fields": dict(row.get("fields", {})),
                "days": wanted.days(link.subject_id),
                "sessions": {},
            }
        entry = linked[link.subject]
        age = age_in(row, session.date)
        if age is not None:
            entry["ages"][link.session] = age
        entry["sessions"][link.session] = {
            "archive_label": link.session_label,
            "fields": dict(wanted.of_sessions.get(session.id, {})),
        }
    ours = {link.subject_id for link in links.values()}
    others = sorted({row.get("label", "") for row in rows if row.get("ID") not in ours})
    left: dict[str, list[str]] = {}
    for session in everything:
        if session.id not in links:
            left.setdefault(session.subject_label, []).append(session.label)
    return {
        "linked": dict(sorted(linked.items())),
        "others": others,
        "other_sessions": {label: sorted(left[label]) for label in sorted(left)},
    }


def age_in(row: Mapping[str, str], day: str) -> float | None:
    """The age in years on `day` (ISO) by date of birth, else by year; None if unknown."""
    try:
        when = date.fromisoformat(day)
    except ValueError:
        return None
    try:
        return cap_age(age_at(date.fromisoformat(row.get("dob", "")), when))
    except ValueError:
        year = row.get("yob", "")
        years = when.year - int(year) if year.isdigit() else -1
        return cap_age(years) if 0 <= years < 130 else None
