"""The sources of a listing's columns: the object of a row, and what XNAT joins to it.

A column's path begins with a type. It is a field of the listed objects, or of others that the
query builder joins by that type: a session's subject, scans or assessors, a subject's sessions.
Each joined object and each entry of a list is a row of its own; two joins give all pairs.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property

from localxnat.api import entries, shortcuts
from localxnat.errors import Refused
from localxnat.model import fields, xsi
from localxnat.storage.store import Object, Share

Values = tuple[str, ...]
Getter = Callable[[Object, Object | None], str]
"""A value of an object; the second is what it belongs to: a subject, or a session."""

# Of objects of these types alone, XNAT tells with every row which type and project it has.
_UNSECURED = {*xsi.ABSTRACT, "xnat:imageAssessorData"}
_KEYS = {"scan": "xnat_imagescandata_id", "reconstruction": "xnat_reconstructedimagedata_id"}
_SHARES, _CATALOGS = "sharing/share", ("resources/resource", "file")
_BELOW = {"scans": "xnat:imageScanData", "assessors": "xnat:imageAssessorData"}
_CATALOG = {
    "label": "label",
    "file_count": "file_count",
    "file_size": "file_size",
    "content": "content",
    "format": "format",
    "description": "description",
    "xnat_abstractresource_id": "id",
}


class UnknownField(Refused):
    """The answer to a type or a field that there is not; as in XNAT, it names neither."""

    def __init__(self) -> None:
        super().__init__(500, "The server encountered an unexpected condition.")


# The values of an object ----------------------------------------------------------------------


def _parent_id(thing: Object, parent: Object | None) -> str:
    return parent.id if parent else ""


_OWN: dict[str, Getter] = {
    "id": lambda thing, _: thing.id,
    "label": lambda thing, _: thing.label,
    "project": lambda thing, _: thing.project,
    "extension_item/element_name": lambda thing, _: thing.xsi_type,
    "meta/insert_date": lambda thing, _: thing.insert_date,
    "meta/last_modified": lambda thing, _: thing.last_modified,
    "meta/insert_user/login": lambda thing, _: thing.insert_user,
    # What custom forms keep: the JSON of all of an object's, as text.
    "custom_fields": lambda thing, _: thing.fields.get("custom_fields", ""),
    "meta/status": lambda thing, _: thing.fields.get("status", "active"),
    "subject_id": _parent_id,
    "image_session_id": _parent_id,
    "imagesession_id": _parent_id,
    "xnat_imagescandata_id": lambda thing, _: str(thing.pk),
    "xnat_reconstructedimagedata_id": lambda thing, _: str(thing.pk),
}
_OF_PROJECT: dict[str, Getter] = {
    name: lambda thing, _, name=name: thing.fields.get(name) or thing.id
    for name in ("name", "secondary_ID")
}


def getter(xsi_type: str, path: str) -> Getter:
    """The getter of a field that is in no list."""
    own = _OWN.get(path.lower())
    if own is None and xsi_type == "xnat:projectData":
        own = _OF_PROJECT.get("secondary_ID" if path.lower() == "secondary_id" else path.lower())
    if own is not None:
        return own
    if (key := fields.simple_key(xsi_type, path)) is not None:
        return lambda thing, _: thing.fields.get(key, "")
    read = fields.reader(xsi_type, path)
    return lambda thing, _: read(thing.fields)


# Where columns come from ----------------------------------------------------------------------


@dataclass
class Source:
    """The columns that come from one object of a row, or from each of several joined ones."""

    relation: str
    xsi_type: str
    plain: dict[str, Getter] = field(default_factory=dict)
    lists: dict[str, dict[str, entries.Column]] = field(default_factory=dict)
    shares: dict[str, int] = field(default_factory=dict)
    catalogs: dict[str, str] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)

    def add(self, header: str, prefix: str, path: str) -> None:
        """Take a column of the type `prefix`; 500 if the type has no such field."""
        path = _by_column(self.xsi_type, path)
        bare = "/".join(name.lower() for name, _ in fields.steps(path))
        if (same := f"{prefix}/{bare}") in self.taken:  # whatever it has in brackets
            return
        self.taken.add(same)
        outer, _, last = bare.rpartition("/")
        if outer == _SHARES and last in ("project", "label"):
            self.shares[header] = ("project", "label").index(last)
        elif outer in _CATALOGS and last in _CATALOG:
            self.catalogs[header] = _CATALOG[last]
        elif bare not in _OWN and fields.spelled(self.xsi_type, path)[1] is None:
            raise UnknownField
        elif found := entries.column(self.xsi_type, path):
            self.lists.setdefault(f"{prefix}/{found.outer}", {})[header] = found
        else:
            self.plain[header] = getter(self.xsi_type, path)

    @property
    def headers(self) -> list[str]:
        below = (header for group in self.lists.values() for header in group)
        return [*self.plain, *below, *self.shares, *self.catalogs]

    @cached_property
    def _getters(self) -> list[Getter]:
        return list(self.plain.values())

    @cached_property
    def catalog_columns(self) -> tuple[str, ...]:
        """The columns of the database's table that are listed of each catalog."""
        return tuple(self.catalogs.values())

    def rows(self, thing: Object, parent: Object | None, held: "Held") -> list[Values]:
        """The values of an object: a tuple for each pair of entries of its lists."""
        found: list[Values] = [tuple([get(thing, parent) for get in self._getters])]
        for group in self.lists.values():
            found = _times(found, entries.rows(thing.fields, group.values()), len(group))
        if self.shares:
            pairs = held.shares.get(thing.pk, [])
            found = _times(
                found, [tuple(pair[one] for one in self.shares.values()) for pair in pairs],
                len(self.shares),
            )  # fmt: skip
        if self.catalogs:
            found = _times(
                found,
                held.catalogs[self.catalog_columns].get(thing.pk, []),
                len(self.catalog_columns),
            )
        return found


def _by_column(xsi_type: str, path: str) -> str:
    """A path; `program_version`, the database's name of an attribute, as `program/version`."""
    head, underscore, last = path.rpartition("_")
    if underscore and "/" not in last and fields.spelled(xsi_type, path)[1] is None:
        attribute = f"{head}/{last}"
        return attribute if fields.spelled(xsi_type, attribute)[1] else path
    return path


def _times(rows: list[Values], others: list[Values], width: int) -> list[Values]:
    """Every pair; where there is nothing to pair with, the row stays, with blanks."""
    others = others or [("",) * width]
    if len(rows) == 1:
        (row,) = rows
        return [row + other for other in others]
    return [row + other for row in rows for other in others]


@dataclass
class Held:
    """The objects and rows that are joined to a few hundred objects, by the keys of those."""

    related: dict[str, dict[int, list[tuple[Object, Object | None]]]] = field(default_factory=dict)
    shares: dict[int, list[Share]] = field(default_factory=dict)
    # By the columns that are listed of them: the values of each catalog of an object.
    catalogs: dict[tuple[str, ...], dict[int, list[Values]]] = field(default_factory=dict)


class Plan:
    """The columns of a listing of one kind of objects, whose type is `root`."""

    def __init__(self, kind: str, root: str, paths: Iterable[str]) -> None:
        self.kind, self.root = kind, root
        self.sources: dict[str, Source] = {"own": Source("own", root)}
        for path in paths:
            self._add(path)
        own, *others = self.sources.values()
        self.headers = [*own.headers, *(name for one in others for name in one.headers)]
        self.own_width = len(own.headers)
        """The number of columns that are of the listed object itself; they come first."""

    def _add(self, path: str) -> None:
        parts = fields.relative(path)
        if parts is None or parts[0] not in xsi.TYPES:
            return  # XNAT leaves a column of a type that it does not have out, and goes on
        xsi_type, rest = parts
        relation, xsi_type, rest = _relation(self.kind, self.root, xsi_type, rest)
        prefix = path.partition("/")[0].lower()
        key = relation if relation == "own" else f"{relation} {prefix}"
        source = self.sources.setdefault(key, Source(relation, xsi_type))
        source.add(shortcuts.header(self.kind, path), prefix, rest)

    def rows(
        self, thing: Object, parent: Object | None, held: Held, between: Values = ()
    ) -> list[Values]:
        """An object's rows, as tuples in the order of `headers`, with `between` after its own."""
        own, *others = self.sources.items()
        found = [row + between for row in own[1].rows(thing, parent, held)]
        for key, source in others:
            related = held.related[key].get(thing.pk, [])
            rows = [row for one, above in related for row in source.rows(one, above, held)]
            found = _times(found, rows, len(source.headers))
        return found


def _relation(kind: str, root: str, xsi_type: str, rest: str) -> tuple[str, str, str]:
    """The relation of objects of a type to the listed ones, their type, and the path in them."""
    word, _, inner = rest.partition("/")
    name, _, deeper = inner.partition("/")
    if kind == "experiment" and word in _BELOW and name == word[:-1] and deeper and (
        xsi.is_a(xsi_type, "xnat:imageSessionData")
    ):  # fmt: skip
        return word, _BELOW[word], deeper
    if xsi.is_a(root, xsi_type):
        return "own", root, rest
    relations = [relation for base, relation in _RELATED[kind] if xsi.is_a(xsi_type, base)]
    if kind == "experiment" and xsi.is_a(root, "xnat:imageAssessorData"):
        relations = ["session" if one == "own" else one for one in relations]
    if not relations:
        raise UnknownField
    return relations[0], xsi_type, rest


# What XNAT's query builder joins to the objects of a listing, by the type that a column names.
_RELATED: dict[str, list[tuple[str, str]]] = {
    "project": [],
    "subject": [("xnat:experimentData", "sessions"), ("xnat:projectData", "project")],
    "experiment": [
        ("xnat:imageScanData", "scans"),
        ("xnat:imageAssessorData", "assessors"),
        ("xnat:experimentData", "own"),
        ("xnat:subjectData", "subject"),
        ("xnat:projectData", "project"),
    ],
    "assessor": [
        ("xnat:imageAssessorData", "own"),
        ("xnat:imageSessionData", "session"),
        ("xnat:subjectData", "subject"),
    ],
    "scan": [
        ("xnat:imageScanData", "own"),
        ("xnat:experimentData", "session"),
        ("xnat:subjectData", "subject"),
    ],
    "reconstruction": [("xnat:experimentData", "session")],
}


def key_of(kind: str, root: str) -> str:
    """The path of the key that every row has."""
    return f"{root}/{_KEYS.get(kind, 'ID')}"


def tells_type(root: str) -> bool:
    """Whether each row tells its type and project, whatever was asked for."""
    return root in _UNSECURED
