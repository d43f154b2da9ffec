"""Custom variables, forms and assessors: what the archive knows of people beside demographics.

Everything comes by listings: the subjects' variables with the subjects' own, those of sessions
and of each type of assessor with one request more, however many there are. Only an XNAT that
does not list its forms is asked for them one by one.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from coil.archive import fields as fielding
from coil.archive.client import Archive, part
from coil.archive.columns import Lister, Listing, id_of
from coil.archive.fields import CUSTOM_FIELDS, FORMS, Field, Fields
from coil.archive.listing import Session
from coil.archive.paths import EVERY, SUBJECT_DEMOGRAPHICS
from coil.errors import RefusedError
from coil.records.subjects import Measured, Person

DEMOGRAPHIC = "demographics/"
"""The beginning of the name of a field that is a demographic of XNAT's own."""
_TYPES = {"subject": "xnat:subjectData", "session": "xnat:imageSessionData"}
Row = Mapping[str, Any]


def fields_of(settings: Mapping[str, Any], per: str) -> list[str]:
    """The fields per `subject` or `session` that a project's config takes, sorted."""
    table = settings["participants" if per == "subject" else "sessions"]
    columns = [*table]
    for entry in settings["phenotype"]:
        if "columns" in entry and "assessor" not in entry and entry["per"] == per:
            columns += entry["columns"]
    return sorted({column.get("field", column["name"]) for column in columns})


def fields_per(per: str, names: Iterable[str]) -> Fields:
    """How fields of subjects or sessions are asked for, and collected."""
    return Fields([_field(per, name) for name in names])


def _field(per: str, name: str) -> Field:
    """How the archive lists a field of the config's, by how its name begins.

    A custom variable, the field of a form (`forms/site`) or a demographic of XNAT's own; `per`
    says whose it is, a subject's or a session's.
    """
    if name.startswith(FORMS):
        return fielding.of_form(name, _TYPES[per])
    if name.startswith(DEMOGRAPHIC):
        short = name.removeprefix(DEMOGRAPHIC)
        return fielding.plain(name, f"{SUBJECT_DEMOGRAPHICS}/{short}", short)
    return fielding.variable(name, f"{_TYPES[per]}/fields/field")


def list_session_fields(
    lister: Lister, project: str, sessions: Sequence[Session], names: Sequence[str]
) -> dict[str, dict[str, str]]:
    """The fields of these sessions by ID; no request where none are wanted."""
    if not names:
        return {}
    fields = fields_per("session", names)
    ours = {session.id for session in sessions}
    listing = session_fields(project, fields)
    rows = [row for row in lister.ask(listing, list) if id_of(row) in ours]
    if lister.lacks(listing, CUSTOM_FIELDS):
        homes = {
            one.id: f"subjects/{part(one.subject_id)}/experiments/{part(one.id)}"
            for one in sessions
        }
        rows += list_forms(lister, project, "session", homes)
    values = fields.take(rows, id_of)
    lister.notes += fields.remarks("sessions")
    return values


def session_fields(project: str, fields: Fields) -> Listing:
    """How the fields of all sessions of a project are asked for."""
    address = f"/data/projects/{part(project)}/experiments"
    query = {"xsiType": _TYPES["session"]}
    return Listing("the sessions' variables", address, query, ["ID"], fields.columns, EVERY)


def list_forms(lister: Lister, project: str, per: str, homes: Mapping[str, str]) -> list[Row]:
    """The rows of forms that a listing would have, from a server that does not list them.

    `homes` are the addresses of subjects or sessions (`per`) in the project, by ID. A server that
    refuses them of all has no forms, which is told.
    """
    forms = {ident: fetch_forms(lister.archive, project, home) for ident, home in homes.items()}
    if homes and all(held is None for held in forms.values()):
        lister.notes.append(
            f"custom forms of the {per}s: the archive does not know or refuses them"
        )
    column = f"{_TYPES[per]}/{CUSTOM_FIELDS}"
    return [{"ID": ident, column: held} for ident, held in forms.items() if held]


def fetch_forms(archive: Archive, project: str, home: str) -> dict[str, object] | None:
    """The custom forms of a subject or session at `home` in the project, by form or by key.

    None where the server refuses them or answers with something else.
    """
    address = f"/xapi/custom-fields/projects/{part(project)}/{home}/fields"
    try:
        with archive.stream(address) as chunks:
            held = json.loads(b"".join(chunks) or b"{}")
    except (RefusedError, ValueError):
        return None
    return held if isinstance(held, dict) else None


@dataclass(frozen=True)
class Assessed:
    """An assessor: the ID of its subject or session, and its filled values by field."""

    owner: str
    values: Mapping[str, str]


Instruments = Mapping[str, Sequence[Assessed] | None]
"""The assessors of each instrument that comes from some; None where they are refused."""


def list_assessors(
    lister: Lister,
    project: str,
    phenotype: Sequence[Mapping[str, Any]],
    sessions: Iterable[Session],
) -> Instruments:
    """The assessors of each instrument that comes from some: of subjects, or of `sessions`."""
    ours = {session.id for session in sessions}
    listed: dict[str, Sequence[Assessed] | None] = {}
    for entry in phenotype:
        if "assessor" not in entry:
            continue
        fields = _assessor_fields(entry)
        try:
            rows = lister.ask(assessors(project, entry, fields), list)
        except RefusedError as error:  # a type that the archive does not have; the rest goes on
            lister.notes.append(error.cause)
            listed[entry["instrument"]] = None
            continue
        if entry["per"] == "session":
            rows = [row for row in rows if id_of(row) in ours]
        else:
            rows = [row for row in rows if row.get("project", project) == project]
        listed[entry["instrument"]] = _assessed(entry, fields, rows)
        lister.notes += fields.remarks(f"assessors of {entry['instrument']}")
    return listed


def _assessor_fields(entry: Mapping[str, Any]) -> Fields:
    return Fields([fielding.at(name, f"{entry['assessor']}/{name}") for name in _names(entry)])


def assessors(project: str, entry: Mapping[str, Any], fields: Fields | None = None) -> Listing:
    """How the assessors that an instrument of the config takes are asked for.

    Those of sessions come as columns of their sessions, as XNAT joins them.
    """
    kind, by_session = entry["assessor"], entry["per"] == "session"
    return Listing(
        f"the assessors of {entry['instrument']}",
        f"/data/projects/{part(project)}/experiments",
        {"xsiType": _TYPES["session"] if by_session else kind},
        ["ID", *([f"{kind}/ID"] if by_session else ["project", f"{kind}/subject_id"])],
        (fields or _assessor_fields(entry)).columns,
        EVERY,
    )


def _assessed(entry: Mapping[str, Any], fields: Fields, rows: Iterable[Row]) -> list[Assessed]:
    """The assessors of an instrument by the rows of the listing, in an order of their own."""
    kind = entry["assessor"].lower()
    owners: dict[str, str] = {}

    def assessor_key(row: Row) -> str:
        """The row's owner and its assessor in one text; notes the owner."""
        held = {key.lower(): value for key, value in row.items()}
        if entry["per"] == "session":
            assessor, owner = held.get(f"{kind}/id") or "", id_of(row)
        else:
            assessor, owner = id_of(row), held.get(f"{kind}/subject_id") or held.get("subject_id")
        key = f"{owner}/{assessor}"
        owners[key] = str(owner or "")
        return key

    values = fields.take(rows, assessor_key)
    return [Assessed(owners[key], values[key]) for key in sorted(values)]


def _names(entry: Mapping[str, Any]) -> list[str]:
    """The fields that an instrument's columns take."""
    return [column.get("field", column["name"]) for column in entry["columns"]]


def measured(
    phenotype: Sequence[Mapping[str, Any]],
    linked: Iterable[Person],
    subjects: Mapping[str, str],
    sessions: Iterable[Session],
    assessors: Instruments,
) -> dict[str, tuple[Measured, ...] | None]:
    """The rows of each instrument that the archive's own fields hold; one without values is none.

    Parameters
    ----------
    phenotype
        The config's instruments.
    linked
        The subjects of the dataset, for their custom variables.
    subjects
        The archive's labels of all its subjects by ID.
    sessions
        All sessions that it lists.
    assessors
        As `list_assessors` returns them.
    """
    linked = list(linked)
    of_session = {session.id: (session.subject_label, session.label) for session in sessions}
    of_subject = {ident: (label, "") for ident, label in subjects.items()}
    instruments: dict[str, tuple[Measured, ...] | None] = {}
    for entry in phenotype:
        if "columns" not in entry:
            continue
        name = entry["instrument"]
        if "assessor" not in entry:
            rows = _of_variables(entry, linked)
        elif (listed := assessors[name]) is not None:
            rows = _of_assessors(listed, of_session if entry["per"] == "session" else of_subject)
        else:
            instruments[name] = None
            continue
        instruments[name] = tuple(row for row in rows if row.values)
    return instruments


def _of_assessors(
    assessors: Iterable[Assessed], owners: Mapping[str, tuple[str, str]]
) -> Iterator[Measured]:
    """A row of each, named by its owner's labels as subject and session."""
    for one in assessors:
        subject, session = owners.get(one.owner, ("", ""))
        yield Measured(subject=subject, session=session, values=dict(one.values))


def _of_variables(entry: Mapping[str, Any], linked: Iterable[Person]) -> Iterator[Measured]:
    """A row of each subject, or of each of its sessions, by their custom variables."""
    fields = _names(entry)
    for one in linked:
        owners = [("", one.fields)]
        if entry["per"] == "session":
            owners = [(session.archive_label, session.fields) for session in one.sessions.values()]
        for session, held in owners:
            values = {field: held[field] for field in fields if field in held}
            yield Measured(subject=one.archive_label, session=session, values=values)
