"""GET: listings, items, catalogs, files and archives of files."""

import mimetypes
from collections.abc import Generator, Iterator
from email.utils import formatdate
from itertools import islice
from pathlib import Path

from starlette.responses import JSONResponse, Response, StreamingResponse

from localxnat.api import bulk, documents, items, listings, streams
from localxnat.api.listings import Line
from localxnat.api.responses import rows_as
from localxnat.api.targets import NOT_FOUND, Call, Target, require_found, resolve
from localxnat.errors import Refused
from localxnat.model import fields
from localxnat.storage import archives
from localxnat.storage.names import member_part
from localxnat.storage.resources import File, Resource
from localxnat.storage.store import Object

# The session, the object with the resource, the resource, the file.
Found = tuple[Object, Object, Resource, File]


def get(call: Call) -> Response:
    """The answer to a GET or a HEAD on the archive's data."""
    target = resolve(call)
    require_found(target)
    address = call.address
    if address.last == "files":
        return _file(call, target, dict(address.steps)["files"])
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
            return _resources(call, target)
        case "files":
            return _files(call, target)
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
            return _archive(call, target, form)
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


# Resources and files -------------------------------------------------------------------------


def _owners(call: Call, target: Target) -> list[Object]:
    """The objects whose resources an address is about: several, for scans/ALL or all=true."""
    if call.address.get("scans") is not None and target.assessor is None:
        return target.scans
    return call.store.with_parts(target.owner) if call.query.flag("all") else [target.owner]


def _resources(call: Call, target: Target) -> Response:
    rows = [
        listings.resource_row(owner, resource)
        for owner in _owners(call, target)
        for resource in call.resources.of(owner)
    ]
    return rows_as(rows, call.query.get("format"))


def _catalogs(call: Call, target: Target) -> Iterator[Resource]:
    """The resources that an address is about, of several scans those of all."""
    if target.resource:
        yield target.resource
        return
    for owner in target.scans if target.several else [target.owner]:
        for resource in call.resources.of(owner):
            if not target.labels or target.labels & {resource.label, str(resource.id)}:
                yield resource


def _found(call: Call, target: Target) -> Iterator[Found]:
    wanted_format, wanted_content = call.query.get("file_format"), call.query.get("file_content")
    owners = _owners(call, target)

    def found() -> Iterator[Found]:
        for owner in owners:
            catalogs = [target.resource] if target.resource else call.resources.of(owner)
            session = call.store.session_of(owner)
            for resource in catalogs:
                if target.labels and not target.labels & {resource.label, str(resource.id)}:
                    continue
                for file in call.resources.files(resource):
                    if wanted_format and (file.format or resource.format) != wanted_format:
                        continue
                    if wanted_content and (file.content or resource.content) != wanted_content:
                        continue
                    yield session, owner, resource, file

    return found()


def _files(call: Call, target: Target) -> Response:
    form = call.query.get("format")
    if form in archives.MEDIA_TYPES:
        return _archive(call, target, form)
    return rows_as(_file_rows(call, target), form)


def _together(target: Target) -> str:
    """The scans' IDs where a resource of several is meant: as in XNAT, its addresses, and the
    names in a zip, which come of these, bear them all (`FileList.handleMultipleCatalogs`)."""
    several = target.several and target.labels
    return ",".join(scan.id for scan in target.scans) if several else ""


def _file_rows(call: Call, target: Target) -> Iterator[listings.Row]:
    names, session = _together(target), target.experiment
    together = f"/data/experiments/{session.id}/scans/{names}" if names and session else ""
    for session, owner, resource, file in _found(call, target):
        row = listings.file_row(together or listings.uri(owner, session), resource, file)
        if owner.kind == "assessor":
            row["URI"] = row["URI"].replace(
                f"/data/experiments/{owner.id}/",
                f"/data/experiments/{session.id}/assessors/{owner.id}/",
            )
        yield row


def _archive(call: Call, target: Target, form: str) -> Response:
    together = _together(target)
    members = (
        (
            _member(session, owner, resource, file, together),
            call.resources.path_of(resource, file.path),
        )
        for session, owner, resource, file in _found(call, target)
    )
    session = target.experiment if target.several else call.store.session_of(target.owner)
    label = session.label if session else ""
    if call.method == "HEAD":
        return StreamingResponse(iter(()), media_type=archives.MEDIA_TYPES[form])
    # No Content-Length: nobody knows the size of an archive that is packed while it is sent.
    return streams.stream(
        archives.stream(members, form),
        archives.MEDIA_TYPES[form],
        {"Content-Disposition": f'attachment; filename="{label}.{form}"'},
    )


def _member(
    session: Object, owner: Object, resource: Resource, file: File, together: str = ""
) -> str:
    """A file's name in an archive: `<label>/scans/<id>-<type>/resources/<label>/files/...`."""
    within = f"resources/{resource.label}/files/{file.path}"
    match owner.kind:
        case "scan" if together:
            return f"{session.label}/scans/{together}/{within}"
        case "scan":
            scan_type = member_part(owner.fields.get("type", ""))
            return f"{session.label}/scans/{owner.id}-{scan_type}/{within}"
        case "assessor":
            return f"{session.label}/assessors/{owner.label}/{within}"
        case _:
            return f"{owner.label}/{within}"


def _file(call: Call, target: Target, path: str) -> Response:
    for resource in _catalogs(call, target):
        file = call.resources.file(resource, path)
        if file is None:
            continue
        place = call.resources.path_of(resource, path)
        if not place.is_file():
            break
        media_type = mimetypes.guess_type(file.path)[0] or "application/octet-stream"
        headers = {
            "Content-Length": str(place.stat().st_size),
            # What users uploaded runs, if at all, in an origin of its own: it cannot act with
            # the login of whoever looks at it.
            "Content-Security-Policy": "sandbox",
            "X-Content-Type-Options": "nosniff",
            "Last-Modified": formatdate(place.stat().st_mtime, usegmt=True),
        }
        if call.method == "HEAD":
            return Response(headers=headers, media_type=media_type)
        return streams.stream(_pieces(place), media_type, headers)
    raise Refused(404, NOT_FOUND)


def _pieces(path: Path) -> Generator[bytes]:
    with path.open("rb") as source:
        while data := source.read(archives.CHUNK):
            yield data
