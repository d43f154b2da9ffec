"""GET: listings, items and catalogs; `files` has what lies in resources."""

from collections.abc import Callable, Iterable
from functools import partial
from itertools import islice

from starlette.responses import JSONResponse, Response

from localxnat.api import (
    chosen,
    documents,
    files,
    history,
    items,
    listings,
    project_lists,
)
from localxnat.api.columns import UnknownField
from localxnat.api.listings import Listing
from localxnat.api.responses import Row, rows_as
from localxnat.api.targets import NOT_FOUND, Call, Target, require_found, resolve
from localxnat.errors import Refused
from localxnat.model import fields, xsi
from localxnat.storage import archives
from localxnat.storage.store import Object, Share


def get(call: Call) -> Response:
    """The answer to a GET or a HEAD on the archive's data."""
    target = resolve(call)
    require_found(target)
    address = call.address
    if address.last == "files":
        path = dict(address.steps)["files"]
        return (files.below_folder if call.is_folder else files.file)(call, target, path)
    match address.collection:
        case "projects" if not address.steps:
            shown = project_lists.answer(call)
            return shown or _table(call, "project", "xnat:projectData", _projects)
        case "projects":
            return _sharing(call, target)
        case "subjects":
            return _table(call, "subject", "xnat:subjectData", partial(_subjects, target))
        case "experiments":
            return _experiments(call, target)
        case "assessors":
            return _quietly(call, "assessor", xsi.ROOTS["assessor"], partial(_children, target))
        case ("scans" | "reconstructions") as word:
            kind = word[:-1]
            return _table(call, kind, xsi.ROOTS[kind], partial(_children, target))
        case "resources":
            return files.list_resources(call, target)
        case "files":
            return files.list_files(call, target)
        case "users":
            return _users(call, target)
        case ("accessibility" | "prearchive_code" | "quarantine_code" | "current_arc") as name:
            return Response(target.owner.fields.get(name, fields.SETTINGS[name]))
        case "history":
            return JSONResponse(history.events(call.store.database, target.owner))
        case "status":
            experiment = target.experiment
            return Response(experiment.fields.get("status", "active") if experiment else "")
        case _:
            return _object(call, target)


Things = Callable[[Call, Listing], Iterable[Object]]


def _table(call: Call, kind: str, root: str, things: Things) -> Response:
    listing = listings.read(call, kind, root)
    rows = listings.in_order(call, listings.table(call, listing, things(call, listing)))
    limit, offset = call.query.get("limit"), call.query.get("offset")
    paged = limit.isdecimal() and kind in ("experiment", "subject")
    if paged:
        start = int(offset) if offset.isdecimal() else 0
        rows = islice(rows, start, start + int(limit))
    return rows_as(rows, call.query.get("format"), paged=paged)


def _quietly(call: Call, kind: str, root: str, things: Things) -> Response:
    """As in XNAT (`ProjSubExptList`), what these listings cannot do is logged, and the answer is
    200 without a body."""
    try:
        return _table(call, kind, root, things)
    except UnknownField:
        return Response(b"", media_type="application/json")


# What the tables are of ----------------------------------------------------------------------


def _experiments(call: Call, target: Target) -> Response:
    def things(call: Call, listing: Listing) -> Iterable[Object]:
        return chosen.experiments(call, target, listing)

    if target.project is None:
        return _table(call, "experiment", "xnat:experimentData", things)
    return _quietly(call, "experiment", "xnat:subjectAssessorData", things)


def _projects(call: Call, listing: Listing) -> list[Object]:
    return project_lists.listed(call)


def _subjects(target: Target, call: Call, listing: Listing) -> list[Object]:
    if target.project:
        return call.store.in_project(target.project.id, "subject")
    return [item for item in call.store.all("subject") if call.may("read", item)]


def _children(target: Target, call: Call, listing: Listing) -> list[Object]:
    if target.experiment is None:
        raise Refused(404, NOT_FOUND)
    found = call.store.children(target.experiment, listing.kind)
    fitting = [one for one in found if xsi.is_a(one.xsi_type, listing.root)]
    # An assessor may belong to another project than its session.
    return [one for one in fitting if listing.kind != "assessor" or call.may("read", one)]


# Single objects ------------------------------------------------------------------------------


def _object(call: Call, target: Target) -> Response:
    form = call.query.get("format")
    if target.resource is not None:
        if form in archives.MEDIA_TYPES:
            return files.archive(call, target, form)
        body = documents.catalog(call.resources, target.resource)
        return Response(body, media_type="text/xml")
    if target.owner.kind == "project" and call.query.flag("creatableTypes"):
        return project_lists.creatable(call, target.owner)
    node = items.item(call.store, call.resources, target.owner)
    if form == "xml":
        return Response(documents.to_xml(node), media_type="text/xml")
    return JSONResponse({"items": [node]})


def _sharing(call: Call, target: Target) -> Response:
    """The projects that have an object: its own, then those that it is shared into."""
    owner = target.owner
    rows: list[Row] = []
    for name, label in [Share(owner.project, owner.label), *call.store.shares(owner)]:
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
            "login": member.profile.login,
            "firstname": member.profile.firstname,
            "lastname": member.profile.lastname,
            "email": member.profile.email,
            "displayname": f"{member.role.capitalize()}s",
            "GROUP_ID": f"{project.id}_{member.role}",
        }
        for member in call.auth.members(project.id)
    ]
    return rows_as(rows, call.query.get("format"))
