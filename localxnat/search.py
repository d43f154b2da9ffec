"""POST /data/search: XNAT's search documents, as far as clients write them by themselves."""

import operator
import re
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

from localxnat import listings, xsi
from localxnat.auth import Auth, User
from localxnat.errors import Refused
from localxnat.listings import Getter, Line, Row
from localxnat.store import Object, Store

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
    "gender_text": "gender",
    "handedness_text": "handedness",
    "project_id": "project",
    "project_name": "name",
    "mr_scanner": "scanner",
}
_SUBJECT_DISPLAY = {"subject_id": "ID", "subject_label": "label"}
_KEYS = {
    "project": {"id": "ID"},
    "subject": {"subjectid": "ID", "project": "project"},
    "experiment": {"session_id": "ID", "subject_id": "subject_ID", "project": "project"},
    "assessor": {"session_id": "ID", "project": "project"},
}
Test = Callable[[Line], bool]


def search(store: Store, auth: Auth, user: User, document: bytes) -> list[Row]:
    """The rows that a search document asks for."""
    root = _parse(document)
    xsi_type = xsi.spell(_text(root, "root_element_name"))
    kind = next((one for one in _KEYS if xsi_type and xsi.is_a(xsi_type, xsi.ROOTS[one])), None)
    if xsi_type is None or kind is None:
        raise Refused(400, "The root element of the search is unknown.")
    columns = {name: listings.getter(kind, column) for name, column in _KEYS[kind].items()}
    for field in _all(root, "search_field"):
        identifier = _text(field, "field_ID")
        name = re.sub(r"\W", "_", identifier.lower())
        columns[name] = _getter(kind, _text(field, "element_name"), identifier)
    wheres = _all(root, "search_where")
    tests = [_criteria(kind, where) for where in wheres]
    rows: list[Row] = []
    for line in _lines(store, auth, user, kind):
        if xsi.is_a(line.thing.xsi_type, xsi_type) and all(test(line) for test in tests):
            rows.append({name: get(line) for name, get in columns.items()})
    return rows


def _parse(document: bytes) -> ElementTree.Element:
    if b"<!DOCTYPE" in document or b"<!ENTITY" in document:
        raise Refused(400, "The search has a document type.")
    try:
        return ElementTree.fromstring(document)
    except ElementTree.ParseError:
        raise Refused(400, "The search is no XML.") from None


def _all(element: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    """Children of a name, in whatever namespace the client put them."""
    return [child for child in element if child.tag.rpartition("}")[2] == name]


def _text(element: ElementTree.Element, name: str) -> str:
    return next((child.text or "" for child in _all(element, name)), "").strip()


def _lines(store: Store, auth: Auth, user: User, kind: str) -> list[Line]:
    projects = {project.id for project in store.all("project") if auth.may(user, "read", project)}
    parents: dict[int, Object | None] = {}
    lines: list[Line] = []
    for item in store.all(kind):
        if item.project in projects or item.id in projects:
            if item.parent is not None and item.parent not in parents:
                parents[item.parent] = store.by_pk(item.parent)
            lines.append(Line(item, parents.get(item.parent or 0)))
    return lines


def _getter(kind: str, element: str, field: str) -> Getter:
    """A column by XNAT's field ID: a display name, or a path with its type."""
    if "_FIELD_MAP=" in field:
        name = field.partition("=")[2]
        return listings.getter(kind, f"{element}/fields/field[name={name}]/field")
    prefix, slash, rest = field.partition("/")
    if "/" in rest:
        return listings.getter(kind, field)
    if slash:
        element, field = prefix, rest
    name = field.lower()
    about_subject = element.lower() == "xnat:subjectdata"
    if about_subject and name in _SUBJECT_DISPLAY:
        name = _SUBJECT_DISPLAY[name]
    name = _DISPLAY.get(name, name)
    if about_subject and kind != "subject":
        inner = listings.getter("subject", name)
        return lambda line: inner(Line(line.parent, None)) if line.parent else ""
    return listings.getter(kind, name)


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
        case "=" | "!=" if listings.is_date(field):
            within = listings.in_dates(value)
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
            return _ordered(get, _COMPARE[sign], listings.day(value) or value)
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
