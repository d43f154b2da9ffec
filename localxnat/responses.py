"""Answers in XNAT's forms: tables as JSON, CSV or XML, errors as a status page."""

import csv
import html
import io
from collections.abc import Sequence
from xml.etree import ElementTree

from starlette.responses import JSONResponse, Response

from localxnat.listings import Row, result_set

_TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    417: "Expectation Failed",
    422: "Unprocessable Entity",
}


def refusal(status: int, message: str) -> Response:
    """A status page, the message in its <h3>, where clients look for it."""
    title = _TITLES.get(status, "Error")
    body = (
        f"<html><head><title>Status page</title></head><body><h2>{title}</h2>"
        f"<h3>{html.escape(message)}</h3></body></html>\n"
    )
    headers = {"WWW-Authenticate": 'Basic realm="XNAT"'} if status == 401 else None
    return Response(body, status, headers, media_type="text/html")


def rows_as(rows: Sequence[Row], form: str, *, paged: bool = False) -> Response:
    """A table in the format that the query asks for; JSON unless it is csv or xml."""
    if form == "csv":
        return Response(_csv(rows), media_type="text/csv")
    if form == "xml":
        return Response(_xml(rows), media_type="text/xml")
    return JSONResponse(result_set(list(rows), paged=paged))


def _csv(rows: Sequence[Row]) -> str:
    if not rows:
        return "\n"
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), quoting=csv.QUOTE_ALL, lineterminator="\n")
    out.write(",".join(f'"{name}"' for name in rows[0]) + "\n")
    writer.writerows(rows)
    return out.getvalue()


def _xml(rows: Sequence[Row]) -> bytes:
    root = ElementTree.Element("ResultSet", totalRecords=str(len(rows)))
    results = ElementTree.SubElement(root, "results")
    columns = ElementTree.SubElement(results, "columns")
    for name in rows[0] if rows else ():
        ElementTree.SubElement(columns, "column").text = name
    body = ElementTree.SubElement(results, "rows")
    for row in rows:
        line = ElementTree.SubElement(body, "row")
        for value in row.values():
            ElementTree.SubElement(line, "cell").text = value
    return ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True)
