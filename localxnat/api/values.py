"""The values that searches show of an object, by a display name or a path."""

from collections.abc import Callable
from typing import NamedTuple

from localxnat.model import fields, xsi
from localxnat.storage.store import Object


class Line(NamedTuple):
    """The object that a row is made from, and what it belongs to."""

    thing: Object
    parent: Object | None = None


Getter = Callable[[Line], str]


def getter(kind: str, column: str) -> Getter:
    """The getter of a column's value from a line. Unknown columns are empty, as in XNAT."""
    name = column.lower()
    prefix, _, rest = name.partition("/")
    if ":" not in prefix:
        special = _SPECIAL.get(name)
        if special is not None:
            return special
        path = fields.SHORTCUTS[kind].get(name)
        return _read((xsi.ROOTS[kind], path)) if path else _nothing
    if prefix == "xnat:subjectdata" and kind != "subject":
        return _of_parent(column)
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
}


def _of_parent(column: str) -> Getter:
    inner = getter("subject", column)

    def get(line: Line) -> str:
        return inner(Line(line.parent)) if line.parent else ""

    return get
