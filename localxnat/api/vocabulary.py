"""The scanners and scan types in use: /data/scanners, /data/scan_types; and plugins: none."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from localxnat.api.access import Archive, Who, archive, signed_in
from localxnat.api.responses import rows_as
from localxnat.api.targets import NOT_FOUND
from localxnat.errors import Refused
from localxnat.storage import summaries


def _readable(base: Archive, who: Who, only: str | None) -> set[str]:
    if only is None:
        projects = list(base.store.all("project"))
    else:
        found = base.store.project(only)
        projects = [found] if found else []
    names = {one.id for one in projects if base.auth.may(who.user, "read", one)}
    if only is not None and not names:
        raise Refused(404, NOT_FOUND)
    return names


def _scanners(base: Archive, who: Who, only: str | None) -> list[dict[str, str]]:
    readable = _readable(base, who, only)
    found = summaries.scanners(base.store.database)
    names = dict.fromkeys(one.name for one in found if one.project in readable)
    return [{"scanner": name} for name in names]


def _scan_types(base: Archive, who: Who, only: str | None) -> list[dict[str, str]]:
    readable = _readable(base, who, only)
    described: dict[str, list[str]] = {}
    for one in summaries.scan_types(base.store.database):
        if one.project in readable:
            known = described.setdefault(one.type, [])
            known += [one.description] if one.description else []
    return [
        {"series_descriptions": ",".join(dict.fromkeys(known)), "type": name}
        for name, known in described.items()
    ]


async def listing(request: Request, who: Who) -> Response:
    """GET /data/scanners, /data/scan_types, /data/projects/{project}/scan_types."""
    find = _scanners if request.url.path.endswith("/scanners") else _scan_types
    only = request.path_params.get("project")
    rows = await run_in_threadpool(find, archive(request), who, only)
    return rows_as(rows, request.query_params.get("format", ""))


async def plugins(request: Request, who: Who) -> Response:
    return JSONResponse({})


def routes() -> list[Route]:
    run = signed_in(listing)
    return [
        Route("/xapi/plugins", signed_in(plugins)),
        *(
            Route(f"{data}/{path}", run)
            for data in ("/data", "/data/archive", "/REST")
            for path in ("scanners", "scan_types", "projects/{project}/scan_types")
        ),
    ]
