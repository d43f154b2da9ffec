"""The body of a request that changes an object: an XML document, or more fields."""

from starlette.datastructures import UploadFile
from starlette.requests import Request

from localxnat.api import query
from localxnat.api.object_documents import ObjectDocument, read
from localxnat.api.query import Query


async def object_document(request: Request, asked: Query) -> ObjectDocument | None:
    """The object in the body, if there is one; fields of a form are added to the query."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        async with request.form() as form:
            files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
            asked += [(name, value) for name, value in form.multi_items() if isinstance(value, str)]
            documents = [file for file in files if (file.filename or "").endswith(".xml")]
            return read(await documents[0].read()) if documents else None
    if kind == "application/x-www-form-urlencoded" and not asked.flag("inbody"):
        asked += query.parse((await request.body()).decode("utf-8", "replace"))
        return None
    is_xml = kind in ("text/xml", "application/xml")
    if is_xml or asked.get("req_format") == "xml" or asked.flag("inbody"):
        document = await request.body()
        return read(document) if document.strip() else None
    return None


async def document(request: Request) -> bytes:
    """The XML document in a body, raw or as the file of a form."""
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        async with request.form() as form:
            files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
            return await files[0].read() if files else b""
    return await request.body()
