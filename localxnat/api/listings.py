"""Tables of projects, subjects, experiments, scans, reconstructions and assessors."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from localxnat.api import bulk, columns, filters, shortcuts
from localxnat.api.columns import Held, Plan
from localxnat.api.responses import Row
from localxnat.api.targets import Call
from localxnat.model import fields, xsi
from localxnat.storage.store import Object

Test = Callable[[Object, Object | None, Held], bool]

_DEFAULT = {
    "project": ["ID", "secondary_ID", "name", "description", "pi_firstname", "pi_lastname"],
    "subject": ["ID", "project", "label", "insert_date", "insert_user"],
    "experiment": ["ID", "project", "date", "xsiType", "label", "insert_date"],
    "assessor": ["ID", "project", "label", "date", "xsiType", "insert_date", "session_ID",
                 "session_label"],
    "reconstruction": ["ID", "type", "baseScanType", "xnat_reconstructedimagedata_id"],
    "scan": ["xnat_imagescandata_id", "ID", "type", "quality", "xsiType", "note",
             "series_description"],
}  # fmt: skip
_TYPE = ["xnat:experimentData/extension_item/element_name", "xnat:experimentData/project"]


@dataclass
class Listing:
    """The listing that a query asks for: the type of its objects, its columns and its filters."""

    kind: str
    root: str
    plan: Plan
    tests: list[tuple[Plan, Callable[[str], bool]]]
    into: str = ""
    """The project whose shares name what is listed: their labels stand for those of home."""

    @property
    def with_scans(self) -> bool:
        return any(source.relation == "scans" for source in self.plan.sources.values())


def read(call: Call, kind: str, root: str) -> Listing:
    """The listing that a query asks for; 500 for a type or a field that there is not.

    `root` is the type of what the address lists. As in XNAT (`QueryOrganizerResource`), a
    narrower one is taken from the query: `xsiType`, or else any column or filter of such a type.
    """
    wide = root == "xnat:experimentData"
    asked = [name for name in call.query.get("columns").split(",") if name]
    asked = [] if asked == ["DEFAULT"] else asked
    filtered = _filters(call, kind)
    paths = [path for name in asked if (path := shortcuts.path_of(kind, name))]
    root = _root(call, root, [*(path for path, _ in filtered), *paths])
    if not asked:
        paths = [shortcuts.path_of(kind, name) or name for name in _default(kind, root, wide)]
    always = [columns.key_of(kind, root)]
    if kind == "scan":
        always.append(f"xnat:imageScanData/{always[0].partition('/')[2]}")
    type_columns = _TYPE if kind == "experiment" and columns.tells_type(root) else []
    plan = Plan(kind, root, [*always, *paths, *type_columns])
    tests = [test for path, value in filtered if (test := _test(kind, root, path, value))]
    return Listing(kind, root, plan, tests)


def _default(kind: str, root: str, wide: bool) -> list[str]:
    more: list[str] = []
    if wide and xsi.is_a(root, "xnat:subjectAssessorData"):
        more = ["subject_ID", "subject_label"]
    if wide and xsi.is_a(root, "xnat:imageAssessorData"):
        more = ["session_ID", "session_label"]
    return [*_DEFAULT[kind], *more]


def _root(call: Call, root: str, paths: list[str]) -> str:
    named = call.query.get("xsiType")
    if named and "," not in named:
        spelled = xsi.spell(named)
        if spelled is None:
            raise columns.UnknownField
        return spelled
    for path in paths:
        narrower = xsi.spell(path.partition("/")[0])
        if narrower and narrower != root and xsi.is_a(narrower, root):
            root = narrower
    return root


def _filters(call: Call, kind: str) -> list[tuple[str, str]]:
    """The paths and values of the parameters that are about fields; XNAT ignores any other."""
    return [
        (path, value)
        for name, value in call.query
        if name != "xsiType" and (path := shortcuts.path_of(kind, name)) and ":" in path
    ]


def _test(kind: str, root: str, path: str, value: str) -> tuple[Plan, Callable[[str], bool]] | None:
    """A filter; None for one on a field that there is not, which XNAT logs and leaves out."""
    parts = fields.relative(path)
    if parts is None or parts[0] not in xsi.TYPES:
        return None
    try:
        plan = Plan(kind, root, [path])
    except columns.UnknownField:
        return None
    return plan, filters.condition(*parts, value)


def table(call: Call, listing: Listing, things: Iterable[Object]) -> Iterator[Row]:
    """The rows of a listing of these objects."""
    plans = [listing.plan, *(plan for plan, _ in listing.tests)]
    plan = listing.plan
    headers = [*plan.headers[: plan.own_width], "URI", *plan.headers[plan.own_width :]]
    for thing, parent, held in bulk.joined(call, things, plans, listing.into):
        if all(_fits(plan, test, thing, parent, held) for plan, test in listing.tests):
            for values in plan.rows(thing, parent, held, (uri(thing, parent),)):
                yield dict(zip(headers, values, strict=True))


def in_order(call: Call, rows: Iterator[Row]) -> Iterator[Row]:
    """The rows sorted as the query asks; as they come, if it does not."""
    names = [name for name in call.query.get("sortBy").split(",") if name]
    if not names:
        return rows
    descending = call.query.get("sortOrder").upper() == "DESC"
    return iter(
        sorted(rows, key=lambda row: [row.get(name, "") for name in names], reverse=descending)
    )


def _fits(
    plan: Plan, test: Callable[[str], bool], thing: Object, parent: Object | None, held: Held
) -> bool:
    """Whether an object has the value in any of its rows: filters choose objects, not rows."""
    return any(test(values[-1]) for values in plan.rows(thing, parent, held))


def uri(thing: Object, parent: Object | None) -> str:
    """The URI of an object, as listings have it."""
    match thing.kind:
        case "project":
            return f"/data/projects/{thing.id}"
        case "subject":
            return f"/data/subjects/{thing.id}"
        case "scan" | "reconstruction":
            return f"/data/experiments/{parent.id if parent else ''}/{thing.kind}s/{thing.id}"
        case _:
            return f"/data/experiments/{thing.id}"
