"""GET: resources, their files one by one, in listings and in archives."""

import mimetypes
from collections.abc import Generator, Iterator
from email.utils import formatdate
from itertools import islice
from pathlib import Path

from starlette.responses import Response, StreamingResponse

from localxnat.api import catalog_rows, listings, streams
from localxnat.api.responses import Row, rows_as
from localxnat.api.targets import NOT_FOUND, Call, Target
from localxnat.errors import Refused
from localxnat.storage import archives
from localxnat.storage.names import member_part
from localxnat.storage.resources import File, Resource
from localxnat.storage.store import Object

# What users uploaded runs, if at all, in an origin of its own: it cannot act with the login of
# whoever looks at it.
UPLOADED = {"Content-Security-Policy": "sandbox", "X-Content-Type-Options": "nosniff"}
# The session, the object with the resource, the resource, the file.
Found = tuple[Object, Object, Resource, File]


def _owners(call: Call, target: Target) -> list[Object]:
    """The objects whose resources an address is about: several, for scans/ALL or all=true."""
    if call.address.get("scans") is not None and target.assessor is None:
        return target.scans
    return call.store.with_parts(target.owner) if call.query.flag("all") else [target.owner]


def list_resources(call: Call, target: Target) -> Response:
    rows = [
        catalog_rows.resource_row(owner, resource)
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


def _found(call: Call, target: Target, folder: str = "") -> Iterator[Found]:
    """The files that an address is about, in a folder if one is named (with its `/`)."""
    flat = call.query.get("recursive").lower() == "false"
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
                    if not file.path.startswith(folder) or (
                        flat and "/" in file.path[len(folder) :]
                    ):
                        continue
                    if wanted_format and (file.format or resource.format) != wanted_format:
                        continue
                    if wanted_content and (file.content or resource.content) != wanted_content:
                        continue
                    yield session, owner, resource, file

    return found()


def _lies_in(path: str, folder: str, flat: bool) -> bool:
    return path.startswith(folder) and not (flat and "/" in path[len(folder) :])


def list_files(call: Call, target: Target) -> Response:
    """GET .../files: a listing, an archive or, with `index`, one file of the listing."""
    form = call.query.get("format")
    index = call.query.get("index")
    if index.isdecimal():
        return _one_of(call, target, int(index))
    if form in archives.MEDIA_TYPES:
        return archive(call, target, form)
    return rows_as(_file_rows(call, target), form)


def _one_of(call: Call, target: Target, index: int) -> Response:
    found = next(islice(_found(call, target), index, None), None)
    if found is None:
        raise Refused(404, "Unable to find file.")
    return _serve(call, found[2], found[3])


def below_folder(call: Call, target: Target, folder: str) -> Response:
    """GET .../files/{folder}/: what lies below, unless `recursive=false` directly in it."""
    form = call.query.get("format")
    if form not in archives.MEDIA_TYPES:
        return rows_as(_file_rows(call, target, f"{folder}/"), form)
    # As in XNAT (`FileList`), members have the names that they have in their resource.
    members = [
        (file.path, call.resources.path_of(resource, file.path))
        for _, _, resource, file in _found(call, target, f"{folder}/")
    ]
    if not members:
        raise Refused(404, "Unable to find file.")
    return _packed(call, iter(members), form, folder.rpartition("/")[2])


def _together(target: Target) -> str:
    """The scans' IDs where a resource of several is meant: as in XNAT, its addresses, and the
    names in a zip, which come of these, bear them all (`FileList.handleMultipleCatalogs`)."""
    several = target.several and target.labels
    return ",".join(scan.id for scan in target.scans) if several else ""


def _file_rows(call: Call, target: Target, folder: str = "") -> Iterator[Row]:
    names, session = _together(target), target.experiment
    together = f"/data/experiments/{session.id}/scans/{names}" if names and session else ""
    for session, owner, resource, file in _found(call, target, folder):
        row = catalog_rows.file_row(together or listings.uri(owner, session), resource, file)
        if owner.kind == "assessor":
            row["URI"] = row["URI"].replace(
                f"/data/experiments/{owner.id}/",
                f"/data/experiments/{session.id}/assessors/{owner.id}/",
            )
        yield row


def archive(call: Call, target: Target, form: str) -> Response:
    together = _together(target)
    members = (
        (
            _member(session, owner, resource, file, together),
            call.resources.path_of(resource, file.path),
        )
        for session, owner, resource, file in _found(call, target)
    )
    session = target.experiment if target.several else call.store.session_of(target.owner)
    return _packed(call, members, form, session.label if session else "")


def _packed(call: Call, members: Iterator[tuple[str, Path]], form: str, name: str) -> Response:
    if call.method == "HEAD":
        return StreamingResponse(iter(()), media_type=archives.MEDIA_TYPES[form])
    # No Content-Length: nobody knows the size of an archive that is packed while it is sent.
    return streams.stream(
        archives.stream(members, form),
        archives.MEDIA_TYPES[form],
        {"Content-Disposition": f'attachment; filename="{name}.{form}"'},
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


def file(call: Call, target: Target, path: str) -> Response:
    """GET .../files/{path}."""
    for resource in _catalogs(call, target):
        found = call.resources.file(resource, path)
        if found is not None:
            return _serve(call, resource, found)
    raise Refused(404, NOT_FOUND)


def _serve(call: Call, resource: Resource, file: File) -> Response:
    on_disk = call.resources.path_of(resource, file.path)
    if not on_disk.is_file():
        raise Refused(404, NOT_FOUND)
    media_type = mimetypes.guess_type(file.path)[0] or "application/octet-stream"
    headers = {
        **UPLOADED,
        "Content-Length": str(on_disk.stat().st_size),
        "Last-Modified": formatdate(on_disk.stat().st_mtime, usegmt=True),
    }
    if call.method == "HEAD":
        return Response(headers=headers, media_type=media_type)
    return streams.stream(_pieces(on_disk), media_type, headers)


def _pieces(path: Path) -> Generator[bytes]:
    with path.open("rb") as source:
        while data := source.read(archives.CHUNK):
            yield data
