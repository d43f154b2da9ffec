"""Orders for the sessions of the prearchive: /data/services/{archive,prearchive}."""

import re
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from localxnat.api import query
from localxnat.api.access import Archive, Who, archive, signed_in
from localxnat.api.prearchive_api import find_waiting, may
from localxnat.api.query import Query
from localxnat.api.responses import rows_as
from localxnat.errors import Refused
from localxnat.model import fields
from localxnat.storage.names import check_label
from localxnat.storage.store import Object
from localxnat.storage.waiting import OVERWRITES, UNASSIGNED, Waiting

_STATUS = {"archive": "ARCHIVING", "move": "MOVING", "delete": "DELETING", "rebuild": "BUILDING"}
_SCAN = re.compile(
    r"SessionData/scans/scan\[(?P<index>\d+)\](\[@xsi:type=[^\]]*\])?/(?P<field>.+)", re.IGNORECASE
)
# One order after the other, as XNAT's queue; what waits when the server ends is READY again.
_queue = ThreadPoolExecutor(1, "prearchive")


def archived_uri(base: Archive, item: Object) -> str:
    """The URI of an archived session, as the services answer it."""
    subject = base.store.by_pk(item.parent) if item.parent is not None else None
    name = subject.label if subject else ""
    return f"/data/archive/projects/{item.project}/subjects/{name}/experiments/{item.label}"


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
    """POST ?action={build,commit,move} or DELETE on a session in the prearchive itself.

    As in XNAT (`PrearcSessionResource`), the answer is where the session is: with 301 where it
    has gone, to another project or, by a commit that archives, into the archive.
    """
    asked = query.parse(request.url.query)
    base, path = archive(request), request.url.path
    if request.method == "DELETE":
        return await run_in_threadpool(_act, base, who, asked, "delete", [path])
    actions = {"build": _build, "commit": _commit, "move": _move}
    action = actions.get(asked.get("action"))
    if action is None:
        raise Refused(400, "The action is not one of the prearchive.")
    return await run_in_threadpool(action, base, who, asked, path)


def _build(base: Archive, who: Who, asked: Query, path: str) -> Response:
    one = _source(base, who, path)
    base.prearchive.rebuild(one)
    return PlainTextResponse(f"/data{one.url}")


def _commit(base: Archive, who: Who, asked: Query, path: str) -> Response:
    one = _source(base, who, path)
    base.prearchive.rebuild(one)
    automatic = OVERWRITES.get(one.autoarchive)
    if automatic is None and not asked.flag("AA"):
        return PlainTextResponse(f"/data{one.url}")
    if asked.get("overwrite") or automatic is None:
        return PlainTextResponse(_order(base, who, asked, "archive", one)(), 301)
    item = base.prearchive.archive(one, who.user.login, overwrite=automatic)
    return PlainTextResponse(archived_uri(base, item), 301)


def _move(base: Archive, who: Who, asked: Query, path: str) -> Response:
    one = _source(base, who, path)
    return PlainTextResponse(f"/data{_order(base, who, asked, 'move', one)()}", 301)


def _act(base: Archive, who: Who, asked: Query, action: str, sources: list[str]) -> Response:
    if action not in _STATUS:
        raise Refused(400, "The action is not one of the prearchive.")
    if not sources:
        raise Refused(400, "The request names no session (src).")
    chosen = [_source(base, who, source) for source in sources]
    orders = [_order(base, who, asked, action, one) for one in chosen]
    if asked.flag("async"):
        # All of them or, where one is locked, none.
        with base.store.database.write():
            for one in chosen:
                base.prearchive.queue(one, _STATUS[action])
        for order in orders:
            run_later(order)
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
    return find_waiting(base, who, *parts)


def _order(
    base: Archive, who: Who, asked: Query, action: str, one: Waiting
) -> Callable[[], str | None]:
    """The work of an action, all of it allowed and well said; it returns where the session is."""
    prearchive = base.prearchive
    if action == "delete":
        return lambda: prearchive.delete(one)
    if action == "rebuild":
        return lambda: prearchive.rebuild(one)
    if action == "move":
        _may_import(base, who, asked.get("newProject"))
        return lambda: prearchive.move(one, asked.get("newProject")).url
    project = _said(asked, "project") or one.project
    if project == UNASSIGNED:
        raise Refused(400, "The session has no project to be archived in.")
    if project != one.project:
        _may_import(base, who, project)
    subject, session = _said(asked, "subject", "subject_ID"), _said(asked, "session", "label")
    for word, value in (("subject", subject), ("session", session)):
        if value:
            check_label(value, word)

    def take() -> str:
        moved = prearchive.move(one, project) if project != one.project else one
        item = prearchive.archive(
            moved,
            who.user.login,
            subject=_subject_label(base, project, subject),
            session=session or None,
            overwrite=asked.get("overwrite") or "none",
            overwrite_files=asked.flag("overwrite_files"),
        )
        _set_fields(base, asked, item)
        return archived_uri(base, item)

    return take


def _said(asked: Query, word: str, field: str = "") -> str:
    """A parameter, or the field of a session that says the same: xnat:mrSessionData/label."""
    wanted = f"sessiondata/{(field or word).lower()}"
    paths = (value for name, value in asked if name.lower().endswith(wanted))
    return asked.get(word) or next(paths, "")


def _set_fields(base: Archive, asked: Query, item: Object) -> None:
    """Set what an order says of the session and, as `scans/scan[0]/...`, of its scans."""
    paths = [(name, value) for name, value in asked if "/" in name and "/scans/" not in name]
    base.store.set_fields(item, fields.updates("experiment", item.xsi_type, paths))
    scans = base.store.children(item, "scan")
    for name, value in asked:
        said = _SCAN.search(name)
        if said and int(said["index"]) < len(scans):
            scan = scans[int(said["index"])]
            key, checked = fields.change(scan.xsi_type, said["field"], value)
            base.store.set_fields(scan, {key: checked})


def run_later(work: Callable[[], object]) -> None:
    """Do something after the orders that wait already."""
    _queue.submit(_carry_out, work)


def _carry_out(order: Callable[[], object]) -> None:
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
    if not may(base, who, project):
        raise Refused(403, "The user has no right to import into the project.")


def routes() -> list[Route]:
    return [
        Route("/data/services/archive", signed_in(act), methods=["POST"]),
        Route("/data/services/prearchive/{action}", signed_in(act), methods=["POST"]),
        Route("/data/prearchive/{rest:path}", signed_in(change), methods=["POST", "DELETE"]),
    ]
