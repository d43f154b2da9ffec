"""/data/services/refresh/catalog: rows in step with files that came or went on disk."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from localxnat.api import query, targets
from localxnat.api.access import Archive, Who, archive, signed_in
from localxnat.api.query import Query
from localxnat.storage import catalogs


async def refresh(request: Request, who: Who) -> Response:
    """POST /data/services/refresh/catalog?resource=/archive/...&options=append,delete,checksum.

    Of a session it refreshes the scans' and the assessors' catalogs, too.
    """
    asked = query.parse(request.url.query)
    await run_in_threadpool(_refresh, archive(request), who, asked)
    return PlainTextResponse("")


def _refresh(base: Archive, who: Who, asked: Query) -> None:
    options = {
        option for name, value in asked if name.lower() == "options" for option in value.split(",")
    }
    for path in [value for name, value in asked if name.lower() == "resource"]:
        call = targets.Call.of(base, who, "POST", [part for part in path.split("/") if part])
        target = targets.resolve(call)
        targets.require_found(target)
        call.require("edit", target.owner)
        if target.resource:
            catalogs.refresh(base.resources, target.owner, target.resource, options)
            continue
        for owner in base.store.with_parts(target.owner):
            for resource in base.resources.of(owner):
                catalogs.refresh(base.resources, owner, resource, options)


def routes() -> list[Route]:
    return [
        Route("/data/services/refresh/catalog", signed_in(refresh), methods=["POST"]),
    ]
