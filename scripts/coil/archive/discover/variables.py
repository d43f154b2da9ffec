"""Custom variables, forms and assessors: what the archive knows of people beside demographics.

Everything comes by listings: the subjects' variables with the subjects' own, those of sessions
and of each type of assessor with one request more, however many there are. Only an XNAT that
does not list its forms is asked for them one by one.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from coil.archive import fields as fielding
from coil.archive.client import Archive, part
from coil.archive.columns import Lister, Listing, id_of
from coil.archive.fields import CUSTOM_FIELDS, FORMS, Field, Fields
from coil.archive.listing import Session
from coil.archive.paths import EVERY, SUBJECT_DEMOGRAPHICS
from coil.errors import RefusedError

_DEMOGRAPHIC = "demographics/"
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
    """A custom variable, the field of a form (`forms/site`) or a demographic of XNAT's own."""
    if name.startswith(FORMS):
        return fielding.of_form(name, _TYPES[per])
    if name.startswith(_DEMOGRAPHIC):
        short = name.removeprefix(_DEMOGRAPHIC)
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
    found = fields.take(rows, id_of)
    lister.notes += fields.remarks("sessions")
    return found


def session_fields(project: str, fields: Fields) -> Listing:
    """How the fields of all sessions of a project are asked for."""
    address = f"/data/projects/{part(project)}/experiments"
    query = {"xsiType": _TYPES["session"]}
    return Listing("the sessions' variables", address, query, ["ID"], fields.columns, EVERY)


def list_forms(lister: Lister, project: str, per: str, homes: Mapping[str, str]) -> list[Row]:
    """What a listing would have of forms, from a server that does not list them.

    `homes` are the addresses of subjects or sessions (`per`) in the project, by ID. A server that
    refuses them of all has no forms, which is told.
    """
    found = {ident: _forms(lister.archive, project, home) for ident, home in homes.items()}
    if homes and all(held is None for held in found.values()):
        lister.notes.append(
            f"custom forms of the {per}s: the archive does not know or refuses them"
        )
    column = f"{_TYPES[per]}/{CUSTOM_FIELDS}"
    return [{"ID": ident, column: held} for ident, held in found.items() if held]


def _forms(archive: Archive, project: str, home: str) -> Any:
    """The forms there as JSON has them; None where the server refuses them or says no JSON."""
    address = f"/xapi/custom-fields/projects/{part(project)}/{home}/fields"
    try:
        with archive.stream(address) as chunks:
            return json.loads(b"".join(chunks) or b"{}")
    except (RefusedError, ValueError):
        return None


def list_assessors(
    lister: Lister,
    project: str,
    phenotype: Sequence[Mapping[str, Any]],
    sessions: Iterable[Session],
) -> dict[str, list[dict[str, Any]] | None]:
    """The rows of each instrument that comes from assessors; None where they are refused.

    A row has the ID of its subject (`subject_id`), or of its session (`session_id`) where the
    entry says `per: session`, and its filled `values`.
    """
    ours = {session.id for session in sessions}
    found: dict[str, list[dict[str, Any]] | None] = {}
    for entry in phenotype:
        if "assessor" not in entry:
            continue
        fields = _assessor_fields(entry)
        try:
            rows = lister.ask(assessors(project, entry, fields), list)
        except RefusedError as error:  # a type that the archive does not have; the rest goes on
            lister.notes.append(str(error).partition(";")[0])
            found[entry["instrument"]] = None
            continue
        if entry["per"] == "session":
            rows = [row for row in rows if id_of(row) in ours]
        else:
            rows = [row for row in rows if row.get("project", project) == project]
        found[entry["instrument"]] = _assessed(entry, fields, rows)
        lister.notes += fields.remarks(f"assessors of {entry['instrument']}")
    return found


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


def _assessed(
    entry: Mapping[str, Any], fields: Fields, rows: Iterable[Row]
) -> list[dict[str, Any]]:
    """The assessors of an instrument by the rows of the listing, in an order of their own."""
    kind = entry["assessor"].lower()
    owners: dict[str, str] = {}

    def ident(row: Row) -> str:
        held = {key.lower(): value for key, value in row.items()}
        if entry["per"] == "session":
            assessor, owner = held.get(f"{kind}/id") or "", id_of(row)
        else:
            assessor, owner = id_of(row), held.get(f"{kind}/subject_id") or held.get("subject_id")
        key = f"{owner}/{assessor}"
        owners[key] = str(owner or "")
        return key

    found = fields.take(rows, ident)
    return [{f"{entry['per']}_id": owners[key], "values": found[key]} for key in sorted(found)]


def _names(entry: Mapping[str, Any]) -> list[str]:
    """The fields that an instrument's columns take."""
    return [column.get("field", column["name"]) for column in entry["columns"]]


def measured(
    phenotype: Sequence[Mapping[str, Any]],
    known: Mapping[str, Any],
    people: Iterable[Row],
    sessions: Iterable[Session],
    assessors: Mapping[str, Sequence[Mapping[str, Any]] | None],
) -> dict[str, list[dict[str, Any]] | None]:
    """The rows of each instrument that comes from the archive's own fields, by instrument.

    A row has the archive's label of its `subject`, and of its `session` where it has one, and
    its `values` by field; one without any value is no row.
    """
    subjects = {row.get("ID", ""): row.get("label", "") for row in people}
    of_session = {session.id: (session.subject_label, session.label) for session in sessions}
    found: dict[str, list[dict[str, Any]] | None] = {}
    for entry in phenotype:
        if "columns" not in entry:
            continue
        rows: list[dict[str, Any]] = []
        if "assessor" in entry:
            listed = assessors[entry["instrument"]]
            if listed is None:
                found[entry["instrument"]] = None
                continue
            for one in listed:
                subject, session = subjects.get(one.get("subject_id", ""), ""), ""
                if "session_id" in one:
                    subject, session = of_session.get(one["session_id"], ("", ""))
                rows.append({"subject": subject, "session": session, "values": one["values"]})
        else:
            rows = [*_of_variables(entry, known["linked"].values())]
        found[entry["instrument"]] = [row for row in rows if row["values"]]
    return found


def _of_variables(
    entry: Mapping[str, Any], linked: Iterable[Mapping[str, Any]]
) -> Iterator[dict[str, Any]]:
    fields = _names(entry)
    for row in linked:
        owners = [("", row)]
        if entry["per"] == "session":
            owners = [(one["archive_label"], one) for one in row["sessions"].values()]
        for session, owner in owners:
            values = {field: owner["fields"][field] for field in fields if field in owner["fields"]}
            yield {"subject": row["archive_label"], "session": session, "values": values}
