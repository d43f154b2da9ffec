"""Read the config files and say in one line what is wrong with them.

`coil.config.model` says what the files hold: it is closed, an unknown key is an error. Defaults
are filled in from it, so that no other place knows a default.
"""

import difflib
import functools
import re
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from coil.config.model.main import Config
from coil.config.model.mapping import Overrides
from coil.config.model.project import Project
from coil.config.schema import schema_of
from coil.errors import ConfigError
from coil.files import is_object
from coil.workspace import CHECKOUT

MODELS = {"config": Config, "project": Project, "overrides": Overrides}
"""The model of each kind of file."""


def check_config(config: dict[str, Any], where: str = "config/config.yaml") -> dict[str, Any]:
    """`config` with defaults; `ConfigError` where it does not fit the model."""
    # `snakemake --config key=true` hands over the text.
    words = {"true": True, "false": False}
    values: dict[str, Any] = {k: words.get(str(v), v) for k, v in config.items()}
    if isinstance(which := values.get("retry"), str):
        values["retry"] = {"which": which}
    return _check(values, "config", where)


def read_projects(files: list[str], base: Path) -> dict[str, dict[str, Any]]:
    """The projects' settings by project name (the file's stem), with defaults filled in.

    `files` are relative to `base`, else to the checkout. Raises `ConfigError`.
    """
    projects: dict[str, dict[str, Any]] = {}
    for file in files:
        path = project_path(file, base)
        if path.stem in projects:
            raise ConfigError(
                f"config: projects: two files are named {path.stem}; rename one of them"
            )
        projects[path.stem] = read_project(path, file)
    return projects


def project_path(file: str, base: Path) -> Path:
    """Where a project's file is that the config names; `ConfigError` if it is nowhere."""
    for folder in (base, CHECKOUT):
        if (folder / file).is_file():
            return folder / file
    raise ConfigError(f"config: projects: {file}: no such file; write it or correct the path")


def project_file(file: str, project: Path, base: Path, key: str) -> Path:
    """Where a file is that a project's config names: beside it, or in the working folder.

    Raises `ConfigError`, which names the config's `key`.
    """
    for folder in (project.parent, base):
        if (folder / file).is_file():
            return folder / file
    raise ConfigError(
        f"{project.name}: {key}: {file}: no such file; put it beside {project.name} or correct "
        "the path"
    )


def read_overrides(
    settings: dict[str, Any], file: str, base: Path
) -> dict[str, dict[str, dict[str, Any]]]:
    """The overrides of the project of the config file `file`, by session and scan.

    Raises `ConfigError`.
    """
    name = settings["bids"].get("overrides")
    if name is None:
        return {}
    path = project_file(name, project_path(file, base), base, "bids.overrides")
    named: dict[str, Any] = {}
    for unit, entries in _read_yaml(path, name, {}).items():
        named[str(unit)] = entries
        if not is_object(entries):
            continue
        # A scan's number is a number in YAML and a text in the archive.
        named[str(unit)] = {str(scan): entry for scan, entry in entries.items()}
        if len(named[str(unit)]) < len(entries):
            raise ConfigError(f"{name}: {unit}: a scan stands twice, once in quotes; join the two")
    return _check(named, "overrides", name)


def read_project(path: Path, where: str) -> dict[str, Any]:
    """One project's settings with defaults; `where` is how messages name the file."""
    settings = _check(_read_yaml(path, where), "project", where)
    export = settings["export"]
    to = export.get("to") if is_object(export) else None
    if to in (settings["project"], {"project": settings["project"]}):
        raise ConfigError(
            f"{where}: export.to: it is the project itself; name another project, which holds "
            "no identified data"
        )
    return settings


def _read_yaml(path: Path, where: str, empty: dict[Any, Any] | None = None) -> dict[Any, Any]:
    """A file's table of keys; `empty` stands for a file without any."""
    settings: Any = None
    try:
        settings = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ConfigError(f"{where}{line}: not YAML: {error.problem}; correct it there") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{where}: not UTF-8 text; save it as UTF-8") from None
    if settings is None and empty is not None:
        return empty
    if not is_object(settings):
        raise ConfigError(
            f"{where}: empty or no table of keys; see config/README.md for an example"
        )
    return settings


def merged_datasets(
    entries: list[dict[str, Any]], projects: Collection[str]
) -> dict[str, dict[str, Any]]:
    """The config's `merged` by name; `ConfigError` where one cannot be made of `projects`."""
    merged: dict[str, dict[str, Any]] = {}
    for place, entry in enumerate(entries):
        where, name = f"config: merged[{place}]", entry["name"]
        if name in merged or name in projects:
            raise ConfigError(f"{where}.name: {name} is taken already; give it another name")
        known = {"projects": entry["projects"], "sites": entry["sites"]}
        for key, names in known.items():
            if unknown := [one for one in names if one not in projects]:
                raise ConfigError(
                    f"{where}.{key}: {unknown[0]} is none of the projects; name one of "
                    f"{', '.join(sorted(projects))}"
                )
        sites = [entry["sites"].get(one, one).lower() for one in entry["projects"]]
        if len(set(sites)) < len(sites):
            raise ConfigError(f"{where}.sites: two projects have one site; name them apart")
        merged[name] = entry
    return merged


class _Loader(yaml.SafeLoader):
    """YAML without dates (a day stays the text that was written), double keys and yes as a key."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key: Any = self.construct_object(key_node, deep=True)  # pyright: ignore[reportUnknownMemberType]
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    problem=f"the key {key} stands twice", problem_mark=key_node.start_mark
                )
            if isinstance(key, bool):
                raise yaml.constructor.ConstructorError(
                    problem="yes, no, on and off are true and false here; write the key in quotes",
                    problem_mark=key_node.start_mark,
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


@functools.cache
def load_schema(name: str) -> dict[str, Any]:
    """The schema of one of `MODELS`, as it checks a file."""
    return schema_of(MODELS[name])


def _check(value: dict[str, Any], schema_name: str, where: str) -> dict[str, Any]:
    schema = load_schema(schema_name)
    validator = jsonschema.Draft202012Validator(
        schema, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )
    filled = with_defaults(value, schema)
    misfits: Iterable[jsonschema.ValidationError] = validator.iter_errors(filled)  # pyright: ignore[reportUnknownMemberType]
    errors = sorted(misfits, key=lambda e: (list(map(str, e.path)), e.message))
    if errors:
        raise ConfigError(f"{where}: {explain(errors[0])}")
    return filled


def with_defaults(value: Any, schema: dict[str, Any]) -> Any:
    """A copy of `value` in which missing keys of objects have the schema's defaults."""
    if not is_object(value):
        return value
    filled: dict[str, Any] = dict(value)
    for key, part in schema.get("properties", {}).items():
        if key not in filled and "default" in part:
            filled[key] = part["default"]
        if key in filled and part.get("type") == "object":
            filled[key] = with_defaults(filled[key], part)
        elif key in filled and isinstance(filled[key], list) and is_object(part.get("items")):
            items: list[Any] = filled[key]
            filled[key] = [with_defaults(item, part["items"]) for item in items]
    return filled


def explain(error: jsonschema.ValidationError) -> str:
    """A validation error as `key.path: cause; remedy`, in one line."""
    path = _dotted(error.absolute_path)
    prefix = f"{path}: " if path else ""
    schema = _table(error.schema)
    match error.validator:
        case "additionalProperties":
            known = sorted(schema.get("properties", {}))
            unknown = next(key for key in _table(error.instance) if key not in known)
            dotted = f"{path}.{unknown}" if path else str(unknown)
            close = difflib.get_close_matches(str(unknown), known, n=1)
            remedy = f"did you mean {close[0]}?" if close else f"known keys: {', '.join(known)}"
            if not known and (patterns := schema.get("patternProperties")):
                remedy = f"a {next(iter(patterns.values()))['title']} has the form {min(patterns)}"
            return f"{dotted}: unknown key; {remedy}"
        case "required":
            missing = re.sub(r"^'(.*)' is a required property$", r"\1", error.message)
            return f"{path + '.' if path else ''}{missing}: missing; add this key"
        case "enum":
            choices = ", ".join(map(str, schema["enum"]))
            return f"{prefix}{error.instance!r} is not known; use one of {choices}"
        case "type":
            expected = schema["type"]
            kinds: list[str] = [expected] if isinstance(expected, str) else expected
            remedy = "correct it"
            if isinstance(error.instance, bool) and "string" in kinds:
                remedy = "write yes, no, on and off in quotes"
            return f"{prefix}{error.instance!r} should be of type {' or '.join(kinds)}; {remedy}"
        case "oneOf" if {"required": ["match", "to"]} in schema["oneOf"]:
            return (
                f"{prefix}a rule has either `to` or `ignore`, beside its `match`; write one of them"
            )
        case "oneOf" if {"required": ["columns"]} in schema["oneOf"]:
            return (
                f"{prefix}an instrument has either `resource`, `file` and `dictionary`, or "
                "`columns`; write one of them"
            )
        case "format" if schema.get("format") == "regex":
            return f"{prefix}not a regular expression; correct its brackets and escapes"
        case "pattern" | "format":
            form = schema.get("pattern", schema.get("format"))
            return f"{prefix}{error.instance!r} does not have the form {form}; correct it"
        case "minItems" | "minLength" | "minProperties":
            return f"{prefix}empty; write at least one value"
        case _:
            pass
    return f"{prefix}{error.message}; correct it"


def _table(value: Any) -> dict[str, Any]:
    return value if is_object(value) else {}


def _dotted(path: Iterable[str | int]) -> str:
    dotted = ""
    for part in path:
        if isinstance(part, int):
            dotted += f"[{part}]"
        else:
            dotted += f".{part}" if dotted else str(part)
    return dotted
