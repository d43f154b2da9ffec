"""The reference of the records, generated from their types.

`python -m coil.records.reference FILE` rewrites the part of FILE below its marker; a test keeps
the two in step.
"""

import pkgutil
import re
import sys
from collections.abc import Iterator
from importlib import import_module
from inspect import getdoc
from pathlib import Path
from types import ModuleType, NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

from coil import records
from coil.files import write_text

MARKER = "<!-- Generated from scripts/coil/records by `make reference`; edit the types there. -->\n"
_NAMES = {str: "text", int: "integer", float: "number", bool: "true or false", NoneType: "null"}
_FILE = re.compile(r"`[^`]+\.(json|yaml)`")
_FIELD = re.compile(r"^(\w+(?:, \w+)*) {2,}(.*)$")


def reference() -> str:
    """The reference as Markdown: each file with its version and keys, then the parts of them."""
    files = [text for module in _modules() for text in _of_module(module)]
    parts = sorted(_parts(), key=_name)
    return "\n".join([*files, "## Parts\n", *(_section("###", part) for part in parts)])


def with_reference(text: str) -> str:
    """`text` with everything below the marker made anew."""
    return f"{text.partition(MARKER)[0]}{MARKER}\n{reference()}"


def _modules() -> Iterator[ModuleType]:
    """The modules of the records, in the order of their names."""
    for found in sorted(pkgutil.iter_modules(records.__path__), key=lambda one: one.name):
        yield import_module(f"{records.__name__}.{found.name}")


def _of_module(module: ModuleType) -> Iterator[str]:
    """The sections of the files that the module has a type for."""
    for one in _files(module):
        version = getattr(one, "VERSION", records.UNVERSIONED) or "none"
        yield _section("##", one, f", version {version}", getdoc(module) or "")


def _files(module: ModuleType) -> list[type]:
    """The types of whole files that the module has; a file for people may be no `Record`."""
    own = [one for one in vars(module).values() if _is_a(one, msgspec.Struct)]
    own = [one for one in own if one.__module__ == module.__name__]
    whole = [one for one in own if _is_a(one, records.Record)]
    return whole or (own if _FILE.search(module.__doc__ or "") else [])


def _section(mark: str, kind: type, more: str = "", about: str = "") -> str:
    """A heading, what the docstrings say, and a table of the keys."""
    text, meanings = _docstring(kind)
    lines = [f"{mark} {_name(kind)}{more}", "", *([about, ""] if about else []), text, ""]
    lines += ["| Key | Value | Meaning |", "| --- | --- | --- |"]
    for field in msgspec.structs.fields(kind):
        value = _value(field.type) + (" · **required**" if field.required else "")
        meaning = meanings.get(field.name, "").replace("|", "\\|")
        lines.append(f"| `{field.encode_name}` | {value} | {meaning} |")
    return "\n".join(lines) + "\n"


def _docstring(kind: type) -> tuple[str, dict[str, str]]:
    """The sentences of a type's docstring, and what it says of each key."""
    sentences: list[str] = []
    meanings: dict[str, str] = {}
    keys: list[str] = []
    for line in (kind.__doc__ or "").splitlines():
        stripped = line.strip()
        if match := _FIELD.match(stripped):
            keys = match[1].split(", ")
            meanings |= dict.fromkeys(keys, match[2])
        elif keys and stripped:
            meanings |= {key: f"{meanings[key]} {stripped}" for key in keys}
        else:
            keys = []
            sentences.append(stripped)
    return "\n".join(sentences).strip(), meanings


def _value(kind: Any) -> str:
    """What the value is in JSON, in words."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _value(inner[0])
    if origin in (Union, UnionType):
        return " or ".join(_value(one) for one in inner if one is not msgspec.UnsetType)
    if origin is Literal:
        return ", ".join(f"`{one}`" for one in inner)
    if origin in (tuple, list, frozenset) and (len(inner) == 1 or inner[-1] is Ellipsis):
        return f"list of {_value(inner[0])}"
    if origin is tuple:
        return f"list: {', '.join(map(_value, inner))}"
    if isinstance(origin, type) and origin is not type and len(inner) == 2:
        return f"object of {_value(inner[1])}"
    if _is_a(kind, msgspec.Struct):
        return f"[{_name(kind)}](#{_name(kind).lower().replace('.', '')})"
    return _NAMES.get(kind, "any")


def _parts() -> set[type]:
    """The parts that the records hold, and those that these hold."""
    whole = {one for module in _modules() for one in _files(module)}
    waiting: list[Any] = list(whole)
    found: set[type] = set()
    while waiting:
        kind = waiting.pop()
        if _is_a(kind, msgspec.Struct) and kind not in found:
            found.add(kind)
            waiting += [field.type for field in msgspec.structs.fields(kind)]
        waiting += get_args(kind) if get_origin(kind) is not Literal else ()
    return found - whole


def _is_a(kind: Any, base: type) -> bool:
    return isinstance(kind, type) and issubclass(kind, base) and kind is not base


def _name(kind: type) -> str:
    """The type's name below its module, as `session.SeriesRow`."""
    module = kind.__module__.removeprefix("coil.").removeprefix("records.")
    return f"{module}.{kind.__name__}"


if __name__ == "__main__":
    target = Path(sys.argv[1])
    write_text(target, with_reference(target.read_text()))
