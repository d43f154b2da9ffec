"""POST /data/search: XNAT's search documents, as far as clients write them by themselves."""

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

from localxnat.api import filters, values
from localxnat.api.object_documents import parse
from localxnat.api.values import Getter, Line
from localxnat.errors import Refused
from localxnat.model import xsi
from localxnat.storage import summaries
from localxnat.storage.auth import Auth, User
from localxnat.storage.store import Object, Store

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
# XNAT's names for columns of a search that differ from those of listings.
_DISPLAY = {
    "session_id": "ID",
    "expt_id": "ID",
    "subjectid": "ID",
    "assessor_id": "ID",
    "project_id": "project",
    "project_name": "name",
    "mr_scanner": "scanner",
}
# Shown by their first letters.
_INITIALS = {"gender_text", "handedness_text"}
_SUBJECT_DISPLAY = {"subject_id": "ID", "subject_label": "label"}
# What a search without columns shows: XNAT's listing of the type.
_LISTING = {
    "project": ["ID", "NAME", "DESCRIPTION"],
    "subject": ["SUBJECT_LABEL", "PROJECT", "SUBJECTID", "GENDER_TEXT", "HANDEDNESS_TEXT", "DOB"],
    "experiment": ["LABEL", "PROJECT", "SESSION_ID", "SUBJECT_ID", "SUBJECT_LABEL", "DATE"],
    "assessor": ["LABEL", "PROJECT", "EXPT_ID", "SESSION_ID", "DATE"],
}
# Paths that are the field of a column with a name of its own.
_PATHS = {
    "project": {"id": "id"},
    "subject": {"id": "subject_id", "project": "project"},
    "experiment": {"id": "session_id", "project": "project", "subject_id": "subject_id"},
    "assessor": {"id": "expt_id", "project": "project"},
}
Test = Callable[[Line], bool]
Row = dict[str, str]


@dataclass
class Column:
    """A column of a search: its key in the rows, and what XNAT says of it."""

    key: str
    element: str
    field: str
    header: str
    kind: str
    get: Getter

    def about(self) -> dict[str, str]:
        return {
            "key": self.key,
            "type": self.kind,
            "xPATH": f"{self.element}.{self.field}",
            "element_name": self.element,
            "header": self.header,
            "id": self.field,
        }


@dataclass
class Found:
    """The columns and rows of a search."""

    root: str
    columns: list[Column]
    rows: list[Row]
    quarantine: bool


def search(store: Store, auth: Auth, user: User, document: bytes) -> Found:
    """The columns and rows that a search document asks for."""
    root = parse(document)
    xsi_type = xsi.spell(root_name(root))
    kind = next((one for one in _LISTING if xsi_type and xsi.is_a(xsi_type, xsi.ROOTS[one])), None)
    if xsi_type is None or kind is None:
        raise Refused(422, "The root element of the search is unknown.")
    asked = [
        (_text(one, "element_name"), _text(one, "field_ID"), one)
        for one in _all(root, "search_field")
    ] or [(xsi_type, name, None) for name in _LISTING[kind]]
    columns = [_column(kind, xsi_type, element, field, shown) for element, field, shown in asked]
    tests = [_criteria(kind, where) for where in _all(root, "search_where")]
    quarantine = kind in ("experiment", "assessor")
    rows: list[Row] = []
    for line in _lines(store, auth, user, kind):
        if not xsi.is_a(line.thing.xsi_type, xsi_type) or not all(test(line) for test in tests):
            continue
        status = line.thing.fields.get("status", "active")
        row = {"quarantine_status": status} if quarantine else {}
        rows.append(row | {column.key: column.get(line) for column in columns})
    return Found(xsi_type, columns, rows, quarantine)


def root_name(document: ElementTree.Element) -> str:
    """The type that a search is of: an element of it, or an attribute."""
    return _text(document, "root_element_name") or document.get("root_element_name", "")


def _column(
    kind: str, root: str, element: str, field: str, shown: ElementTree.Element | None
) -> Column:
    prefix, slash, rest = field.partition("/")
    if ":" in prefix and slash:
        same = xsi.is_a(root, xsi.spell(prefix) or "")
        known = _PATHS[kind].get(rest.lower()) if same else None
        local = prefix.partition(":")[2] + rest
        name = known or "xnat_col_" + re.sub(r"[^\w]", "", local.lower())
    else:
        name = re.sub(r"\W", "_", field.lower())
    key = name if (xsi.spell(element) or element) == root else f"{_table(element)}_{name}"
    header = _text(shown, "header") if shown is not None else name.replace("_", " ").title()
    kind_of = _text(shown, "type") if shown is not None else ""
    shown_kind = kind_of.removeprefix("xs:") if kind_of not in ("", "None") else "string"
    identifier = field.upper() if not slash else name.upper()
    return Column(key, element, identifier, header, shown_kind, _getter(kind, element, field))


def _table(element: str) -> str:
    return element.lower().replace(":", "_")


def _all(element: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    """Children of a name, in whatever namespace the client put them."""
    return [child for child in element if child.tag.rpartition("}")[2] == name]


def _text(element: ElementTree.Element, name: str) -> str:
    return next((child.text or "" for child in _all(element, name)), "").strip()


def _lines(store: Store, auth: Auth, user: User, kind: str) -> list[Line]:
    shown = project_display(store, auth) if kind == "project" else {}
    projects = {project.id for project in store.all("project") if auth.may(user, "read", project)}
    parents: dict[int, Object | None] = {}
    lines: list[Line] = []
    for item in store.all(kind):
        if item.project in projects or item.id in projects:
            if item.parent is not None and item.parent not in parents:
                parents[item.parent] = store.by_pk(item.parent)
            item.fields |= shown.get(item.id, {})
            lines.append(Line(item, parents.get(item.parent or 0)))
    return lines


def project_display(store: Store, auth: Auth) -> dict[str, Row]:
    """The values that searches show of projects and that are none of their fields."""
    found = summaries.types_of_projects(store.database)
    counts = {(one.project, one.xsi_type): str(one.number) for one in found}
    shown: dict[str, Row] = {}
    for project in store.all("project"):
        people: dict[str, list[str]] = {}
        for member in auth.members(project.id):
            people.setdefault(member.role, []).append(member.profile.login)
        shown[project.id] = {
            "project_access": project.fields.get("accessibility", "private"),
            "proj_subject_count": counts.get((project.id, "xnat:subjectData"), "0"),
            **{f"project_{role}s": " <br/> ".join(names) for role, names in people.items()},
            **{
                f"proj_{short}_count": counts.get((project.id, f"xnat:{short}SessionData"), "")
                for short in ("mr", "pet", "ct", "ut")
            },
        }
    return shown


def _getter(kind: str, element: str, field: str) -> Getter:
    """A column by XNAT's field ID: a display name, or a path with its type."""
    if "_FIELD_MAP=" in field:
        name = field.partition("=")[2]
        return values.getter(kind, f"{element}/fields/field[name={name}]/field")
    prefix, slash, rest = field.partition("/")
    if "/" in rest:
        return values.getter(kind, field)
    if slash:
        element, field = prefix, rest
    name = field.lower()
    if name in _INITIALS:
        name = name.removesuffix("_text")
        whole = _getter(kind, "xnat:subjectData", name)
        unknown = "U" if name == "gender" else ""
        return lambda line: whole(line)[:1].upper() or unknown
    about_subject = element.lower() == "xnat:subjectdata"
    if about_subject and name in _SUBJECT_DISPLAY:
        name = _SUBJECT_DISPLAY[name]
    name = _DISPLAY.get(name, name)
    if kind == "project" and name.startswith("proj"):
        return lambda line: line.thing.fields.get(name, "")
    if about_subject and kind != "subject":
        inner = values.getter("subject", name)
        return lambda line: inner(Line(line.parent)) if line.parent else ""
    return values.getter(kind, name)


def _criteria(kind: str, element: ElementTree.Element) -> Test:
    """A set of criteria, joined by its method; an empty one holds for everything."""
    tests = [_criterion(kind, child) for child in _all(element, "criteria")]
    tests += [_criteria(kind, child) for child in _all(element, "child_set")]
    if element.get("method", "AND").upper() == "OR" and tests:
        return lambda line: any(test(line) for test in tests)
    return lambda line: all(test(line) for test in tests)


def _criterion(kind: str, element: ElementTree.Element) -> Test:
    path, sign = _text(element, "schema_field"), _text(element, "comparison_type").upper()
    value = _text(element, "value")
    prefix, _, field = path.partition("/")
    get = _getter(kind, prefix, path if "/" in field else field)
    match sign:
        case "=" | "!=" if filters.is_date(field):
            within = filters.in_dates(value)
            return lambda line: within(get(line)) is (sign == "=")
        case "=" | "!=":
            return lambda line: (get(line) == value) is (sign == "=")
        case "LIKE":
            pattern = re.compile(
                ".*".join(re.escape(part) for part in re.split("[%*]", value)), re.IGNORECASE
            )
            return lambda line: pattern.fullmatch(get(line)) is not None
        case "IN":
            wanted = {part.strip() for part in value.split(",")}
            return lambda line: get(line) in wanted
        case "IS NULL" | "IS NOT NULL":
            return lambda line: bool(get(line)) is (sign == "IS NOT NULL")
        case _ if sign in _COMPARE:
            return _ordered(get, _COMPARE[sign], filters.day(value) or value)
        case _:
            raise Refused(400, "The search compares in a way that is not known.")


def _ordered(get: Getter, compare: Callable[[Any, Any], bool], value: str) -> Test:
    def test(line: Line) -> bool:
        found = get(line)
        if not found:
            return False
        try:
            return compare(float(found), float(value))
        except ValueError:
            return compare(found[: len(value)], value)

    return test
