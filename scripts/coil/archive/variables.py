"""Custom variables and assessors: what the archive knows of people beside its demographics.

Everything comes by listings: the subjects' variables with the subjects' own, those of sessions
and of each type of assessor with one request more, however many there are.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from coil.archive.client import part
from coil.archive.columns import Lister, Listing, id_of
from coil.archive.listing import Session
from coil.archive.paths import EVERY, SUBJECT_DEMOGRAPHICS
from coil.errors import RefusedError

_DEMOGRAPHIC = "demographics/"
_TYPES = {"subject": "xnat:subjectData", "session": "xnat:imageSessionData"}
Row = Mapping[str, str]


def fields_of(settings: Mapping[str, Any], per: str) -> list[str]:
    """The fields per `subject` or `session` that a project's config takes, sorted."""
    table = settings["participants" if per == "subject" else "sessions"]
    columns = [*table]
    for entry in settings["phenotype"]:
        if "columns" in entry and "assessor" not in entry and entry["per"] == per:
            columns += entry["columns"]
    return sorted({column.get("field", column["name"]) for column in columns})


def path_of(per: str, field: str) -> str:
    """XNAT's path of a custom variable, or of a demographic (`demographics/education`)."""
    if field.startswith(_DEMOGRAPHIC):
        return f"{SUBJECT_DEMOGRAPHICS}/{field.removeprefix(_DEMOGRAPHIC)}"
    return f"{_TYPES[per]}/fields/field[name={field}]/field"


def pick(row: Row, per: str, fields: Iterable[str]) -> dict[str, str]:
    """The fields that a row of a listing has; XNAT writes the paths of columns in lower case."""
    held = {key.lower(): value for key, value in row.items()}
    found = {}
    for field in fields:
        short = field.removeprefix(_DEMOGRAPHIC) if field.startswith(_DEMOGRAPHIC) else ""
        found[field] = held.get(path_of(per, field).lower()) or held.get(short.lower())
    return {field: str(value) for field, value in found.items() if value}


def list_session_fields(
    lister: Lister, project: str, sessions: Iterable[Session], fields: Sequence[str]
) -> dict[str, dict[str, str]]:
    """The custom variables of these sessions by ID; no request where none are wanted."""
    if not fields:
        return {}
    ours = {session.id for session in sessions}
    rows = lister.ask(session_fields(project, fields), list)
    return {id_of(row): pick(row, "session", fields) for row in rows if id_of(row) in ours}


def session_fields(project: str, fields: Sequence[str]) -> Listing:
    """How the custom variables of all sessions of a project are asked for."""
    paths = [path_of("session", field) for field in fields]
    address = f"/data/projects/{part(project)}/experiments"
    query = {"xsiType": _TYPES["session"]}
    return Listing("the sessions' variables", address, query, ["ID"], paths, EVERY)


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
        try:
            rows = lister.ask(assessors(project, entry), list)
        except RefusedError:  # a type that the archive does not have; the rest goes on
            found[entry["instrument"]] = None
            continue
        rows = sorted(rows, key=lambda row: tuple(map(str, row.values())))
        if entry["per"] == "session":
            rows = [row for row in rows if id_of(row) in ours]
        else:
            rows = [row for row in rows if row.get("project", project) == project]
        found[entry["instrument"]] = [_assessed(entry, row) for row in rows]
    return found


def assessors(project: str, entry: Mapping[str, Any]) -> Listing:
    """How the assessors that an instrument of the config takes are asked for.

    Those of sessions come as columns of their sessions, as XNAT joins them.
    """
    kind, by_session = entry["assessor"], entry["per"] == "session"
    owner = [] if by_session else ["project", f"{kind}/subject_id"]
    return Listing(
        f"the assessors of {entry['instrument']}",
        f"/data/projects/{part(project)}/experiments",
        {"xsiType": _TYPES["session"] if by_session else kind},
        ["ID", *owner, f"{kind}/ID"],
        [f"{kind}/{field}" for field in _fields(entry)],
        EVERY,
    )


def _assessed(entry: Mapping[str, Any], row: Row) -> dict[str, Any]:
    """One assessor of an instrument by the row of the listing."""
    kind, held = entry["assessor"], {key.lower(): value for key, value in row.items()}
    subject = held.get(f"{kind}/subject_id".lower()) or held.get("subject_id") or ""
    values = {field: held.get(f"{kind}/{field}".lower()) for field in _fields(entry)}
    return {
        f"{entry['per']}_id": id_of(row) if entry["per"] == "session" else subject,
        "values": {field: str(value) for field, value in values.items() if value},
    }


def _fields(entry: Mapping[str, Any]) -> list[str]:
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
    fields = _fields(entry)
    for row in linked:
        owners = [("", row)]
        if entry["per"] == "session":
            owners = [(one["archive_label"], one) for one in row["sessions"].values()]
        for session, owner in owners:
            values = {field: owner["fields"][field] for field in fields if field in owner["fields"]}
            yield {"subject": row["archive_label"], "session": session, "values": values}
