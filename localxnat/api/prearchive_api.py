"""/data/prearchive and /data/services/{archive,prearchive}: what waits, and what becomes of it."""

import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from localxnat.api import address, query, streams, targets
from localxnat.api.access import Archive, Who, archive, signed_in
from localxnat.api.listings import Row
from localxnat.api.query import Query
from localxnat.api.responses import rows_as
from localxnat.errors import Refused
from localxnat.storage import archives
from localxnat.storage.dicom import Instance, find
from localxnat.storage.names import check_label
from localxnat.storage.store import Object
from localxnat.storage.waiting import UNASSIGNED, Waiting

_STATUS = {"archive": "ARCHIVING", "move": "MOVING", "delete": "DELETING", "rebuild": "BUILDING"}
# One order after the other, as XNAT's queue; what waits when the server ends is READY again.
_queue = ThreadPoolExecutor(1, "prearchive")


def archived_uri(base: Archive, item: Object) -> str:
    """Where an archived session is, as the services answer it."""
    subject = base.store.by_pk(item.parent) if item.parent is not None else None
    name = subject.id if subject else ""
    return f"/data/archive/projects/{item.project}/subjects/{name}/experiments/{item.id}"


def _may(base: Archive, who: Who, project: str, action: str = "edit") -> bool:
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
    one = _waiting(base, who, *parts[1:4])
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
        return [one.row() for one in base.prearchive.all() if _may(base, who, one.project)]
    if not _may(base, who, project, "read"):
        raise Refused(403, "The current user does not have access to the requested project.")
    return [one.row() for one in base.prearchive.all(project)]


def _waiting(base: Archive, who: Who, project: str, timestamp: str, name: str) -> Waiting:
    one = base.prearchive.find(project, timestamp, name)
    if one is None or not _may(base, who, one.project):
        raise Refused(404, targets.NOT_FOUND)
    return one


def _within(folder: Path, parts: list[str]) -> Path:
    """The folder of a scan, named as in the listing; the session's for anything else."""
    if parts[:1] == ["scans"] and len(parts) > 1:
        return _folders(folder / "SCANS").get(parts[1], folder)
    return folder


def _folders(parent: Path) -> dict[str, Path]:
    """What is in a folder by name: a name from outside is only ever looked up in this."""
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
    return FileResponse(files[rest[0]], media_type="application/dicom")


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


# Orders --------------------------------------------------------------------------------------


async def act(request: Request, who: Who) -> Response:
    """POST /data/services/archive and /data/services/prearchive/{move,delete,rebuild}.

    One session is archived while the client waits; the answer is where it is. Several, and all
    that is asked for with `async`, answer with the sessions' rows: a failure is a status there.
    """
    asked = query.parse(request.url.query)
    form = await request.form()
    asked.extend((name, value) for name, value in form.multi_items() if isinstance(value, str))
    action = request.path_params.get("action", "archive")
    sources = [value for name, value in asked if name.lower() == "src"]
    return await run_in_threadpool(_act, archive(request), who, asked, action, sources)


async def change(request: Request, who: Who) -> Response:
    """POST ?action={build,commit,move} or DELETE on a session in the prearchive itself."""
    asked = query.parse(request.url.query)
    words = {"build": "rebuild", "commit": "rebuild", "move": "move"}
    action = "delete" if request.method == "DELETE" else words.get(asked.get("action"), "")
    path = request.url.path
    return await run_in_threadpool(_act, archive(request), who, asked, action, [path])


def _act(base: Archive, who: Who, asked: Query, action: str, sources: list[str]) -> Response:
    if action not in _STATUS:
        raise Refused(400, "The action is not one of the prearchive.")
    if not sources:
        raise Refused(400, "The request names no session (src).")
    chosen = [_source(base, who, source) for source in sources]
    orders = [_order(base, who, asked, action, one) for one in chosen]
    if asked.flag("async"):
        for one in chosen:
            base.prearchive.queue(one, _STATUS[action])
        for order in orders:
            _queue.submit(_carry_out, order)
    elif len(orders) == 1:
        uri = orders[0]()
        if action == "archive":
            return PlainTextResponse(f"{uri}\r\n")
    else:
        for order in orders:
            _carry_out(order)
    rows = [found.row() for one in chosen if (found := base.prearchive.find(*one.key))]
    return rows_as(rows, asked.get("format"))


def _source(base: Archive, who: Who, source: str) -> Waiting:
    parts = [part for part in source.split("/") if part]
    parts = parts[parts.index("projects") + 1 :] if "projects" in parts else []
    if len(parts) != 3:
        raise Refused(400, "The source is no session in the prearchive.")
    return _waiting(base, who, *parts)


def _order(
    base: Archive, who: Who, asked: Query, action: str, one: Waiting
) -> Callable[[], str | None]:
    """What is to be done, all of it allowed and well said."""
    prearchive = base.prearchive
    if action == "delete":
        return lambda: prearchive.delete(one)
    if action == "rebuild":
        return lambda: prearchive.rebuild(one)
    if action == "move":
        _may_import(base, who, asked.get("newProject"))
        return lambda: prearchive.move(one, asked.get("newProject")).url
    project = asked.get("project") or one.project
    if project == UNASSIGNED:
        raise Refused(400, "The session has no project to be archived in.")
    if project != one.project:
        _may_import(base, who, project)
    for word in ("subject", "session"):
        if asked.get(word):
            check_label(asked.get(word), word)

    def take() -> str:
        moved = prearchive.move(one, project) if project != one.project else one
        item = prearchive.archive(
            moved,
            who.user.login,
            subject=_subject_label(base, project, asked.get("subject")),
            session=asked.get("session") or None,
            overwrite=asked.get("overwrite") or "none",
        )
        return archived_uri(base, item)

    return take


def _carry_out(order: Callable[[], str | None]) -> None:
    """Do what nobody waits for; what came of it is the session's status."""
    try:
        order()
    except Refused:
        pass
    except Exception:
        traceback.print_exc()


def _subject_label(base: Archive, project: str, name: str) -> str | None:
    known = base.store.subject(name, project) if name else None
    return known.label if known else name or None


def _may_import(base: Archive, who: Who, project: str) -> None:
    if project == UNASSIGNED or base.store.project(project) is None:
        raise Refused(404, "The project to move to does not exist.")
    if not _may(base, who, project):
        raise Refused(403, "The user has no right to import into the project.")


def routes() -> list[Route]:
    return [
        Route("/data/services/archive", signed_in(act), methods=["POST"]),
        Route("/data/services/prearchive/{action}", signed_in(act), methods=["POST"]),
        Route("/data/prearchive", signed_in(prearchive)),
        Route("/data/prearchive/{rest:path}", signed_in(change), methods=["POST", "DELETE"]),
        Route("/data/prearchive/{rest:path}", signed_in(prearchive)),
    ]
