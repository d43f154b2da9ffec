"""One object as item JSON: its fields as XNAT nests them, and what lies below it."""

from typing import NotRequired, TypedDict

from localxnat.model import fields, types
from localxnat.model.fields import Step
from localxnat.model.types import Field
from localxnat.storage.resources import Resource, Resources
from localxnat.storage.store import Object, Store

Meta = TypedDict("Meta", {"xsi:type": str, "isHistory": bool, "start_date": NotRequired[str]})


class Item(TypedDict):
    """An item of XNAT's JSON: what it has itself, and the items below it."""

    children: "list[Children]"
    meta: Meta
    data_fields: dict[str, object]


class Children(TypedDict):
    """The items of one word below another item."""

    field: str
    items: list[Item]


# A field's steps that are still to go, with its value.
Pair = tuple[list[Step], str]
# The words below an object, and the kinds of objects that they hold.
BELOW = {
    "subject": [("experiments/experiment", "experiment")],
    "experiment": [
        ("scans/scan", "scan"),
        ("reconstructions/reconstructedImage", "reconstruction"),
        ("assessors/assessor", "assessor"),
    ],
}
_FILES = {
    "scan": "file",
    "assessor": "out/file",
    "reconstruction": "out/file",
}


def _node(xsi_type: str, data: dict[str, object], children: list[Children] | None = None) -> Item:
    return {
        "children": children or [],
        "meta": {"xsi:type": xsi_type, "isHistory": False},
        "data_fields": data,
    }


def item(store: Store, resources: Resources, thing: Object) -> Item:
    """An object with its fields, its resources and what lies below it."""
    pairs = [(fields.steps(key), value) for key, value in thing.fields.items()]
    node = _build(thing.xsi_type, types.fields_of(thing.xsi_type), pairs)
    node["data_fields"] = _identity(store, thing) | node["data_fields"]
    for name in fields.SETTINGS:
        node["data_fields"].pop(name, None)
    node["meta"]["start_date"] = thing.insert_date
    children = node["children"]
    shares = store.shares(thing)
    if shares:
        rows = [{"project": project, "label": label} for project, label in shares]
        participant = thing.kind == "subject"
        kind = "xnat:projectParticipant" if participant else "xnat:experimentData_share"
        children.append(_list("sharing/share", kind, rows))
    for word, kind in BELOW.get(thing.kind, []):
        # Of what belongs to another project, that project's own addresses tell.
        found = [one for one in store.children(thing, kind) if one.project == thing.project]
        if found:
            nodes = [item(store, resources, child) for child in found]
            children.append({"field": word, "items": nodes})
    catalogs = [_catalog_node(resource) for resource in resources.of(thing)]
    if catalogs:
        word = _FILES.get(thing.kind, "resources/resource")
        children.append({"field": word, "items": catalogs})
    return node


def _list(word: str, kind: str, rows: list[dict[str, str]]) -> Children:
    return {"field": word, "items": [_node(kind, dict(row)) for row in rows]}


def _build(xsi_type: str, known: dict[str, Field], pairs: list[Pair]) -> Item:
    node = _node(xsi_type, {})
    _take(node, known, pairs, "")
    return node


def _take(node: Item, known: dict[str, Field], pairs: list[Pair], prefix: str) -> None:
    """Put fields into a node: values, paths within it, and items of their own."""
    entries: dict[Step, list[Pair]] = {}
    for (step, *rest), value in pairs:
        entries.setdefault(step, []).append((rest, value))
    lists: dict[str, list[Item]] = {}
    for (name, predicate), found in entries.items():
        field = known.get(name.lower())
        path = prefix + name
        deeper = [(rest, value) for rest, value in found if rest]
        if predicate or (field and field.is_item and deeper):
            lists.setdefault(path, []).append(_entry(field, name, predicate, deeper))
            continue
        for rest, value in found:
            if not rest:
                node["data_fields"][path] = field.typed(value) if field else value
        if deeper:
            _take(node, types.below(field), deeper, f"{path}/")
    node["children"] += [Children(field=path, items=items) for path, items in lists.items()]


def _entry(field: Field | None, name: str, predicate: str, pairs: list[Pair]) -> Item:
    """An item of its own within another: an entry of a list, or a typed element."""
    xsi_type = types.concrete(field.item_type) if field and field.item_type else name
    node = _build(xsi_type, types.below(field), pairs)
    key, equals, value = predicate.partition("=")
    if equals:
        node["data_fields"] = {key: value} | node["data_fields"]
    return node


def _identity(store: Store, thing: Object) -> dict[str, object]:
    parent = store.by_pk(thing.parent) if thing.parent is not None else None
    parent_id = parent.id if parent else ""
    labelled: dict[str, object] = {"ID": thing.id, "label": thing.label, "project": thing.project}
    match thing.kind:
        case "project":
            return {"ID": thing.id, "name": thing.id, "secondary_ID": thing.id}
        case "subject":
            return labelled
        case "scan":
            return {"ID": thing.id, "image_session_ID": parent_id, "project": thing.project}
        case "reconstruction":
            return {"ID": thing.id, "image_session_ID": parent_id}
        case "assessor":
            return {**labelled, "imageSession_ID": parent_id}
        case _:
            return {**labelled, "subject_ID": parent_id}


def _catalog_node(resource: Resource) -> Item:
    data: dict[str, object] = {
        "xnat_abstractresource_id": resource.id,
        "label": resource.label,
        "URI": f"{resource.folder}/{resource.label}_catalog.xml",
    }
    if resource.file_count is not None:
        data |= {"file_count": resource.file_count, "file_size": resource.file_size}
    for name in ("format", "content", "description"):
        value = getattr(resource, name)
        if value:
            data[name] = value
    return _node("xnat:resourceCatalog", data)
