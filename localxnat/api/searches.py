"""/data/search and /data/search/saved: searches, once or kept under a name."""

import csv
import io
import json
import re
from xml.etree import ElementTree

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from localxnat.api import bodies
from localxnat.api.access import Archive, Who, archive, signed_in
from localxnat.api.documents import NAMESPACES
from localxnat.api.object_documents import parse
from localxnat.api.responses import Row, rows_as
from localxnat.api.search import Found, root_name, search
from localxnat.errors import Refused
from localxnat.storage.searches import Results, Search, Searches

_ID = re.compile(r"[\w.@:-]{1,255}")
_XDAT = f"{{{NAMESPACES['xdat']}}}"


async def once(request: Request, who: Who) -> Response:
    """POST /data/search: rows for a search document; with `cache=true` they are kept."""
    document = await bodies.document(request)
    return await run_in_threadpool(_run, request, who, document)


def _run(request: Request, who: Who, document: bytes) -> Response:
    base = archive(request)
    found = search(base.store, base.auth, who.user, document)
    if request.query_params.get("cache", "").lower() == "true":
        return _keep(base, who, found)
    form = request.query_params.get("format", "json")
    if form == "csv":
        return Response(_csv(found), media_type="text/csv")
    if form == "xml":
        return rows_as(found.rows, form)
    return Response(_json(found), media_type="application/json")


def _names(found: Found) -> list[str]:
    names = [column.key for column in found.columns]
    return [*names, "quarantine_status"] if found.quarantine else names


def _csv(found: Found) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, _names(found), lineterminator="\n")
    writer.writeheader()
    writer.writerows(found.rows)
    return out.getvalue()


def _json(found: Found) -> str:
    columns: list[Row] = [column.about() for column in found.columns]
    if found.quarantine:
        columns.append({"key": "quarantine_status"})
    shown, rows = (json.dumps(part, separators=(",", ":")) for part in (columns, found.rows))
    # Some clients compare the text, so that spaces are where XNAT has them.
    return (
        f'{{"ResultSet":{{"Columns":{shown},"Result":{rows}, "rootElementName": "{found.root}",'
        f'"totalRecords": "{len(found.rows)}"}}}}'
    )


# Searches whose rows are kept -----------------------------------------------------------------


def _searches(base: Archive) -> Searches:
    return Searches(base.store.database)


def _keep(base: Archive, who: Who, found: Found) -> Response:
    """Keep what a search found for a day, and say under which ID."""
    columns = [one.about() for one in found.columns]
    name = _searches(base).keep_results(Results(who.user.login, columns, found.rows))
    whole = json.loads(_json(found))
    whole["ResultSet"]["ID"] = name
    return JSONResponse(whole)


async def cached(request: Request, who: Who) -> Response:
    """GET /data/search/{id}: the rows that were kept, or a page of them."""
    rows = await run_in_threadpool(_cached, archive(request), who, request.path_params["name"])
    asked = request.query_params
    if order := asked.get("sortBy"):
        descending = asked.get("sortOrder", "").upper() == "DESC"
        rows = sorted(rows, key=lambda row: row.get(order, ""), reverse=descending)
    limit, offset = asked.get("limit", ""), asked.get("offset", "")
    start = int(offset) if offset.isdecimal() else 0
    stop = start + int(limit) if limit.isdecimal() else None
    return rows_as(rows[start:stop], asked.get("format", ""), paged=limit.isdecimal())


def _cached(base: Archive, who: Who, name: str) -> list[Row]:
    results = _searches(base).results(name)
    if results is None or (results.login != who.user.login and not who.user.admin):
        raise Refused(404, "There is no search of this ID.")
    return results.rows


def cached_routes() -> list[Route]:
    """They come after all else below /data/search."""
    return [Route("/data/search/{name}", signed_in(cached))]


# Saved searches ------------------------------------------------------------------------------


async def listing(request: Request, who: Who) -> Response:
    """GET /data/search/saved: the searches that the user may use."""
    rows = await run_in_threadpool(_listing, archive(request), who)
    return rows_as(rows, request.query_params.get("format", ""))


def _listing(base: Archive, who: Who) -> list[Row]:
    rows: list[Row] = []
    for one in _searches(base).all():
        root = parse(one.document.encode())
        users = _users(root)
        if _may_use(who, one.login, root, users):
            rows.append(_described(one.id, root, users))
    return rows


def _described(identifier: str, root: ElementTree.Element, users: list[str]) -> Row:
    return {
        "id": identifier,
        "root_element_name": root_name(root),
        "brief_description": root.get("brief-description", ""),
        "description": root.get("description", ""),
        "secure": "1" if root.get("secure") in ("true", "1") else "0",
        "users": ",".join(users),
        "tag": root.get("tag", ""),
        "sort_by_element_name": "",
        "sort_by_field_id": "",
        "allow_diff_columns": root.get("allow-diff-columns", "0"),
        "layeredsequence": root.get("layeredSequence", ""),
    }


def _users(root: ElementTree.Element) -> list[str]:
    return [login.text or "" for login in root.iterfind(f"{_XDAT}allowed_user/{_XDAT}login")]


def _may_use(who: Who, owner: str, root: ElementTree.Element, users: list[str]) -> bool:
    is_open = root.get("secure") not in ("true", "1") and not users
    return who.user.admin or is_open or who.user.login in (owner, *users)


async def saved(request: Request, who: Who) -> Response:
    """GET, PUT or DELETE /data/search/saved/{id}; GET .../results."""
    name: str = request.path_params["name"]
    if request.method == "PUT":
        document = await bodies.document(request)
        return await run_in_threadpool(_save, archive(request), who, name, document)
    if request.method == "DELETE":
        return await run_in_threadpool(_delete, archive(request), who, name)
    document = await run_in_threadpool(_load, archive(request), who, name)
    if request.url.path.endswith("/results"):
        return await run_in_threadpool(_run, request, who, document)
    if request.query_params.get("format") == "json":
        # XNAT has a search's definition as XML only.
        raise Refused(404, "The search has no definition as JSON.")
    return Response(document, media_type="text/xml")


def _load(base: Archive, who: Who, name: str) -> bytes:
    if name.startswith("@"):
        # The listing of a type, which nobody has to save.
        root = ElementTree.Element(f"{_XDAT}bundle", {"ID": name})
        ElementTree.SubElement(root, f"{_XDAT}root_element_name").text = name[1:]
        return ElementTree.tostring(root)
    found = _searches(base).find(name)
    if found is None:
        raise Refused(404, "There is no search of this name.")
    document = found.document.encode()
    root = parse(document)
    if not _may_use(who, found.login, root, _users(root)):
        raise Refused(403, "The user has no right to this search.")
    return document


def _save(base: Archive, who: Who, name: str, document: bytes) -> Response:
    root = parse(document)
    if not _ID.fullmatch(name) or not root_name(root):
        raise Refused(422, "This is no search.")
    with base.store.database.write():
        known = _own(base, who, name)
        root.set("ID", name)
        text = ElementTree.tostring(root, encoding="unicode")
        _searches(base).save(Search(name, who.user.login, text))
    return Response(status_code=200 if known else 201)


def _delete(base: Archive, who: Who, name: str) -> Response:
    """As in XNAT, deleting a search that is not there is no error."""
    with base.store.database.write():
        _own(base, who, name)
        _searches(base).remove(name)
    return Response(status_code=200)


def _own(base: Archive, who: Who, name: str) -> Search | None:
    """The search of a name; 403 if another user saved it."""
    known = _searches(base).find(name)
    if known and known.login != who.user.login and not who.user.admin:
        raise Refused(403, "The search is another user's.")
    return known


def routes() -> list[Route]:
    one = "/data/search/saved/{name}"
    return [
        Route("/data/search", signed_in(once), methods=["POST"]),
        Route("/data/search/saved", signed_in(listing)),
        Route(one, signed_in(saved), methods=["GET", "PUT", "DELETE"]),
        Route(f"{one}/results", signed_in(saved)),
    ]
