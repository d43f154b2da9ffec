"""What the archive knows of a project's subjects: sex, handedness, age."""

from collections.abc import Collection, Iterable, Mapping
from datetime import date
from typing import Any

from coil.archive.client import Archive, part
from coil.archive.listing import PERSON, Session
from coil.deid.dates import age_at, cap_age
from coil.deid.identities import Link

COLUMNS = ("gender", "handedness")


def list_people(
    archive: Archive, project: str, sessions: Collection[Session], *, every_label: bool
) -> list[dict[str, str]]:
    """ID, label and demographics of subjects: as the sessions' listing told them.

    One request more lists all subjects of the project, where `every_label` is wanted (that of
    a subject without sessions may stand in a questionnaire), or where the server left the
    demographics out of the listing.
    """
    if not every_label and all(session.person is not None for session in sessions):
        return [
            {"ID": session.subject_id, "label": session.subject_label, **(session.person or {})}
            for session in sessions
        ]
    columns = ",".join(("ID", "label", *PERSON))
    return archive.rows(f"/data/projects/{part(project)}/subjects", columns=columns)


def by_pseudonym(
    rows: Iterable[Mapping[str, str]], sessions: Iterable[Session], links: Mapping[str, Link]
) -> dict[str, Any]:
    """Demographics for the dataset: `linked` by pseudonym, `others` the labels of the rest.

    A linked subject has the columns that are filled, its `archive_label` (questionnaires are
    keyed by it), and `ages` in years by session, capped, where date or year of birth is known.
    """
    rows = list(rows)
    born = {row.get("ID", ""): row for row in rows}
    linked: dict[str, dict[str, Any]] = {}
    for session in sessions:
        link = links[session.id]
        row = born.get(link.subject_id, {})
        known = {key: row[key] for key in COLUMNS if row.get(key)}
        entry = linked.setdefault(
            link.subject, {**known, "archive_label": link.subject_label, "ages": {}}
        )
        age = age_in(row, session.date)
        if age is not None:
            entry["ages"][link.session] = age
    ours = {link.subject_id for link in links.values()}
    others = sorted({row.get("label", "") for row in rows if row.get("ID") not in ours})
    return {"linked": dict(sorted(linked.items())), "others": others}


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
