"""/data/services/import: DICOM files into the archive or the prearchive."""

from dataclasses import dataclass, replace
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from localxnat.api import caches, destinations, query, uploads
from localxnat.api.access import Archive, Who, archive, signed_in
from localxnat.api.destinations import Destination
from localxnat.api.orders import archived_uri, run_later
from localxnat.api.query import Query
from localxnat.errors import Refused
from localxnat.storage import archives
from localxnat.storage.messages import Messages
from localxnat.storage.names import check_file_path
from localxnat.storage.waiting import DIRECT, Waiting


@dataclass(frozen=True)
class Upload:
    """A file that is to be imported, the name it came under, and whether it is ours to remove."""

    path: Path
    name: str
    kept: bool = False


async def import_(request: Request, who: Who) -> Response:
    """POST an archive of DICOM files, or one file, raw or as a form; answers with the URI.

    `src` names a file that was put into the user's cache instead. `http-session-listener` is
    where `/data/status` tells how it goes.
    """
    base, asked = archive(request), _asked(request)
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        async with request.form() as form:
            items = form.multi_items()
            asked += [(name, value) for name, value in items if isinstance(value, str)]
            destination = await run_in_threadpool(destinations.read, base, who, asked)
            files = [value for _, value in items if isinstance(value, UploadFile)]
            upload = await _of_form(base, who, asked, files)
    else:
        destination = await run_in_threadpool(destinations.read, base, who, asked)
        upload = await _of_body(request, base, who, asked)
    return await _answer(base, who, asked.get("http-session-listener"), destination, upload)


def _asked(request: Request) -> Query:
    """The query; a body that says that it is DICOM is a part of a session."""
    asked = query.parse(request.url.query)
    is_dicom = request.headers.get("content-type", "").startswith("application/dicom")
    if is_dicom and not asked.get("import-handler"):
        asked.append(("import-handler", "gradual-DICOM"))
    return asked


async def _of_body(request: Request, base: Archive, who: Who, asked: Query) -> Upload:
    if asked.get("src"):
        return _of_cache(base, who, asked)
    new = await uploads.receive_body(request, base.resources.incoming())
    return Upload(new.finish("upload").temporary, "")


async def _of_form(base: Archive, who: Who, asked: Query, files: list[UploadFile]) -> Upload:
    """The one file of a form, or the one that it names."""
    if not files and asked.get("src"):
        return _of_cache(base, who, asked)
    if len(files) != 1:
        raise Refused(400, "An import has one uploaded file at a time.")
    name = (files[0].filename or "upload").replace("\\", "/").rpartition("/")[2]
    check_file_path(name)
    new = await uploads.receive_upload(files[0], base.resources.incoming())
    return Upload(new.finish("upload").temporary, name)


def _of_cache(base: Archive, who: Who, asked: Query) -> Upload:
    path = caches.find(base, who, asked.get("src"))
    return Upload(path, path.name, kept=True)


async def _answer(
    base: Archive, who: Who, listener: str, destination: Destination, upload: Upload
) -> Response:
    """Import, and say where to; what comes from the cache is not waited for by who listens."""
    messages = base.statuses.open(who.login.id, who.user.login, listener)
    if listener and upload.kept:
        run_later(lambda: _import_noted(base, who, destination, upload, messages))
        return PlainTextResponse("Submitted for prearchival")
    uris = await run_in_threadpool(_import_noted, base, who, destination, upload, messages)
    return PlainTextResponse("\r\n".join(uris) + "\r\n")


def _import_noted(
    base: Archive, who: Who, destination: Destination, upload: Upload, messages: Messages
) -> list[str]:
    """Import, and note for who listens what becomes of it."""
    messages.add("PROCESSING", "Importing sessions to the prearchive")
    try:
        uris = _import(base, who, destination, upload)
    except Refused as refused:
        messages.add("FAILED", refused.message, last=True)
        raise
    except Exception:
        messages.add("FAILED", "The server failed; what it printed says why.", last=True)
        raise
    paths = [uri.removeprefix("/data") for uri in uris]
    kind = "Archive" if paths[0].startswith("/archive") else "Prearchive"
    messages.add("COMPLETED", f"{kind}:{';'.join(paths)}", last=True)
    return uris


def _import(base: Archive, who: Who, destination: Destination, upload: Upload) -> list[str]:
    temporary = [] if upload.kept else [upload.path]
    try:
        named = {upload.path: upload.name}
        if kind := archives.kind_of(upload.path):
            members = base.resources.unpack(upload.path, kind)
            named = {one.temporary: one.path.rpartition("/")[2] for one in members}
        elif upload.kept:
            copied = _copy(base, upload)
            named = {copied: upload.name}
        temporary += named
        arrival = replace(destination.arrival, named=named)
        staged = base.prearchive.stage(list(named), arrival)
        return _finish(base, who, destination, staged)
    finally:
        for path in temporary:
            path.unlink(missing_ok=True)


def _copy(base: Archive, upload: Upload) -> Path:
    """A file of a cache as an incoming one, since what is staged is moved."""
    new = base.resources.incoming()
    with upload.path.open("rb") as source:
        while data := source.read(archives.CHUNK):
            new.write(data)
    return new.finish(upload.name).temporary


def _finish(base: Archive, who: Who, destination: Destination, staged: list[Waiting]) -> list[str]:
    """Archive what is to be archived; where all of it is."""
    if destination.kind == "archive" and not destination.arrival.parts and len(staged) > 1:
        raise Refused(400, "Upload included files for multiple imaging sessions.")
    if destination.kind != "archive":
        if destination.kind == "any" and not destination.arrival.parts and len(staged) > 1:
            raise Refused(400, "Upload included files for multiple imaging sessions.")
        return [_uri(one) for one in staged]
    return [
        archived_uri(
            base,
            base.prearchive.archive(
                one,
                who.user.login,
                overwrite=destination.overwrite,
                overwrite_files=destination.overwrite_files,
            ),
        )
        for one in staged
    ]


def _uri(one: Waiting) -> str:
    if one.autoarchive == DIRECT:
        return f"/xapi/direct-archive/{one.project}/{one.tag}/{one.name}"
    return f"/data{one.url}"


def routes() -> list[Route]:
    return [Route("/data/services/import", signed_in(import_), methods=["POST"])]
