"""/data/status/{id} and /xapi/event_tracking/{id}: how an import goes that somebody listens to."""

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from localxnat.api.access import Who, archive, signed_in
from localxnat.errors import Refused


async def status(request: Request, who: Who) -> Response:
    """GET /data/status/{id}: as in XNAT, a login sees its own imports only."""
    found = archive(request).statuses.find(who.user.login, request.path_params["name"])
    rows = found.rows if found.login == who.login.id else []
    if request.query_params.get("format") == "json":
        return JSONResponse({"msgs": [[row.row() for row in rows]]})
    return PlainTextResponse("".join(f"{row.status}: {row.text}\n" for row in rows))


async def tracking(request: Request, who: Who) -> Response:
    """GET /xapi/event_tracking/{id}: whether an import is done, to the user who began it."""
    name = request.path_params["name"]
    found = archive(request).statuses.find(who.user.login, name)
    if not found.user:
        raise Refused(404, "There is no event of this ID.")
    last = found.rows[-1] if found.rows and found.rows[-1].last else None
    return JSONResponse(
        {
            "key": name,
            "succeeded": last.status == "COMPLETED" if last else None,
            "finalMessage": last.text if last else None,
            "payload": None,
        }
    )


def routes() -> list[Route]:
    return [
        Route("/data/status/{name}", signed_in(status)),
        Route("/xapi/event_tracking/{name}", signed_in(tracking)),
    ]
