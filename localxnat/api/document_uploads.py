"""/xapi/archive/upload/xml: an object as a document, which says itself where it belongs."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from localxnat.api import bodies, query, writing
from localxnat.api.access import Who, archive, signed_in
from localxnat.api.object_documents import ObjectDocument, read
from localxnat.api.targets import Call
from localxnat.errors import Refused
from localxnat.model import xsi


async def upload(request: Request, who: Who) -> Response:
    """PUT (the body) or POST (the file of a form): 200 once the object is as the document."""
    document = read(await bodies.document(request))
    asked = query.parse(request.url.query)
    call = Call.of(archive(request), who, "PUT", ["data", *_parts(document)], asked, document)
    await run_in_threadpool(writing.put, call)
    return Response(status_code=200)


def _parts(document: ObjectDocument) -> list[str]:
    """The address of a document's object: of its project and what it says to be a part of."""
    kind = next((one for one, root in xsi.ROOTS.items() if xsi.is_a(document.xsi_type, root)), None)
    own = _named(document, "ID", "label")
    if kind == "project":
        return ["projects", own]
    project = ["projects", _named(document, "project")]
    if kind == "subject":
        return [*project, "subjects", own]
    if kind == "experiment":
        return [*project, "subjects", _named(document, "subject_ID"), "experiments", own]
    if kind == "assessor":
        return ["experiments", _named(document, "imageSession_ID"), "assessors", own]
    raise Refused(400, "The document is none of a project, a subject or an experiment.")


def _named(document: ObjectDocument, *names: str) -> str:
    """The first of these that the document has: the ID of what is there, else a label."""
    found = next((document.identity[name] for name in names if document.identity.get(name)), "")
    if not found:
        raise Refused(400, f"The document has no {' and no '.join(names)}.")
    return found


def routes() -> list[Route]:
    return [Route("/xapi/archive/upload/xml", signed_in(upload), methods=["PUT", "POST"])]
