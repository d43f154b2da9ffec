"""Objects that a client gives as XML documents."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.etree import ElementTree

from localxnat.api.documents import TYPE_ATTRIBUTE, local
from localxnat.errors import Refused
from localxnat.jsons import MAX_DEPTH
from localxnat.model import fields, types
from localxnat.model.types import Field

# Fields that hold objects of the archive, and the kinds of those.
_OBJECTS = {
    "xnat:subjectAssessorData": "experiment",
    "xnat:imageScanData": "scan",
    "xnat:reconstructedImageData": "reconstruction",
    "xnat:imageAssessorData": "assessor",
}
# What tells the entries of a list apart, where an entry has it.
_KEYS = ("ID", "id", "name", "number", "imageScan_ID")
# Elements that only the server's own doings change.
_OWN = {"sharing", "resources", "file", "in", "out"}


@dataclass
class ObjectDocument:
    """An object as a document has it, and of those below it by their kind."""

    xsi_type: str
    identity: dict[str, str] = field(default_factory=dict)
    changes: dict[str, str | None] = field(default_factory=dict)
    below: list[tuple[str, "ObjectDocument"]] = field(default_factory=list)


def parse(body: bytes) -> ElementTree.Element:
    """A body as XML; document types are refused, for what their entities can do, and elements that
    lie in each other deeper than any object's."""
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        raise Refused(422, "The document has a document type: DOCTYPE is disallowed.")
    try:
        root = ElementTree.fromstring(body)
    except ElementTree.ParseError:
        raise Refused(422, "An error occurred parsing the XML.") from None
    level = [root]
    for _ in range(MAX_DEPTH):
        level = [child for outer in level for child in outer]
        if not level:
            return root
    raise Refused(400, "The document is too deep.")


def read(body: bytes) -> ObjectDocument:
    """The object that a document describes; 422 for what is no object of the model."""
    root = parse(body)
    xsi_type = _type_of(root) or types.of_element(local(root.tag))
    if xsi_type is None:
        raise Refused(422, "The document is none of an object.")
    return _read(root, xsi_type)


def _type_of(element: ElementTree.Element) -> str | None:
    return types.spell(element.get(TYPE_ATTRIBUTE, ""))


def _read(element: ElementTree.Element, xsi_type: str) -> ObjectDocument:
    document = ObjectDocument(xsi_type)
    for path, value in _values(element, types.fields_of(xsi_type), "", document):
        if path.lower() in fields.IDENTITY:
            document.identity[path] = value
        elif path.partition("/")[0] not in _OWN:
            key, checked = fields.change(xsi_type, path, value)
            document.changes[key] = checked
    return document


def _values(
    element: ElementTree.Element, known: dict[str, Field], prefix: str, document: ObjectDocument
) -> Iterator[tuple[str, str]]:
    """The values of an element and of all in it by their paths; objects go to `document`."""
    for name, value in element.attrib.items():
        if not name.startswith("{"):
            yield prefix + name, value.replace("\r\n", "\n")
    counts: dict[str, int] = {}
    for child in element:
        name = local(child.tag)
        found = known.get(name.lower())
        path = prefix + (found.name if found else name)
        number = counts.get(name, 0)
        counts[name] = number + 1
        text = _text(child)
        if found and found.kind in _OBJECTS:
            kind = _type_of(child) or found.kind
            document.below.append((_OBJECTS[found.kind], _read(child, kind)))
        elif found and found.many:
            yield from _entry(child, found, path, number, document)
        else:
            if text or (not len(child) and not child.attrib):
                yield path, text
            yield from _values(child, types.below(found), f"{path}/", document)


def _entry(
    element: ElementTree.Element, found: Field, path: str, number: int, document: ObjectDocument
) -> Iterator[tuple[str, str]]:
    """The values of a list's entry, which is named by its key or else by its number."""
    inner = types.below(found)
    key = next((key for key in _KEYS if key.lower() in inner and _value(element, key)), None)
    entry = f"{path}[{key}={_value(element, key)}]" if key else f"{path}[{number}]"
    values = list(_values(element, inner, f"{entry}/", document))
    text = _text(element)
    if text:
        values.append((f"{entry}/{types.text_names(found)[-1]}", text))
    # The key is in the path already, unless the entry has nothing else.
    others = [(name, value) for name, value in values if name != f"{entry}/{key}"]
    yield from others or values


def _value(element: ElementTree.Element, name: str) -> str:
    below = next((child for child in element if local(child.tag) == name), None)
    return element.get(name) or (_text(below) if below is not None else "")


def _text(element: ElementTree.Element) -> str:
    """An element's own text; its line breaks are LF, also those that come as references."""
    return (element.text or "").replace("\r\n", "\n").strip()
