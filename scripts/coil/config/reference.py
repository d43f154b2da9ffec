"""The reference of the config's keys and its JSON schemas, generated from the model.

`python -m coil.config.reference FOLDER` rewrites FOLDER/schemas, which editors read, and the part
of FOLDER/README.md below its marker; a test keeps them in step.
"""

import ast
import functools
import inspect
import itertools
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import yaml

from coil.config.reading import MODELS
from coil.config.schema import DIALECT, schema_of
from coil.files import is_object, write_text

MARKER = "<!-- Generated from scripts/coil/config/model by `make reference`; edit the model. -->\n"
_TITLES = {
    "config": "config/config.yaml",
    "project": "config/projects/&lt;name&gt;.yaml",
    "overrides": "The file that `bids.overrides` names",
}


def reference() -> str:
    """The reference as Markdown: a table of keys for each file."""
    return "\n".join(f"## {title}\n\n{_table(name)}" for name, title in _TITLES.items())


def with_reference(text: str) -> str:
    """`text` with everything below the marker made anew."""
    return f"{text.partition(MARKER)[0]}{MARKER}\n{reference()}"


def schemas() -> dict[str, str]:
    """The text of each file of config/schemas, by its name."""
    return {f"{name}.schema.yaml": _schema(name) for name in MODELS}


def texts(table: type[msgspec.Struct]) -> dict[str, str]:
    """The meaning of each key of a table: the text that stands below it in the code."""
    meanings: dict[str, str] = {}
    for one in reversed(table.__mro__):
        meanings |= _texts_of(inspect.getmodule(one)).get(one.__name__, {})
    return meanings


@functools.cache
def _texts_of(module: ModuleType | None) -> dict[str, dict[str, str]]:
    """The texts below the fields of each class of a module of the model."""
    if module is None or not module.__name__.startswith("coil."):
        return {}
    return {
        one.name: dict(_described(one.body))
        for one in ast.parse(inspect.getsource(module)).body
        if isinstance(one, ast.ClassDef)
    }


def _described(body: list[ast.stmt]) -> Iterator[tuple[str, str]]:
    for field, text in itertools.pairwise(body):
        match field, text:
            case ast.AnnAssign(ast.Name(name)), ast.Expr(ast.Constant(str(said))):
                yield name, " ".join(said.split())
            case _:
                pass


def _documented(name: str) -> dict[str, Any]:
    """The schema of a file with what its keys mean."""
    return schema_of(MODELS[name], texts)


def _schema(name: str) -> str:
    top = _documented(name)
    about = top.pop("description", None) or MODELS[name].__doc__
    heading = {"$schema": DIALECT, "title": _TITLES[name], "description": about}
    body = yaml.safe_dump(heading | top, sort_keys=False, allow_unicode=True, width=100)
    return (
        f"# Generated from scripts/coil/config/model by `make reference`; edit the model.\n{body}"
    )


def _table(name: str) -> str:
    schema = _documented(name)
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
        inner = [(raw, ".")]
        if is_object(items) and items.get("$ref", "") != raw.get("$ref"):  # not one or several
            inner.append((items, "[]."))
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
        kinds: list[str] | str = part.get("type", "any")
        text = kinds if isinstance(kinds, str) else " or ".join(kinds)
    if "default" in part and part["default"] not in ({}, [], ""):
        text += f"; default `{_plain(part['default'])}`"
    return text


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int | float) else f"[{', '.join(value)}]"


def main(folder: Path) -> None:
    """Write the schemas and the reference below `folder`."""
    for name, text in schemas().items():
        write_text(folder / "schemas" / name, text, 0o644)
    page = folder / "README.md"
    write_text(page, with_reference(page.read_text(encoding="utf-8")), 0o644)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
