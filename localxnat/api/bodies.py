"""What a request that changes an object has in its body: an XML document, or more fields."""

from starlette.datastructures import UploadFile
from starlette.requests import Request

from localxnat.api import query
from localxnat.api.given import Given, read
from localxnat.api.query import Query
from localxnat.errors import Refused

MAX_DOCUMENT = 64 << 20


async def given(request: Request, asked: Query) -> Given | None:
    """The object in the body, if there is one; fields of a form are added to the query."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        async with request.form() as form:
            files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
            asked += [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
            documents = [file for file in files if (file.filename or "").endswith(".xml")]
            return read(await documents[0].read()) if documents else None
    if kind == "application/x-www-form-urlencoded" and not asked.flag("inbody"):
        asked += query.parse((await body(request)).decode("utf-8", "replace"))
        return None
    is_xml = kind in ("text/xml", "application/xml")
    if is_xml or asked.get("req_format") == "xml" or asked.flag("inbody"):
        document = await body(request)
        return read(document) if document.strip() else None
    return None


async def body(request: Request) -> bytes:
    """The body of a request that is to be held in memory; 413 for one that is too long."""
    pieces: list[bytes] = []
    size = 0
    async for piece in request.stream():
        size += len(piece)
        if size > MAX_DOCUMENT:
            raise Refused(413, "The body is too long.")
        pieces.append(piece)
    return b"".join(pieces)


async def document(request: Request) -> bytes:
    """The XML document in a body, raw or as the file of a form."""
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        async with request.form() as form:
            files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
            return await files[0].read() if files else b""
    return await body(request)
