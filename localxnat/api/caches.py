"""/data/user/cache/resources/{name}/files/{file}: files that a user keeps until an import."""

import shutil
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from localxnat.api import address, uploads
from localxnat.api.access import Archive, Who, archive, signed_in
from localxnat.api.files import UPLOADED
from localxnat.api.responses import Row, rows_as
from localxnat.api.targets import NOT_FOUND
from localxnat.errors import Refused
from localxnat.storage.incoming import Incoming
from localxnat.storage.names import check_file_path, check_resource_label

_BASE = "/user/cache/resources"


def _folder(base: Archive, who: Who) -> Path:
    # A login is any text: in hex it is a name.
    return base.store.root / "cache" / who.user.login.encode().hex()


def _cached(base: Archive, who: Who, parts: list[str]) -> Path:
    """The file or the folder of a cache that /{name}/files/{file} names."""
    if not parts or parts[1:2] not in ([], ["files"]):
        raise Refused(404, NOT_FOUND)
    cached = _folder(base, who) / check_resource_label(parts[0])
    path = "/".join(parts[2:])
    return cached / check_file_path(path) if path else cached


def find(base: Archive, who: Who, source: str) -> Path:
    """The file that an import names: 400 for one that is none of the user's cache."""
    path = source.removeprefix("/data").removeprefix(f"{_BASE}/")
    if path == source:
        raise Refused(400, "The source is no file of the user's cache.")
    cached = _cached(base, who, [part for part in path.split("/") if part])
    if not cached.is_file():
        raise Refused(400, "The source is not in the user's cache.")
    return cached


async def handle(request: Request, who: Who) -> Response:
    base = archive(request)
    parts = address.segments(request.scope["raw_path"])[4:]
    if request.method == "GET":
        return await run_in_threadpool(_get, base, who, parts, request.query_params)
    cached = _cached(base, who, parts)
    if request.method == "DELETE":
        return await run_in_threadpool(_delete, cached)
    if len(parts) < 3:
        raise Refused(400, "Please use HTTP PUT request to specify a file name in the URL.")
    await _put(request, base, cached)
    return Response(status_code=200)


def _get(base: Archive, who: Who, parts: list[str], query: object) -> Response:
    folder = _folder(base, who)
    if not parts:
        found = sorted(folder.iterdir()) if folder.is_dir() else []
        rows: list[Row] = [
            {"Resource": one.name, "URI": f"/data{_BASE}/{one.name}"} for one in found
        ]
        return rows_as(rows, "json")
    cached = _cached(base, who, parts)
    if cached.is_file():
        return FileResponse(cached, headers=UPLOADED)
    if not cached.is_dir() or len(parts) > 2:
        raise Refused(404, NOT_FOUND)
    return rows_as([_row(parts[0], cached, one) for one in sorted(cached.rglob("*"))], "json")


def _row(name: str, folder: Path, file: Path) -> Row:
    path = file.relative_to(folder).as_posix()
    return {
        "Name": path,
        "Size": str(file.stat().st_size),
        "URI": f"/data{_BASE}/{name}/files/{path}",
    }


def _delete(cached: Path) -> Response:
    if cached.is_dir():
        shutil.rmtree(cached)
    elif cached.is_file():
        cached.unlink()
    else:
        raise Refused(404, NOT_FOUND)
    return Response(status_code=200)


async def _put(request: Request, base: Archive, cached: Path) -> None:
    new = base.resources.incoming()
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        async with request.form() as form:
            files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
            if len(files) != 1:
                new.drop()
                raise Refused(400, "The form does not have one file.")
            await uploads.receive_upload(files[0], new)
    else:
        await uploads.receive_body(request, new)
    await run_in_threadpool(_keep, new, cached)


def _keep(new: Incoming, cached: Path) -> None:
    arrived = new.finish(cached.name).temporary
    try:
        cached.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        arrived.replace(cached)
    except (FileExistsError, IsADirectoryError, NotADirectoryError):
        raise Refused(409, "A file and a folder cannot have the same name.") from None
    finally:
        arrived.unlink(missing_ok=True)


def routes() -> list[Route]:
    run, methods = signed_in(handle), ["GET", "PUT", "POST", "DELETE"]
    return [
        Route(f"/data{_BASE}", run, methods=methods),
        Route(f"/data{_BASE}/{{rest:path}}", run, methods=methods),
    ]
