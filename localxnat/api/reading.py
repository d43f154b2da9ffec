"""GET: listings, items and catalogs; `files` has what lies in resources."""

from collections.abc import Iterator
from itertools import islice

from starlette.responses import JSONResponse, Response

from localxnat.api import bulk, documents, files, items, listings
from localxnat.api.listings import Line
from localxnat.api.responses import rows_as
from localxnat.api.targets import NOT_FOUND, Call, Target, require_found, resolve
from localxnat.errors import Refused
from localxnat.model import fields
from localxnat.storage import archives
from localxnat.storage.store import Object


def get(call: Call) -> Response:
    """The answer to a GET or a HEAD on the archive's data."""
    target = resolve(call)
    require_found(target)
    address = call.address
    if address.last == "files":
        path = dict(address.steps)["files"]
        in_folder = call.path.endswith("/")
        return (files.below_folder if in_folder else files.file)(call, target, path)
    match address.collection:
        case "projects" if not address.steps:
            return _table(call, "project", (Line(item, None) for item in _projects(call)))
        case "projects":
            return _sharing(call, target)
        case "subjects":
            return _table(call, "subject", _subjects(call, target))
        case "experiments":
            return _table(
                call, "experiment", listings.with_assessors(call, bulk.experiments(call, target))
            )
        case "assessors":
            return _table(call, "assessor", _children(call, target, "assessor"))
        case "scans":
            return _table(call, "scan", _children(call, target, "scan"))
        case "reconstructions":
            return _table(call, "reconstruction", _children(call, target, "reconstruction"))
        case "resources":
            return files.list_resources(call, target)
        case "files":
            return files.list_files(call, target)
        case "users":
            return _users(call, target)
        case ("accessibility" | "prearchive_code" | "quarantine_code" | "current_arc") as name:
            return Response(target.owner.fields.get(name, fields.SETTINGS[name]))
        case "status":
            experiment = target.experiment
            return Response(experiment.fields.get("status", "active") if experiment else "")
        case _:
            return _object(call, target)


def _table(call: Call, kind: str, lines: Iterator[Line]) -> Response:
    rows = listings.table(call, kind, lines)
    limit, offset = call.query.get("limit"), call.query.get("offset")
    paged = limit.isdecimal() and kind in ("experiment", "subject")
    if paged:
        start = int(offset) if offset.isdecimal() else 0
        rows = islice(rows, start, start + int(limit))
    return rows_as(rows, call.query.get("format"), paged=paged)


# Lines of the tables -------------------------------------------------------------------------


def _projects(call: Call) -> list[Object]:
    return [item for item in call.store.all("project") if call.may("list", item)]


def _subjects(call: Call, target: Target) -> Iterator[Line]:
    if target.project:
        found = call.store.in_project(target.project.id, "subject")
    else:
        found = [item for item in call.store.all("subject") if call.may("read", item)]
    return (Line(item, None) for item in found)


def _children(call: Call, target: Target, kind: str) -> Iterator[Line]:
    if target.experiment is None:
        raise Refused(404, NOT_FOUND)
    session = target.experiment
    found = call.store.children(session, kind)
    # An assessor may belong to another project than its session.
    return (Line(one, session) for one in found if kind != "assessor" or call.may("read", one))


# Single objects ------------------------------------------------------------------------------


def _object(call: Call, target: Target) -> Response:
    form = call.query.get("format")
    if target.resource is not None:
        if form in archives.MEDIA_TYPES:
            return files.archive(call, target, form)
        body = documents.catalog(call.resources, target.resource)
        return Response(body, media_type="text/xml")
    node = items.item(call.store, call.resources, target.owner)
    if form == "xml":
        return Response(documents.to_xml(node), media_type="text/xml")
    return JSONResponse({"items": [node]})


def _sharing(call: Call, target: Target) -> Response:
    """The projects that have an object: its own, then those that it is shared into."""
    owner = target.owner
    rows: list[listings.Row] = []
    for name, label in [(owner.project, owner.label), *call.store.shares(owner)]:
        project = call.store.project(name)
        shown = project.fields if project else {}
        rows.append(
            {
                "label": label,
                "ID": name,
                "Secondary_ID": shown.get("secondary_ID", name),
                "Name": shown.get("name", name),
            }
        )
    return rows_as(rows, call.query.get("format"))


def _users(call: Call, target: Target) -> Response:
    project = target.owner
    rows = [
        {
            "login": row["login"],
            "firstname": row["firstname"],
            "lastname": row["lastname"],
            "email": row["email"],
            "displayname": f"{row['role'].capitalize()}s",
            "GROUP_ID": f"{project.id}_{row['role']}",
        }
        for row in call.auth.members(project.id)
    ]
    return rows_as(rows, call.query.get("format"))
