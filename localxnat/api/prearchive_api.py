"""/data/prearchive: what waits there, down to its files."""

from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from localxnat.api import address, streams, targets
from localxnat.api.access import Archive, Who, archive, signed_in
from localxnat.api.files import UPLOADED
from localxnat.api.responses import Row, rows_as
from localxnat.errors import Refused
from localxnat.storage import archives
from localxnat.storage.dicom import Instance, find
from localxnat.storage.waiting import Waiting


async def direct(request: Request, who: Who) -> Response:
    """GET or POST /xapi/direct-archive: what arrives for the archive and never waits."""
    base = archive(request)
    found = await run_in_threadpool(base.prearchive.direct)
    return JSONResponse([one.row() for one in found if may(base, who, one.project)])


def may(base: Archive, who: Who, project: str, action: str = "edit") -> bool:
    if who.user.admin:
        return True
    found = base.store.project(project)
    return found is not None and base.auth.may(who.user, action, found)


async def prearchive(request: Request, who: Who) -> Response:
    """GET /data/prearchive[/projects[/P[/timestamp/session[/scans/...]]]]."""
    parts = address.segments(request.scope["raw_path"])[2:]
    form = request.query_params.get("format", "")
    return await run_in_threadpool(_prearchive, archive(request), who, parts, form)


def _prearchive(base: Archive, who: Who, parts: list[str], form: str) -> Response:
    waiting = base.prearchive
    if parts and parts[0] != "projects":
        raise Refused(404, targets.NOT_FOUND)
    if len(parts) <= 2:
        return rows_as(_listed(base, who, parts[1] if len(parts) == 2 else None), form)
    if len(parts) == 3:
        raise Refused(404, targets.NOT_FOUND)
    one = find_waiting(base, who, *parts[1:4])
    folder = waiting.folder(one)
    if form in archives.MEDIA_TYPES:
        return _archive(folder, _within(folder, parts[4:]), form)
    return _below(one, folder, parts[4:], form)


def _listed(base: Archive, who: Who, project: str | None) -> list[Row]:
    """The sessions of a project, or of all that the user may edit.

    As in XNAT (`PrearcSessionListResource`), an administrator gets those of other projects and of
    none with them, whichever project the address names.
    """
    if who.user.admin or project is None:
        return [one.row() for one in base.prearchive.all() if may(base, who, one.project)]
    if not may(base, who, project, "read"):
        raise Refused(403, "The current user does not have access to the requested project.")
    return [one.row() for one in base.prearchive.all(project)]


def find_waiting(base: Archive, who: Who, project: str, timestamp: str, name: str) -> Waiting:
    one = base.prearchive.find(project, timestamp, name)
    if one is None or not may(base, who, one.project):
        raise Refused(404, targets.NOT_FOUND)
    return one


def _within(folder: Path, parts: list[str]) -> Path:
    """The folder of a scan, named as in the listing; the session's for anything else."""
    if parts[:1] == ["scans"] and len(parts) > 1:
        return _folders(folder / "SCANS").get(parts[1], folder)
    return folder


def _folders(parent: Path) -> dict[str, Path]:
    """The content of a folder by name: a name from outside is only ever looked up in this."""
    return {path.name: path for path in sorted(parent.iterdir())}


def _below(one: Waiting, folder: Path, parts: list[str], form: str) -> Response:
    """A session in the prearchive, or what is in it; it is read from the folder."""
    scans = _folders(folder / "SCANS")
    match parts:
        case []:
            return rows_as([one.row()], form)
        case ["scans"]:
            return rows_as([_scan_row(path) for path in scans.values()], form)
        case ["scans", scan, "resources"] if scan in scans:
            return rows_as([_resource_row(path) for path in _folders(scans[scan]).values()], form)
        case ["scans", scan, "resources", label, "files", *rest] if scan in scans:
            resources = _folders(scans[scan])
            if label in resources:
                base = f"/data{one.url}/scans/{scan}/resources/{label}/files"
                return _files(_folders(resources[label]), base, label, rest, form)
    raise Refused(404, targets.NOT_FOUND)


def _files(files: dict[str, Path], base: str, label: str, rest: list[str], form: str) -> Response:
    if not rest:
        return rows_as([_file_row(path, base, label) for path in files.values()], form)
    if rest[0] not in files or len(rest) > 1:
        raise Refused(404, targets.NOT_FOUND)
    return FileResponse(files[rest[0]], headers=UPLOADED, media_type="application/dicom")


def _scan_row(path: Path) -> Row:
    first = next((one for one in find([path]) if isinstance(one, Instance)), None)
    description = first.text("SeriesDescription") if first else ""
    return {
        "ID": path.name,
        "type": description or "Unknown",
        "series_description": description,
        "xsiType": "xnatpy:prearchiveScan",
    }


def _resource_row(path: Path) -> Row:
    sizes = [file.stat().st_size for file in path.iterdir()]
    return {
        "label": path.name,
        "file_count": str(len(sizes)),
        "file_size": str(sum(sizes)),
        "category": "scans",
        "cat_id": path.parent.name,
    }


def _file_row(path: Path, base: str, label: str) -> Row:
    return {
        "Name": path.name,
        "Size": str(path.stat().st_size),
        "URI": f"{base}/{path.name}",
        "collection": label,
    }


def _archive(folder: Path, within: Path, form: str) -> Response:
    members = [
        (f"{folder.name}/{path.relative_to(folder)}", path)
        for path in sorted(within.rglob("*"))
        if path.is_file()
    ]
    return streams.stream(archives.stream(members, form), archives.MEDIA_TYPES[form])


def routes() -> list[Route]:
    return [
        Route("/xapi/direct-archive", signed_in(direct), methods=["GET", "POST"]),
        Route("/data/prearchive", signed_in(prearchive)),
        Route("/data/prearchive/{rest:path}", signed_in(prearchive)),
    ]
