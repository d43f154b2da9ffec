"""Tables: projects, subjects, experiments, scans, assessors, resources, files."""

import re
from collections.abc import Callable, Iterable, Iterator

from localxnat.api import filters, headers
from localxnat.api.targets import Call
from localxnat.errors import Refused
from localxnat.model import fields, xsi
from localxnat.storage.resources import File, Resource
from localxnat.storage.store import Object

Row = dict[str, str]
Getter = Callable[["Line"], str]

DEFAULT_COLUMNS = {
    "project": ["ID", "secondary_ID", "name", "description", "pi_firstname", "pi_lastname"],
    "subject": ["ID", "project", "label", "insert_date", "insert_user"],
    "experiment": ["ID", "project", "date", "xsiType", "label", "insert_date"],
    "assessor": ["ID", "project", "date", "xsiType", "label", "insert_date"],
    "reconstruction": ["ID", "type", "baseScanType", "xnat_reconstructedimagedata_id"],
    "scan": ["xnat_imagescandata_id", "ID", "type", "quality", "xsiType", "note",
             "series_description"],
}  # fmt: skip
_BY_SESSION = re.compile(r"xnat:\w+sessiondata/scans/scan/", re.IGNORECASE)
_ASSESSORS = re.compile(r"xnat:\w+sessiondata/assessors/assessor/", re.IGNORECASE)
_ASSESSOR = "xnat:imageAssessorData"
_SCAN_PREFIX = re.compile(r"xnat:\w+scandata")


class Line:
    """What one row is made from: an object and, in the bulk query, a scan and a resource."""

    __slots__ = ("assessor", "parent", "parent_share", "resource", "scan", "share", "thing")

    def __init__(
        self,
        thing: Object,
        parent: Object | None,
        scan: Object | None = None,
        resource: Resource | None = None,
        share: tuple[str, str] = ("", ""),
        parent_share: tuple[str, str] | None = None,
    ) -> None:
        self.thing = thing
        self.parent = parent
        self.scan = scan
        self.resource = resource
        self.share = share
        self.parent_share = parent_share or ("", "")
        # Where columns ask for what an object has been assessed by: one of its assessors.
        self.assessor: Object | None = None


def getter(kind: str, column: str) -> Getter:
    """How to get a column's value from a line. Unknown columns are empty, as in XNAT."""
    column = _direct(column)
    name = column.lower()
    if _assessed(kind, column):
        inner = getter("assessor", _ASSESSORS.sub("xnat:imageAssessorData/", column))
        return lambda line: inner(Line(line.assessor, line.thing)) if line.assessor else ""
    prefix, _, rest = name.partition("/")
    if ":" not in prefix:
        special = _SPECIAL.get(name)
        if special is not None:
            return special
        path = fields.SHORTCUTS[kind].get(name)
        return _read((xsi.ROOTS[kind], path)) if path else _nothing
    if _SCAN_PREFIX.fullmatch(prefix):
        return _of_scan(kind, xsi.spell(prefix) or "", column.partition("/")[2])
    if prefix == "xnat:subjectdata" and kind != "subject":
        return _of_parent(column)
    if rest.startswith("sharing/share/"):
        position = 1 if rest.endswith("label") else 0
        return lambda line: line.share[position]
    if rest.startswith("meta/"):
        rest = rest.removeprefix("meta/")
    special = _SPECIAL.get(rest)
    if special is not None and rest not in ("uri", "name"):
        return special
    return _read(fields.relative(column) or ("", rest))


def _nothing(line: Line) -> str:
    return ""


def _read(path: tuple[str, str]) -> Getter:
    read = fields.reader(*path)
    return lambda line: read(line.thing.fields)


def _parent_id(line: Line) -> str:
    return line.parent.id if line.parent else ""


_SPECIAL: dict[str, Getter] = {
    "id": lambda line: line.thing.id,
    "label": lambda line: line.thing.label,
    "name": lambda line: line.thing.fields.get("name") or line.thing.id,
    "secondary_id": lambda line: line.thing.fields.get("secondary_ID") or line.thing.id,
    "project": lambda line: line.thing.project,
    "xsitype": lambda line: line.thing.xsi_type,
    "element_name": lambda line: line.thing.xsi_type,
    "insert_date": lambda line: line.thing.insert_date,
    "last_modified": lambda line: line.thing.last_modified,
    "insert_user": lambda line: line.thing.insert_user,
    "insert_user/login": lambda line: line.thing.insert_user,
    "subject_id": _parent_id,
    "subject_label": lambda line: line.parent.label if line.parent else "",
    "subject_project": lambda line: line.parent.project if line.parent else "",
    "session_id": lambda line: line.thing.id,
    "session_label": lambda line: line.thing.label,
    "image_session_id": _parent_id,
    "imagesession_id": _parent_id,
    "xnat_imagescandata_id": lambda line: str(line.thing.pk),
    "xnat_reconstructedimagedata_id": lambda line: str(line.thing.pk),
    "uri": lambda line: uri(line.thing, line.parent),
}


def _of_parent(column: str) -> Getter:
    inner = getter("subject", column)

    def get(line: Line) -> str:
        return inner(Line(line.parent, None, share=line.parent_share)) if line.parent else ""

    return get


def _of_scan(kind: str, prefix: str, spelled: str) -> Getter:
    rest = spelled.lower()
    if kind == "scan":
        special = _SPECIAL.get(rest)
        return special or _read((prefix, spelled))
    if rest.startswith("file/"):
        attribute = {
            "file/label": "label",
            "file/file_count": "file_count",
            "file/file_size": "file_size",
            "file/file_content": "content",
            "file/content": "content",
            "file/file_format": "format",
            "file/format": "format",
            "file/xnat_abstractresource_id": "id",
        }.get(rest)
        if attribute is None:
            return _nothing
        return lambda line: str(getattr(line.resource, attribute)) if line.resource else ""
    if rest == "id":
        return lambda line: line.scan.id if line.scan else ""
    if rest in ("xsitype", "element_name"):
        return lambda line: line.scan.xsi_type if line.scan else ""
    if rest.removeprefix("meta/") in ("insert_date", "last_modified"):
        attribute = rest.removeprefix("meta/")
        return lambda line: getattr(line.scan, attribute) if line.scan else ""
    read = fields.reader(prefix, spelled)
    return lambda line: read(line.scan.fields) if line.scan else ""


def uri(thing: Object, parent: Object | None) -> str:
    """Where an object is, as listings give it."""
    match thing.kind:
        case "project":
            return f"/data/projects/{thing.id}"
        case "subject":
            return f"/data/subjects/{thing.id}"
        case "scan" | "reconstruction":
            return f"/data/experiments/{parent.id if parent else ''}/{thing.kind}s/{thing.id}"
        case _:
            return f"/data/experiments/{thing.id}"


# Tables --------------------------------------------------------------------------------------


def table(call: Call, kind: str, lines: Iterable[Line]) -> Iterator[Row]:
    """Rows with the columns, filters and page that the query asks for."""
    asked = [name for name in call.query.get("columns").split(",") if name]
    if not asked or asked == ["DEFAULT"]:
        asked = DEFAULT_COLUMNS[kind]
    columns = [(headers.header(kind, name), getter(kind, name)) for name in asked]
    tests = [
        (_below(kind, name), getter(kind, name), filters.condition(kind, name, value))
        for name, value in call.query
        if filters.is_filter(kind, name)
    ]
    xsi_types = [name for name in call.query.get("xsiType").split(",") if name]
    wanted = [spelled for name in xsi_types if (spelled := xsi.spell(name))]
    if len(wanted) < len(xsi_types):
        raise Refused(400, "The xsiType is unknown.")
    below = [pair for pair, name in zip(columns, asked, strict=True) if _below(kind, name)]

    def fits(line: Line, level: bool) -> bool:
        return all(test(get(line)) for under, get, test in tests if under is level)

    def rows() -> Iterator[Row]:
        # Lines of one object follow each other: what they share is found out once.
        thing: Object | None = None
        taken = False
        common: Row = {}
        for line in lines:
            if line.thing is not thing:
                thing = line.thing
                typed = not wanted or any(xsi.is_a(thing.xsi_type, one) for one in wanted)
                taken = typed and fits(line, False)
                if taken:
                    common = {name: get(line) for name, get in columns}
                    # Whatever is asked for, XNAT adds what tells the row.
                    common.setdefault("ID", thing.id)
                    if kind in ("experiment", "assessor"):
                        common.setdefault("xsiType", thing.xsi_type)
                    common["URI"] = uri(thing, line.parent)
            if not taken or not fits(line, True):
                continue
            row = common.copy()
            for name, get in below:
                row[name] = get(line)
            yield row

    return rows()


def _direct(column: str) -> str:
    """A column of scans that is asked for by way of their session, as one of scans."""
    return _BY_SESSION.sub("xnat:imagescandata/", column)


def _below(kind: str, column: str) -> bool:
    """Whether a column of the bulk query is about a scan or its resource."""
    prefix = _direct(column).lower().partition("/")[0]
    scans = kind != "scan" and bool(_SCAN_PREFIX.fullmatch(prefix))
    return scans or bool(_assessed(kind, column))


def _assessed(kind: str, column: str) -> str | None:
    """The type of assessors that a column of experiments is about: of all, or of one type."""
    if _ASSESSORS.match(column):
        return _ASSESSOR
    prefix, slash, _ = column.partition("/")
    found = xsi.spell(prefix) if slash and kind == "experiment" else None
    return found if found and xsi.is_a(found, _ASSESSOR) else None


def with_assessors(call: Call, lines: Iterator[Line]) -> Iterator[Line]:
    """A line for each assessor of an experiment, if columns or filters are about assessors."""
    names = [*call.query.get("columns").split(","), *(name for name, _ in call.query)]
    kinds = {found for name in names if (found := _assessed("experiment", name))}
    return _each_assessor(call, lines, kinds) if kinds else lines


def _each_assessor(call: Call, lines: Iterator[Line], kinds: set[str]) -> Iterator[Line]:
    for line in lines:
        held = call.store.children(line.thing, "assessor")
        fitting = [one for one in held if any(xsi.is_a(one.xsi_type, kind) for kind in kinds)]
        for assessor in fitting or [None]:
            line.assessor = assessor
            yield line


def about_scans(call: Call) -> tuple[bool, bool]:
    """Whether columns or filters are about scans, and about their resources."""
    names = [*call.query.get("columns").split(","), *(name for name, _ in call.query)]
    parts = [_direct(name).lower().partition("/") for name in names]
    scans = [rest for prefix, _, rest in parts if _SCAN_PREFIX.fullmatch(prefix)]
    return bool(scans), any(rest.startswith("file/") for rest in scans)


# Resources and files -------------------------------------------------------------------------


def resource_row(owner: Object, resource: Resource) -> Row:
    """A resource as listed; it has no ID, URI or xsiType."""
    is_scan = owner.kind == "scan"
    category = {"scan": "scans", "assessor": "assessors"}.get(owner.kind, "resources")
    return {
        "xnat_abstractresource_id": str(resource.id),
        "label": resource.label,
        "element_name": "xnat:resourceCatalog",
        "category": category,
        "cat_id": owner.id,
        "cat_desc": owner.fields.get("type", "") if is_scan else "",
        "file_count": str(resource.file_count),
        "file_size": str(resource.file_size),
        "tags": resource.tags,
        "content": resource.content,
        "format": resource.format,
    }


def file_row(owner_uri: str, resource: Resource, file: File) -> Row:
    """A file as listed, with its MD5."""
    return {
        "Name": file.path.rsplit("/", 1)[-1],
        "Size": str(file.size),
        "URI": f"{owner_uri}/resources/{resource.id}/files/{file.path}",
        "collection": resource.label,
        "file_tags": file.tags,
        "file_format": file.format or resource.format,
        "file_content": file.content or resource.content,
        "cat_ID": str(resource.id),
        "digest": file.digest,
    }
