"""The reference of the config's keys, generated from the schemas.

`python -m coil.config.reference FILE` rewrites the part of FILE below its marker; a test keeps
the two in step.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from coil.config.reading import load_schema
from coil.files import write_text

MARKER = "<!-- Generated from config/schemas by `make reference`; edit the schemas. -->\n"
_TITLES = {
    "config": "config/config.yaml",
    "project": "config/projects/&lt;name&gt;.yaml",
    "overrides": "The file that `bids.overrides` names",
}


def reference() -> str:
    """The reference as Markdown: a table of keys for each schema."""
    return "\n".join(f"## {title}\n\n{_table(name)}" for name, title in _TITLES.items())


def with_reference(text: str) -> str:
    """`text` with everything below the marker made anew."""
    return f"{text.partition(MARKER)[0]}{MARKER}\n{reference()}"


def _table(name: str) -> str:
    schema = load_schema(name)
    lines = ["| Key | Value | Meaning |", "| --- | --- | --- |"]
    for key, part, required in _keys(schema, schema, ""):
        value = _value(part) + (" · **required**" if required else "")
        meaning = part.get("description", "").replace("|", "\\|")
        lines.append(f"| `{key}` | {value} | {meaning} |")
    return "\n".join(lines) + "\n"


def _keys(
    schema: dict[str, Any], root: dict[str, Any], prefix: str, above: frozenset[str] = frozenset()
) -> Iterator[tuple[str, dict[str, Any], bool]]:
    """Every key below `schema` in order, with its part of the schema and whether it must be.

    `above` holds the definitions that the part lies in: one inside itself is not written again.
    """
    for key, raw in _named(schema):
        part = _resolve(raw, root)
        path = f"{prefix}{key}"
        yield path, part, key in schema.get("required", [])
        items = part.get("items")
        inner = [(raw, ".")] + ([(items, "[].")] if isinstance(items, dict) else [])
        for below, mark in inner:
            if (name := below.get("$ref", "")) not in above:
                known = above | {name} if name else above
                yield from _keys(_resolve(below, root), root, f"{path}{mark}", known)


def _named(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The parts of a schema by key, or `<title>` where the key is the user's own."""
    yield from schema.get("properties", {}).items()
    for part in schema.get("patternProperties", {}).values():
        yield f"<{part['title']}>", part


def _resolve(part: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in part:
        return part
    name = part["$ref"].rpartition("/")[2]
    own = {key: value for key, value in part.items() if key != "$ref"}
    merged = {**root["$defs"][name], **own}
    if name == "number":
        merged = {**own, "type": "number, or min and max"}
    return merged


def _value(part: dict[str, Any]) -> str:
    if "enum" in part:
        text = ", ".join(f"`{value}`" for value in part["enum"])
    else:
        kinds = part.get("type", "any")
        text = " or ".join(kinds) if isinstance(kinds, list) else kinds
    if "default" in part and part["default"] not in ({}, [], ""):
        text += f"; default `{_plain(part['default'])}`"
    return text


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"[{', '.join(map(str, value))}]" if isinstance(value, list) else str(value)


if __name__ == "__main__":
    page = Path(sys.argv[1])
    write_text(page, with_reference(page.read_text(encoding="utf-8")), 0o644)
