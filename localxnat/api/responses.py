"""Answers in XNAT's forms: tables as JSON, CSV or XML, errors as a status page."""

import csv
import html
import io
import json
import re
import tempfile
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from functools import partial
from itertools import islice
from xml.sax.saxutils import escape

from starlette.responses import Response

from localxnat.api import streams

Row = dict[str, str]
"""A row of a table: values by their columns."""
BATCH = 500
PIECE = 1 << 18
_LINES = re.compile(r"[\r\n]+")
_NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_RFC = "http://www.w3.org/Protocols/rfc2616/rfc2616-sec10.html#sec10"


def refusal(status: int, message: str) -> Response:
    """The status page of XNAT's web framework, the message in its <h3>.

    It is no well-formed XML there either, which some clients need in order to read it.
    """
    part = f"{_RFC}.{status // 100}.{status % 100 + 1}"
    body = (
        "<html>\n<head>\n   <title>Status page</title>\n</head>\n<body>\n"
        f"<h3>{html.escape(message)}</h3><p>You can get technical details "
        f'<a href="{part}">here</a>.<br>\nPlease continue your visit at our '
        '<a href="/">home page</a>.\n</p>\n</body>\n</html>\n'
    )
    headers = {"WWW-Authenticate": 'Basic realm="XNAT"'} if status == 401 else None
    return Response(body, status, headers, media_type="text/html")


def rows_as(rows: Iterable[Row], form: str, *, paged: bool = False) -> Response:
    """A table in the format that the query asks for; JSON unless it is csv or xml.

    A large one is written row by row while it is sent.
    """
    media_type, pieces = {
        "csv": ("text/csv", _csv),
        "xml": ("text/xml", _xml),
    }.get(form, ("application/json", partial(_json, paged=paged)))
    made = pieces(iter(rows))
    first = list(islice(made, 2))
    if len(first) < 2:
        return Response(b"".join(first), media_type=media_type)
    return streams.stream(_resumed(first, made), media_type)


def _resumed(first: list[bytes], rest: Generator[bytes]) -> Generator[bytes]:
    with closing(rest):
        yield from first
        yield from rest


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    return iter(lambda: list(islice(rows, BATCH)), [])


def _json(rows: Iterator[Row], *, paged: bool) -> Generator[bytes]:
    held, total = '{"ResultSet":{"Result":[', 0
    for batch in _batches(rows):
        text = json.dumps(batch, ensure_ascii=False, separators=(",", ":"))[1:-1]
        if len(held) + len(text) > PIECE:
            yield held.encode()
            held = ""
        held = f"{held},{text}" if total else held + text
        total += len(batch)
    # The total is absent when the answer is a page.
    end = "]}}" if paged else f'],"totalRecords":"{total}"}}}}'
    yield (held + end).encode()


def _csv(rows: Iterator[Row]) -> Generator[bytes]:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    named = False
    for batch in _batches(rows):
        if not named:
            writer.writerow(batch[0])
            named = True
        writer.writerows([_LINES.sub(" ", value) for value in row.values()] for row in batch)
        if out.tell() > PIECE:
            yield out.getvalue().encode()
            out.seek(0)
            out.truncate()
    yield (out.getvalue() if named else "\n").encode()


def _xml(rows: Iterator[Row]) -> Generator[bytes]:
    """The table as XML. Its total stands before the rows, so these wait in a file if need be."""
    with tempfile.SpooledTemporaryFile(PIECE) as waiting:
        columns: list[str] = []
        total = 0
        for row in rows:
            columns = columns or list(row)
            cells = "".join(f"<cell>{_text(value)}</cell>" for value in row.values())
            waiting.write(f"<row>{cells}</row>".encode())
            total += 1
        names = "".join(f"<column>{_text(name)}</column>" for name in columns)
        head = (
            f"<?xml version='1.0' encoding='UTF-8'?>\n<ResultSet totalRecords=\"{total}\">"
            f"<results><columns>{names}</columns><rows>"
        ).encode()
        waiting.seek(0)
        while len(data := waiting.read(PIECE)) == PIECE:
            yield head + data
            head = b""
        yield head + data + b"</rows></results></ResultSet>"


def _text(value: str) -> str:
    """A value in XML, without the characters that XML cannot have."""
    return escape(_NOT_XML.sub("", value))
