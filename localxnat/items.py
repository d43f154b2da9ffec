"""One object as item JSON or XML, and a resource as a catalog."""

from typing import Any
from xml.etree import ElementTree

from localxnat import fields, xsi
from localxnat.resources import Resource, Resources
from localxnat.store import Object, Store

XNAT = "http://nrg.wustl.edu/xnat"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
Item = dict[str, Any]


def _node(xsi_type: str, data: dict[str, Any], children: list[Item] | None = None) -> Item:
    return {
        "children": children or [],
        "meta": {"xsi:type": xsi_type, "isHistory": False},
        "data_fields": data,
    }


def item(store: Store, resources: Resources, thing: Object, deep: bool = True) -> Item:
    """An object with its fields, its resources and what lies below it."""
    plain, typed_children, lists = fields.split(thing.fields)
    data: dict[str, Any] = dict(_identity(store, thing))
    for name, value in plain.items():
        if name == "accessibility":
            continue
        data[name] = xsi.typed(name, value)
    children: list[Item] = []
    for name, values in typed_children.items():
        typed = {key: xsi.typed(key, value) for key, value in values.items()}
        children.append({"field": name, "items": [_node(fields.CHILD_TYPES[name], typed)]})
    for name, entries in lists.items():
        kind = f"{thing.xsi_type}_{name.rsplit('/', 1)[-1]}"
        children.append({"field": name, "items": [_node(kind, dict(entry)) for entry in entries]})
    shares = store.shares(thing)
    if shares:
        rows = [{"project": project, "label": label} for project, label in shares]
        kind = f"{thing.xsi_type}_share"
        children.append({"field": "sharing/share", "items": [_node(kind, row) for row in rows]})
    if deep:
        for word, kind in _below(thing):
            found = store.children(thing, kind)
            if found:
                nodes = [item(store, resources, child) for child in found]
                children.append({"field": word, "items": nodes})
    catalogs = [_catalog_node(resource) for resource in resources.of(thing)]
    if catalogs:
        word = "file" if thing.kind == "scan" else "resources/resource"
        children.append({"field": word, "items": catalogs})
    node = _node(thing.xsi_type, data, children)
    node["meta"]["start_date"] = thing.insert_date
    return node


def _identity(store: Store, thing: Object) -> dict[str, Any]:
    parent = store.by_pk(thing.parent) if thing.parent is not None else None
    parent_id = parent.id if parent else ""
    match thing.kind:
        case "project":
            return {"ID": thing.id, "name": thing.id, "secondary_ID": thing.id}
        case "subject":
            return {"ID": thing.id, "label": thing.label, "project": thing.project}
        case "scan":
            return {"ID": thing.id, "image_session_ID": parent_id, "project": thing.project}
        case "assessor":
            return {
                "ID": thing.id,
                "label": thing.label,
                "project": thing.project,
                "imageSession_ID": parent_id,
            }
        case _:
            return {
                "ID": thing.id,
                "label": thing.label,
                "project": thing.project,
                "subject_ID": parent_id,
            }


def _below(thing: Object) -> list[tuple[str, str]]:
    if thing.kind == "subject":
        return [("experiments/experiment", "experiment")]
    if thing.kind == "experiment":
        return [("scans/scan", "scan"), ("assessors/assessor", "assessor")]
    return []


def _catalog_node(resource: Resource) -> Item:
    data: dict[str, Any] = {
        "xnat_abstractresource_id": resource.id,
        "label": resource.label,
        "URI": f"{resource.folder}/{resource.label}_catalog.xml",
        "file_count": resource.file_count,
        "file_size": resource.file_size,
    }
    for name in ("format", "content", "description"):
        value = getattr(resource, name)
        if value:
            data[name] = value
    return _node("xnat:resourceCatalog", data)


def to_xml(node: Item) -> bytes:
    """Item JSON as XNAT's XML: attributes for IDs and labels, elements for the rest."""
    ElementTree.register_namespace("xnat", XNAT)
    ElementTree.register_namespace("xsi", XSI)
    kind = node["meta"]["xsi:type"]
    root = _element(node, xsi.ELEMENTS.get(kind) or kind.partition(":")[2])
    return ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True)


_ATTRIBUTES = {"ID", "label", "project", "type", "UID", "name", "file_count", "file_size", "URI"}
_ATTRIBUTES |= {"format", "content", "secondary_ID"}


def _element(node: Item, name: str) -> ElementTree.Element:
    element = ElementTree.Element(f"{{{XNAT}}}{name}")
    element.set(f"{{{XSI}}}type", node["meta"]["xsi:type"])
    for key, value in sorted(node["data_fields"].items(), key=lambda pair: pair[0].count("/")):
        parts = key.split("/")
        if len(parts) == 1 and key in _ATTRIBUTES:
            element.set(key, str(value))
        elif len(parts) == 1:
            ElementTree.SubElement(element, f"{{{XNAT}}}{_tag(key)}").text = str(value)
        else:
            _reach(element, parts[:-1]).set(_tag(parts[-1]), str(value))
    for child in node["children"]:
        parts = child["field"].split("/")
        above = _reach(element, parts[:-1])
        for below in child["items"]:
            above.append(_element(below, _tag(parts[-1])))
    return element


def _tag(name: str) -> str:
    """A field's name as an XML name, whatever a client called the field."""
    cleaned = "".join(letter if letter.isalnum() or letter in "_-." else "_" for letter in name)
    return cleaned if cleaned[:1].isalpha() or cleaned[:1] == "_" else f"_{cleaned}"


def _reach(element: ElementTree.Element, parts: list[str]) -> ElementTree.Element:
    for part in parts:
        tag = f"{{{XNAT}}}{_tag(part)}"
        found = element.find(tag)
        element = ElementTree.SubElement(element, tag) if found is None else found
    return element


def catalog(resources: Resources, resource: Resource) -> bytes:
    """A resource as catalog XML, which is what XNAT answers even to format=json."""
    dicom = resource.format.upper() == "DICOM"
    name = "DCMCatalog" if dicom else "Catalog"
    namespace = "http://nrg.wustl.edu/catalog"
    ElementTree.register_namespace("cat", namespace)
    root = ElementTree.Element(f"{{{namespace}}}{name}")
    entries = ElementTree.SubElement(root, f"{{{namespace}}}entries")
    for file in resources.files(resource):
        entry = ElementTree.SubElement(entries, f"{{{namespace}}}entry")
        entry.set("URI", file.path)
        entry.set("ID", file.path)
        entry.set("digest", file.digest)
        entry.set("format", file.format or resource.format)
        entry.set("content", file.content or resource.content)
    body = ElementTree.tostring(root, encoding="unicode")
    # xnatpy tells a catalog by exactly this beginning.
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}'.encode()
