"""/xapi/schemas: the texts of the schemas, and the types that they declare."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from localxnat import jsons
from localxnat.api.access import Who, signed_in
from localxnat.api.documents import NAMESPACES
from localxnat.errors import Refused
from localxnat.model import types


def _names() -> list[str]:
    """The schemas by their names; one below a folder has the folder's, too."""
    paths = (path.relative_to(types.SCHEMAS) for path in types.SCHEMAS.rglob("*.xsd"))
    return sorted(path.with_suffix("").as_posix() for path in paths)


async def listing(request: Request, who: Who) -> Response:
    return JSONResponse(_names())


async def schema(request: Request, who: Who) -> Response:
    """GET /xapi/schemas/{name}: the text of a schema; only those that are listed are there."""
    name: str = request.path_params["name"]
    if name not in _names():
        raise Refused(404, "There is no schema of this name.")
    return Response((types.SCHEMAS / f"{name}.xsd").read_text(), media_type="application/xml")


# The types -----------------------------------------------------------------------------------


def _formatted(xsi_type: str) -> str:
    """A type as the keys of the answers have it: xnat_mrSessionData."""
    return xsi_type.replace(":", "_")


def _about(xsi_type: str) -> dict[str, object]:
    """The row of a type's element in XNAT's answers, as far as clients use it."""
    prefix, _, name = xsi_type.partition(":")
    return {
        "name": name,
        "properName": types.ELEMENTS.get(xsi_type, name),
        "formattedName": _formatted(xsi_type),
        "fullXMLName": xsi_type,
        "namespacePrefix": prefix,
        "namespaceURI": _uri(prefix),
        "extension": types.TYPES[xsi_type].parent is not None,
    }


def _uri(prefix: str) -> str:
    return NAMESPACES.get(prefix, "")


def _aliases(xsi_type: str) -> list[str]:
    """All names of a type: by its own and by its element's, with a colon, a line or the URI."""
    prefix, _, name = xsi_type.partition(":")
    uri = _uri(prefix)
    names = (name, types.ELEMENTS.get(xsi_type, name))
    starts = (f"{prefix}:", f"{prefix}_", f"{uri}:")
    return sorted({f"{start}{one}" for start in starts for one in names})


def _find(asked: list[str]) -> list[str]:
    """The types of these names; 404 if one of them is none."""
    known = {alias: xsi_type for xsi_type in types.TYPES for alias in _aliases(xsi_type)}
    unknown = [name for name in asked if name not in known]
    if unknown:
        raise Refused(404, f"There is no such data type: {', '.join(unknown)}")
    return [known[name] for name in asked]


async def datatypes(request: Request, who: Who) -> Response:
    return JSONResponse(sorted(types.TYPES))


async def about(request: Request, who: Who) -> Response:
    """GET .../{names, elements}/{type, all}; POST: of those that a form or JSON names."""
    tell = _aliases if "/names" in request.url.path else _about
    asked = await _asked(request)
    found = list(types.TYPES) if asked == ["all"] else _find(asked)
    return JSONResponse({_formatted(one): tell(one) for one in found})


async def _asked(request: Request) -> list[str]:
    if request.method == "GET":
        return [str(request.path_params["type"])]
    if request.headers.get("content-type", "").startswith("application/json"):
        body = jsons.read_object(await request.body())
        several = jsons.as_list(body.get("dataTypes"), "dataTypes")
        named = [*(jsons.as_text(one, "dataTypes") for one in several),
                 jsons.as_text(body.get("dataType"), "dataType")]  # fmt: skip
    else:
        async with request.form() as form:
            values = [*form.getlist("dataTypes"), *form.getlist("dataType")]
            named = [one for one in values if isinstance(one, str)]
    asked = [one for one in named if one]
    if not asked:
        raise Refused(400, "No data type is named: dataTypes or dataType must name one.")
    return asked


def routes() -> list[Route]:
    base = "/xapi/schemas"
    kinds = [f"{base}/datatypes/{word}" for word in ("names", "elements")]
    return [
        Route(base, signed_in(listing)),
        Route(f"{base}/datatypes", signed_in(datatypes)),
        *(Route(kind, signed_in(about), methods=["POST"]) for kind in kinds),
        *(Route(f"{kind}/{{type}}", signed_in(about)) for kind in kinds),
        Route(f"{base}/{{name:path}}", signed_in(schema)),
    ]
