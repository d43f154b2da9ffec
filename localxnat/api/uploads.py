"""Files that arrive: raw or as a form, one or an archive of many."""

from collections.abc import Callable
from functools import partial

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from localxnat.api.targets import Call, resolve
from localxnat.api.writing import make_resource
from localxnat.errors import Refused
from localxnat.storage import archives
from localxnat.storage.incoming import Arrived, Incoming
from localxnat.storage.names import check_file_path, check_resource_label
from localxnat.storage.resources import Resource
from localxnat.storage.store import Object


async def put_files(call: Call, request: Request) -> Response:
    """Receive and keep what a PUT or POST on `.../resources/L/files[/path]` carries.

    As in XNAT (`FileList.handlePost`), one who may not edit there gets 200, and nothing is kept.
    """
    owner, resource, path = await run_in_threadpool(_destination, call)
    if not await run_in_threadpool(call.may, "edit", owner):
        async for _ in request.stream():
            pass
        return Response(status_code=200)
    arrived = await _receive(call, request, path)
    return await run_in_threadpool(_keep, call, owner, resource, arrived)


def _destination(call: Call) -> tuple[Object, Callable[[], Resource], str]:
    """The owner, the resource or what makes it, and the path in it."""
    target = resolve(call)
    label = target.missing.pop("resources", None)
    if target.missing:
        raise Refused(404, "Unable to find the specified item.")
    owner = target.owner
    path = dict(call.address.steps).get("files", "")
    if path:
        path = check_file_path(path)
    name = target.resource.label if target.resource else label
    if name is None:
        raise Refused(417, "The upload names no resource.")
    check_resource_label(name)

    def resource() -> Resource:
        # As in XNAT, the first file makes the resource.
        return call.resources.find(owner, name) or make_resource(call, owner, name)

    return owner, resource, path


async def _receive(call: Call, request: Request, path: str) -> list[Arrived]:
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        return await _receive_form(call, request, path)
    if not path:
        raise Refused(417, "The upload names no file.")
    new = await receive_body(request, call.resources.incoming())
    return await run_in_threadpool(_unpack, call, new, path)


async def receive_body(request: Request, new: Incoming) -> Incoming:
    """A request's raw body as an incoming file; nothing is kept of one that ends early.

    Raises Refused: 400 for one that ended early, 500 for an empty one.
    """
    expected = request.headers.get("content-length")
    try:
        size = await new.fill(request.stream())
        if not size:
            raise Refused(500, "The upload is empty.")  # as XNAT fails at it
        if expected is not None and size != int(expected):
            raise Refused(400, "The upload ended early.")
    except BaseException:
        new.drop()
        raise
    return new


async def receive_upload(upload: UploadFile, new: Incoming) -> Incoming:
    """A file of a form as an incoming file."""
    try:
        while data := await upload.read(archives.CHUNK):
            await run_in_threadpool(new.write, data)
    except BaseException:
        new.drop()
        raise
    return new


async def _receive_form(call: Call, request: Request, path: str) -> list[Arrived]:
    async with request.form(max_files=10_000) as form:
        uploads = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
        if not uploads:
            raise Refused(417, "The form has no file.")
        arrived: list[Arrived] = []
        try:
            for upload in uploads:
                name = check_file_path(_name(upload, path, alone=len(uploads) == 1))
                new = await receive_upload(upload, call.resources.incoming())
                arrived += await run_in_threadpool(_unpack, call, new, name)
        except BaseException:
            _drop(arrived)
            raise
    return arrived


def _name(upload: UploadFile, path: str, *, alone: bool) -> str:
    """The path of a file of a form: that of the address or, of several, below it."""
    name = upload.filename or ""
    if path.endswith("/") or (path and not alone):
        return f"{path.rstrip('/')}/{name}"
    return path or name


def _drop(arrived: list[Arrived]) -> None:
    """Remove files that arrived and have no place."""
    for item in arrived:
        item.temporary.unlink(missing_ok=True)


def _unpack(call: Call, new: Incoming, path: str) -> list[Arrived]:
    """The file itself or, with `extract=true`, what is in it."""
    arrived = new.finish(path)
    if not call.query.flag("extract"):
        return [arrived]
    try:
        members = call.resources.unpack(arrived.temporary, path)
    finally:
        arrived.temporary.unlink()
    folder = path.rpartition("/")[0]
    for member in members:
        if folder:
            member.path = f"{folder}/{member.path}"
    return members


def _keep(
    call: Call, owner: Object, resource: Callable[[], Resource], arrived: list[Arrived]
) -> Response:
    query = call.query
    commit = partial(
        call.resources.commit,
        owner,
        resource,
        arrived,
        overwrite=query.flag("overwrite"),
        format=query.get("format"),
        content=query.get("content"),
        tags=query.get("tags"),
    )
    try:
        duplicates = commit()
    except BaseException:
        _drop(arrived)
        raise
    # As XNAT answers: success even when some files were there and stay as they were.
    if duplicates:
        return JSONResponse({"duplicates": duplicates})
    return Response(status_code=200)
