"""Which scanners and scan types there are: /data/scanners, /data/scan_types; and plugins: none."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from localxnat.api.access import Archive, Who, archive, signed_in
from localxnat.api.responses import rows_as
from localxnat.api.targets import NOT_FOUND
from localxnat.errors import Refused

_SCANNERS = (
    "SELECT DISTINCT project, json_extract(fields, '$.scanner') AS scanner FROM objects"
    " WHERE kind = 'experiment' AND scanner IS NOT NULL ORDER BY scanner"
)
_TYPES = (
    "SELECT DISTINCT project, json_extract(fields, '$.type') AS type,"
    " json_extract(fields, '$.series_description') AS description FROM objects"
    " WHERE kind = 'scan' AND type IS NOT NULL ORDER BY type"
)


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
    rows = base.store.database.connection.execute(_SCANNERS)
    names = dict.fromkeys(row["scanner"] for row in rows if row["project"] in readable)
    return [{"scanner": name} for name in names]


def _scan_types(base: Archive, who: Who, only: str | None) -> list[dict[str, str]]:
    readable = _readable(base, who, only)
    described: dict[str, list[str]] = {}
    for row in base.store.database.connection.execute(_TYPES):
        if row["project"] in readable:
            known = described.setdefault(row["type"], [])
            known += [row["description"]] if row["description"] else []
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
