"""The JSON Schema of a part of the config's model, by which the config is checked.

It is closed: an unknown key is an error. A table in several places, or in itself, stands once,
below `$defs`.
"""

from collections.abc import Callable, Mapping
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
from msgspec import json
from msgspec.structs import FieldInfo, fields

Schema = dict[str, Any]
Texts = Callable[[type[msgspec.Struct]], Mapping[str, str]]
"""The meaning of each key of a table, by the name of the key in the model."""

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_NAMES: dict[object, str] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    NoneType: "null",
}
_LIMITS = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "pattern": "pattern"}
_LEAST = {"string": "minLength", "array": "minItems", "object": "minProperties"}


def schema_of(model: Any, texts: Texts = lambda _: {}) -> Schema:
    """The schema of a table, or of tables by name; with what its keys mean, by `texts`."""
    maker = _Maker(texts)
    top = maker.schema(model)
    return top | ({"$defs": maker.definitions} if maker.definitions else {})


class _Maker:
    """Makes schemas of types, and gathers the definitions to which they refer."""

    def __init__(self, texts: Texts) -> None:
        self.texts = texts
        self.definitions: dict[str, Schema] = {}

    def schema(self, kind: Any) -> Schema:
        """The schema of a type."""
        origin, inner = get_origin(kind), get_args(kind)
        if origin is Annotated:
            return _limited(self.schema(inner[0]), kind.__metadata__)
        if origin in (Union, UnionType):
            return self._one_of(inner)
        if origin is Literal:
            return {"enum": list(inner)}
        if origin is tuple:
            items = self.schema(inner[0])
            return {"type": "array"} | ({"items": items} if items else {})
        if origin is dict:
            return self._by_name(*inner)
        if kind is object:
            return {}
        return {"type": _NAMES[kind]} if kind in _NAMES else self._table(kind)

    def _one_of(self, kinds: tuple[Any, ...]) -> Schema:
        """The schemas of several types as one: what it says of a kind of value holds for it."""
        parts = [self.schema(kind) for kind in kinds]
        if any("enum" in part for part in parts):
            return {"enum": [one for part in parts for one in part.get("enum", [True, False])]}
        merged: Schema = {}
        for part in parts:
            merged |= part
        return {**merged, "type": [part["type"] for part in parts]}

    def _by_name(self, key: Any, value: Any) -> Schema:
        """An object whose keys are the user's own, perhaps of a form that has a name."""
        form, values = self.schema(key), self.schema(value)
        if "title" in form:
            heading = {word: form[word] for word in ("title", "description") if word in form}
            named = {form["pattern"]: heading | values}
            return {"type": "object", "additionalProperties": False, "patternProperties": named}
        return {"type": "object"} | ({"additionalProperties": values} if values else {})

    def _table(self, kind: type[msgspec.Struct]) -> Schema:
        name = getattr(kind, "DEFINITION", "")
        if not name:
            return {"type": "object"} | self._keys(kind)
        if name not in self.definitions:
            self.definitions[name] = {}  # it may hold itself
            self.definitions[name] = self._keys(kind)
        return {"type": "object", "$ref": f"#/$defs/{name}"}

    def _keys(self, kind: type[msgspec.Struct]) -> Schema:
        """The keys of a table, which has no others."""
        texts, every = self.texts(kind), fields(kind)
        required = [field.encode_name for field in every if field.required]
        forms = [{"required": list(form)} for form in getattr(kind, "FORMS", ())]
        least = getattr(kind, "LEAST", 0)
        return (
            {"additionalProperties": False}
            | ({"required": required} if required else {})
            | ({"minProperties": least} if least else {})
            | ({"oneOf": forms} if forms else {})
            | {"properties": {one.encode_name: self._key(one, texts) for one in every}}
        )

    def _key(self, field: FieldInfo, texts: Mapping[str, str]) -> Schema:
        default = field.default
        if field.default_factory is not msgspec.NODEFAULT:
            default = field.default_factory()
        schema = self.schema(_not_null(field.type) if default is None else field.type)
        if field.name in texts:
            schema["description"] = texts[field.name]
        if default is not None and default is not msgspec.NODEFAULT:
            schema["default"] = _plain(default)
        return schema


def _limited(schema: Schema, metadata: tuple[msgspec.Meta, ...]) -> Schema:
    """The schema with what is said of its values beside their type."""
    for meta in metadata:
        limits = {word: getattr(meta, name) for name, word in _LIMITS.items()}
        limits |= {"title": meta.title, "description": meta.description}
        if "type" in schema and meta.min_length is not None:
            limits[_LEAST[schema["type"]]] = meta.min_length
        schema |= {word: value for word, value in limits.items() if value is not None}
        schema |= meta.extra_json_schema or {}
    return schema


def _not_null(kind: Any) -> Any:
    """The type without null, which stands in the model for a key that is not written."""
    left = [one for one in get_args(kind) if one is not NoneType]
    return Union[tuple(left)] if get_origin(kind) in (Union, UnionType) else kind  # noqa: UP007


def _plain(default: Any) -> Any:
    """A default as YAML has it; that of a table is empty, since its keys have their own."""
    return {} if isinstance(default, msgspec.Struct) else json.decode(json.encode(default))
