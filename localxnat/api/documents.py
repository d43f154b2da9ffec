"""Objects as XML documents, as XNAT answers them to format=xml."""

from xml.etree import ElementTree

from localxnat.api.items import Item
from localxnat.model import types
from localxnat.model.types import Field
from localxnat.storage.resources import Resource, Resources

NAMESPACES = {
    "xnat": "http://nrg.wustl.edu/xnat",
    "xnat_a": "http://nrg.wustl.edu/xnat_assessments",
    "prov": "http://www.nbirn.net/prov",
    "wrk": "http://nrg.wustl.edu/workflow",
    "xdat": "http://nrg.wustl.edu/security",
    "cat": "http://nrg.wustl.edu/catalog",
    "xsi": "http://www.w3.org/2001/XMLSchema-instance",
}
TYPE_ATTRIBUTE = f"{{{NAMESPACES['xsi']}}}type"
for _prefix, _uri in NAMESPACES.items():
    ElementTree.register_namespace(_prefix, _uri)


def to_xml(node: Item) -> bytes:
    """Item JSON as XNAT's XML, with attributes and elements where the schema has them."""
    kind = node["meta"]["xsi:type"]
    root = ElementTree.Element(_tag(kind, types.ELEMENTS.get(kind) or kind.partition(":")[2]))
    _fill(root, node)
    return ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True)


def _fill(element: ElementTree.Element, node: Item, field: Field | None = None) -> None:
    """Put an item into its element; `field` is what holds it in another item."""
    kind = node["meta"]["xsi:type"]
    known = types.fields_of(kind) if kind in types.TYPES else types.below(field)
    prefix = kind if kind in types.TYPES else "xnat:"
    for path, value in node["data_fields"].items():
        if path.startswith("xnat_"):  # the database's own key
            continue
        if field is not None and path in types.text_names(field):
            # As in XNAT, a line break and a comment come before the text of an entry.
            element.text = "\n"
            comment = ElementTree.Comment("hidden_fields[]")
            comment.tail = str(value)
            element.append(comment)
        else:
            _put(element, known, path.split("/"), str(value), prefix)
    for child in node["children"]:
        *above, last = child["field"].split("/")
        holder, found = _reach(element, known, above, prefix)
        declared = (types.below(found) if above else known).get(last.lower())
        for item in child["items"]:
            made = ElementTree.SubElement(holder, _tag(prefix, last))
            if declared and types.is_typed(declared):
                made.set(TYPE_ATTRIBUTE, item["meta"]["xsi:type"])
            _fill(made, item, declared)
    order = {name: index for index, name in enumerate(known)}
    if len(element) > 1:
        element[:] = sorted(element, key=lambda one: order.get(local(one.tag).lower(), len(order)))


def _tag(kind: str, name: str) -> str:
    """A field's name as an XML name, whatever a client called the field."""
    cleaned = "".join(letter if letter.isalnum() or letter in "_-." else "_" for letter in name)
    cleaned = cleaned if cleaned[:1].isalpha() or cleaned[:1] == "_" else f"_{cleaned}"
    return f"{{{NAMESPACES[kind.partition(':')[0]]}}}{cleaned}"


def local(tag: str) -> str:
    """A tag without its namespace."""
    return tag.rpartition("}")[2]


def _put(
    element: ElementTree.Element, known: dict[str, Field], parts: list[str], text: str, kind: str
) -> None:
    holder, found = _reach(element, known, parts[:-1], kind)
    field = (types.below(found) if parts[1:] else known).get(parts[-1].lower())
    if field is not None and field.kind == "xs:dateTime":
        text = text.replace(" ", "T").removesuffix(".0")
    if field is not None and field.attribute:
        holder.set(field.name, text)
    else:
        _reach(holder, {}, parts[-1:], kind)[0].text = text


def _reach(
    element: ElementTree.Element, known: dict[str, Field], parts: list[str], kind: str
) -> tuple[ElementTree.Element, Field | None]:
    field: Field | None = None
    for part in parts:
        field = known.get(part.lower())
        tag = _tag(kind, part)
        found = element.find(tag)
        element = ElementTree.SubElement(element, tag) if found is None else found
        known = types.below(field)
    return element, field


def catalog(resources: Resources, resource: Resource) -> bytes:
    """A resource as catalog XML, which is what XNAT answers even to format=json."""
    name = "DCMCatalog" if resource.format.upper() == "DICOM" else "Catalog"
    namespace = NAMESPACES["cat"]
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
