"""XNAT's data model, read from the schema that localxnat serves: types and their fields.

A field is declared by a type or lies in an anonymous one within it. What is many or has a type
of its own is a child item in XNAT's item JSON; anything else is a path such as `scanner/model`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

from localxnat.errors import Refused

SCHEMAS = Path(__file__).parent / "schemas"
_PREFIXES = {"birnprov": "prov", "assessments": "xnat_a", "workflow": "wrk"}
_XS = "{http://www.w3.org/2001/XMLSchema}"
_INTEGERS = {"xs:integer", "xs:int", "xs:long"}
_FLOATS = {"xs:float", "xs:double", "xs:decimal"}
# As many characters has a text where the schema says no other number.
_LENGTH = 255
_ANY_LENGTH = "xdat:LONGVARCHAR"


@dataclass
class Field:
    """An element or an attribute of a type; `fields` are those of its anonymous type."""

    name: str
    kind: str = ""
    many: bool = False
    attribute: bool = False
    choices: frozenset[str] = frozenset()
    # How many characters a text can have; None for any number.
    length: int | None = _LENGTH
    # The type of the items that it holds, in XNAT's naming: xnat:qcAssessmentData_scan.
    item_type: str = ""
    fields: dict[str, "Field"] = field(default_factory=dict)

    @property
    def is_item(self) -> bool:
        """Whether what it holds is an item of its own."""
        return self.many or (":" in self.kind and not self.kind.startswith("xs:"))

    @property
    def is_number(self) -> bool:
        return self.kind in _INTEGERS or self.kind in _FLOATS

    def typed(self, value: str) -> str | int | float:
        """A value as item JSON has it: a number where the schema says number."""
        try:
            if self.kind in _INTEGERS:
                return int(value)
            if self.kind in _FLOATS:
                return float(value)
        except ValueError:
            return value
        return value

    def checked(self, value: str) -> str:
        """A value in the form that XNAT keeps it in; 400 for one that the schema forbids."""
        try:
            if self.kind in _INTEGERS:
                return str(int(value))
            if self.kind in _FLOATS:
                return str(float(value))
            if self.kind == "xs:date":
                american = "/" in value
                return (
                    str(datetime.strptime(value, "%m/%d/%Y").date())
                    if american
                    else str(date.fromisoformat(value))
                )
            if self.kind == "xs:dateTime":
                # As in a database's timestamp, whatever zone it came with.
                time = datetime.fromisoformat(value).replace(tzinfo=None)
                return str(time) if time.microsecond else f"{time}.0"
        except ValueError:
            raise Refused(400, f"The value of {self.name} is no {self.kind[3:]}.") from None
        if self.choices and value not in self.choices:
            raise Refused(400, f"The value of {self.name} is none of those that are allowed.")
        if self.kind == "xs:string" and self.length is not None and len(value) > self.length:
            raise Refused(400, f"The value of {self.name} has over {self.length} characters.")
        return value


@dataclass
class Type:
    """A type of the schema; `text` is the kind of its text, if it has one."""

    name: str
    parent: str | None = None
    text: str = ""
    length: int | None = _LENGTH
    fields: dict[str, Field] = field(default_factory=dict)


def _read() -> tuple[dict[str, Type], dict[str, str]]:
    types: dict[str, Type] = {}
    elements: dict[str, str] = {}
    for path in sorted(SCHEMAS.rglob("*.xsd")):
        prefix = _PREFIXES.get(path.stem, path.stem)
        for child in ElementTree.parse(path).getroot():
            name = child.get("name", "")
            if child.tag == f"{_XS}element":
                elements[child.get("type", "")] = name
            elif child.tag == f"{_XS}complexType":
                found = Type(f"{prefix}:{name}")
                types[found.name] = found
                _fill(child, found.name, found, found.fields)
    return types, elements


def _fill(
    element: ElementTree.Element, owner: str, into: Type | Field, fields: dict[str, Field]
) -> None:
    """Take the fields of a complex type, and the base that it extends."""
    for child in element:
        match child.tag.removeprefix(_XS):
            case "element" | "attribute":
                made = _field(child, owner)
                fields[made.name.lower()] = made
            case "extension":
                base = child.get("base", "")
                if base == _ANY_LENGTH:
                    base, into.length = "xs:string", None
                if isinstance(into, Field):
                    into.kind = base
                elif base.startswith("xs:"):
                    into.text = base
                else:
                    into.parent = base
                _fill(child, owner, into, fields)
            case "sequence" | "choice" | "complexContent" | "simpleContent":
                _fill(child, owner, into, fields)


def _field(element: ElementTree.Element, owner: str) -> Field:
    made = Field(
        element.get("name", ""),
        element.get("type", ""),
        many=element.get("maxOccurs") == "unbounded",
        attribute=element.tag == f"{_XS}attribute",
        choices=frozenset(
            value.get("value", "") for value in element.iter(f"{_XS}enumeration")
        ) if element.find(f"{_XS}simpleType") is not None else frozenset(),
    )  # fmt: skip
    restriction = element.find(f"{_XS}simpleType/{_XS}restriction")
    if restriction is not None:
        made.kind = restriction.get("base", "")
        longest = restriction.find(f"{_XS}maxLength")
        made.length = int(longest.get("value", _LENGTH)) if longest is not None else _LENGTH
    named = ":" in made.kind and not made.kind.startswith("xs:")
    made.item_type = made.kind if named else f"{owner}_{made.name}"
    anonymous = element.find(f"{_XS}complexType")
    if anonymous is not None:
        _fill(anonymous, made.item_type if made.many else owner, made, made.fields)
        if made.many:
            made.item_type = f"{owner}_{made.name}"
    return made


TYPES, ELEMENTS = _read()
_SPELLING = {name.lower(): name for name in TYPES}
_NAMED = {name.lower(): kind for kind, name in ELEMENTS.items()}


def spell(xsi_type: str) -> str | None:
    """A type in the schema's spelling, whatever the case it came in; None if unknown."""
    return _SPELLING.get(xsi_type.lower())


def of_element(name: str) -> str | None:
    """The type of a document's root element: MRSession is xnat:mrSessionData."""
    return _NAMED.get(name.lower()) or spell(f"xnat:{name}")


def lineage(xsi_type: str) -> Iterator[str]:
    """A type and all that it extends, from itself up."""
    current: str | None = xsi_type
    while current in TYPES:
        yield current
        current = TYPES[current].parent


@cache
def is_a(xsi_type: str, ancestor: str) -> bool:
    """Whether a type is another one or extends it."""
    return ancestor in lineage(xsi_type)


@cache
def fields_of(xsi_type: str) -> dict[str, Field]:
    """All fields of a type by their name in lower case, inherited ones first."""
    found: dict[str, Field] = {}
    for name in reversed(list(lineage(xsi_type))):
        found |= TYPES[name].fields
        if TYPES[name].text:
            local = name.partition(":")[2]
            found[local.lower()] = Field(local, TYPES[name].text, length=TYPES[name].length)
    return found


@cache
def concrete(kind: str) -> str:
    """The type of an item; for an abstract one, the type that extends it."""
    if not kind.partition(":")[2].startswith("abstract"):
        return kind
    return next((name for name, found in TYPES.items() if found.parent == kind), kind)


def below(found: Field | None) -> dict[str, Field]:
    """The fields of what a field holds."""
    if found is None:
        return {}
    if found.fields or found.kind.startswith("xs:") or not found.kind:
        own = Field(found.name, found.kind, length=found.length)
        text = {found.name.lower(): own} if found.many else {}
        return text | found.fields
    return fields_of(concrete(found.kind))


def is_typed(found: Field) -> bool:
    """Whether an item in a field says its type: all but those of anonymous types and texts."""
    return found.kind in TYPES and not TYPES[found.kind].text


def text_names(found: Field) -> list[str]:
    """The names of the text of a list's entry: as the entry, or as its type."""
    if found.kind in TYPES:
        return [found.kind.partition(":")[2]] if TYPES[found.kind].text else []
    return [found.name] if found.kind.startswith("xs:") else []
