"""BIDS names, checked against the schema that the BIDS standard publishes.

Datatypes, suffixes, entities, their order and their formats come from the schema in
`bidsschematools`, in the version that bids-validator-deno carries.
"""

import functools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bidsschematools

MODALITIES = ("anat", "func", "dwi", "fmap", "perf", "pet", "mrs")

# Where a scanner's logs of physiology may be mapped to: they are named after their runs.
LOGGED = ("func", "dwi", "perf")

# Where an image goes that the scanner computed and for which raw BIDS has no name.
DERIVED = "derivatives/"

# What the converter adds by itself when it splits a series into several images.
SPLIT_BY_CONVERTER = frozenset({"echo", "part", "inv", "flip"})

# The suffix of a rule -> the suffixes of the images that one series becomes: a gradient echo
# field map holds two echoes in a series, and the converter numbers them.
NUMBERED = {
    "magnitude": ("magnitude1", "magnitude2"),
    "phase": ("phase1", "phase2"),
}


@dataclass(frozen=True)
class Entity:
    """One entity of the schema: its short name, its place in a name, its values."""

    name: str
    order: int
    pattern: re.Pattern[str]
    values: frozenset[str]


@dataclass(frozen=True)
class Kind:
    """What may be named `datatype/..._suffix`: its entities by short name."""

    allowed: frozenset[str]
    required: frozenset[str]
    extensions: frozenset[str]


@functools.cache
def _schema() -> dict[str, Any]:
    """The schema as its package holds it; `load_schema` takes ten times as long over it."""
    data = Path(bidsschematools.__file__).parent / "data" / "schema.json"
    return json.loads(data.read_text(encoding="utf-8"))


def _short(group: dict[str, Any]) -> dict[str, Any]:
    """The entities of a group of files by their short names."""
    long = _schema()["objects"]["entities"]
    return {long[key]["name"]: level for key, level in group["entities"].items()}


def bids_version() -> str:
    """The version of the BIDS specification that the schema describes."""
    return str(_schema()["bids_version"])


@functools.cache
def entities() -> dict[str, Entity]:
    """Every entity of the schema by its short name (`task`, `acq`, `dir`, ...)."""
    schema = _schema()
    found: dict[str, Entity] = {}
    formats = schema["objects"]["formats"]
    for order, long in enumerate(schema["rules"]["entities"]):
        entity = schema["objects"]["entities"][long]
        found[entity["name"]] = Entity(
            name=entity["name"],
            order=order,
            pattern=re.compile(formats[entity["format"]]["pattern"]),
            values=frozenset(str(v) for v in entity.get("enum", ())),
        )
    return found


@functools.cache
def kinds() -> dict[tuple[str, str], Kind]:
    """Every image that the schema allows, by (datatype, suffix)."""
    found: dict[tuple[str, str], Kind] = {}
    for datatype in MODALITIES:
        for group in _schema()["rules"]["files"]["raw"][datatype].values():
            if ".nii.gz" not in group["extensions"]:
                continue
            short = _short(group)
            required = {name for name, level in short.items() if level == "required"}
            for suffix in group["suffixes"]:
                known = found.get((datatype, suffix))
                found[datatype, suffix] = Kind(
                    frozenset(short) | (known.allowed if known else frozenset()),
                    frozenset(required) & (known.required if known else frozenset(required)),
                    frozenset(group["extensions"]) | (known.extensions if known else frozenset()),
                )
    return found


@functools.cache
def companions() -> dict[tuple[str, str], Kind]:
    """Every table beside images or in beh/ (events, physio, stim, beh), likewise."""
    raw = _schema()["rules"]["files"]["raw"]
    found: dict[tuple[str, str], Kind] = {}
    for group in (group for name in ("events", "task", "beh") for group in raw[name].values()):
        short = _short(group)
        kind = Kind(
            frozenset(short),
            frozenset(name for name, level in short.items() if level == "required"),
            frozenset(group["extensions"]),
        )
        found |= {(d, s): kind for d in group["datatypes"] for s in group["suffixes"]}
    return found


@functools.cache
def derived_kinds() -> dict[str, Kind]:
    """What a scanner's derivatives of a data type may be named: entities of its images, `desc`."""
    found: dict[str, Kind] = {}
    for (datatype, _), kind in kinds().items():
        known = found.get(f"{DERIVED}{datatype}", kind)
        found[f"{DERIVED}{datatype}"] = Kind(
            kind.allowed | known.allowed | {"desc"},
            kind.required & known.required,
            kind.extensions | known.extensions,
        )
    return found


@functools.cache
def metadata_keys() -> frozenset[str]:
    """Every sidecar key that the schema knows."""
    return frozenset(entry["name"] for entry in _schema()["objects"]["metadata"].values())


def kind(datatype: str, suffix: str) -> Kind | None:
    """What the schema says of a datatype and suffix, or None; `fmap/phase` stands for its pair."""
    if datatype == "fmap" and suffix in NUMBERED:
        suffix = NUMBERED[suffix][0]
    if suffix == "physio" and datatype in LOGGED:
        return companions()[datatype, suffix]
    if datatype.startswith(DERIVED):
        return derived_kinds().get(datatype)
    return kinds().get((datatype, suffix))


def value_problem(name: str, value: str) -> str | None:
    """Why `value` cannot be the value of the entity `name`, or None."""
    entity = entities()[name]
    if not entity.pattern.fullmatch(value):
        what = "digits only" if entity.pattern.pattern == "[0-9]+" else "letters and digits only"
        return f"{name} takes {what}"
    if entity.values and value not in entity.values:
        return f"{name} is one of {', '.join(sorted(entity.values))}"
    return None


def join(datatype: str, suffix: str, values: Mapping[str, str]) -> str:
    """`datatype/sub-X_ses-Y_..._suffix` with the entities in the schema's order."""
    order = entities()
    parts = [f"{key}-{values[key]}" for key in sorted(values, key=lambda k: order[k].order)]
    return "/".join((datatype, "_".join([*parts, suffix])))


def split(name: str) -> tuple[str, str, dict[str, str]]:
    """The (datatype, suffix, entities) of a name made by `join`; an extension is dropped."""
    datatype, _, base = name.rpartition("/")
    *parts, suffix = base.partition(".")[0].split("_")
    return datatype, suffix, dict(part.split("-", 1) for part in parts if "-" in part)


def name_problem(name: str) -> str | None:
    """Why an image may not have this name, or None."""
    datatype, suffix, values = split(name)
    derived = datatype.startswith(DERIVED)
    known = kind(datatype, suffix) if derived else kinds().get((datatype, suffix))
    if known is None:
        return f"{datatype}/{suffix} is not in the BIDS schema"
    if derived and "desc" not in values and kinds().get((datatype[len(DERIVED) :], suffix)):
        return f"{datatype}/{suffix} needs desc, to differ from what is raw"
    if unknown := sorted(set(values) - known.allowed):
        return f"{datatype}/{suffix} takes no {', '.join(unknown)}"
    if absent := sorted(known.required - set(values)):
        return f"{datatype}/{suffix} needs {', '.join(absent)}"
    return next((p for k, v in values.items() if (p := value_problem(k, v))), None)
