"""The copy of a project's config that a dataset carries in code/.

It holds what made the dataset, by an allow-list of keys: where the archive is, what the project
and its resources are called there, patterns for its labels, days and files of secrets stay
behind. A key that is not listed here does not leave.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from coil.errors import DataError
from coil.files import remove_tree, write_if_changed

if TYPE_CHECKING:
    from coil.deid.leak.dataset import Guard

NAME = "coil.yaml"
_ALL = True  # the value as it is, whatever it holds


def _file(path: str) -> str:
    """A file's name without the folder that it lies in."""
    return Path(path).name


_COLUMN = dict.fromkeys(
    ("name", "description", "levels", "units", "format", "minimum", "maximum"), _ALL
)
_MATCH: dict[str, object] = dict.fromkeys(
    (
        "series_description", "protocol_name", "sequence_name", "image_type", "phase_encoding",
        "manufacturer", "model", "scan_type", "quality", "sop_class", "files", "echo_time",
        "repetition_time", "inversion_time", "flip_angle", "rows", "columns", "slices", "volumes",
        "echoes", "b_values",
    ),
    _ALL,
)  # fmt: skip
_MATCH |= {"any": _MATCH, "all": _MATCH, "not": _MATCH}
_RULE: dict[str, object] = dict.fromkeys(
    (
        "to", "ignore", "entities", "expect", "duplicates", "required", "priority", "supplement",
        "aslcontext", "b0",
    ),
    _ALL,
)  # fmt: skip
_ABOUT = dict.fromkeys(
    (
        "name", "authors", "license", "readme", "keywords", "acknowledgements", "funding",
        "how_to_acknowledge", "ethics_approvals", "references", "doi", "source_datasets",
        "releases", "citation", "genetics", "bidsignore", "policy", "synonyms",
        "sidecar_keys", "converter", "field_maps",
    ),
    _ALL,
)  # fmt: skip
_ALLOWED: dict[str, object] = {
    "select": dict.fromkeys(("session_types", "scan_quality"), _ALL),
    "identity": dict.fromkeys(("subjects", "sessions", "dates", "time_of_day"), _ALL),
    "bids": {**_ABOUT, "mapping": {**_RULE, "use": _file, "match": _MATCH}},
    "participants": _COLUMN,
    "sessions": _COLUMN,
    "phenotype": {"instrument": _ALL, "description": _ALL, "per": _ALL, "columns": _COLUMN},
    "deface": _ALL,
}
_HEAD = (
    "# The config that made this dataset, without what names the archive, its labels or people.\n"
)


def allowed(settings: Mapping[str, Any]) -> dict[str, object]:
    """The part of a project's settings that may leave."""
    return _allowed(settings, _ALLOWED)


def write_config(bids: Path, settings: Mapping[str, Any], guard: "Guard") -> None:
    """Write code/coil.yaml; DataError, and none is left, if it holds an identifier."""
    path = bids / "code" / NAME
    text = _HEAD + yaml.safe_dump(allowed(settings), sort_keys=False, allow_unicode=True, width=100)
    if kind := guard.kind(text):
        remove_tree(path)
        raise DataError(f"the config holds a {kind}; take it out of the config")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_if_changed(path, text)


def _allowed(value: Any, by: Any) -> Any:
    if by is _ALL:
        return value
    if callable(by):
        return by(value)
    if isinstance(value, list):
        return [_allowed(one, by) for one in value]
    if not isinstance(value, dict):
        return "[left out]"
    kept = {key: _allowed(one, by[key]) for key, one in value.items() if key in by}
    return {key: one for key, one in kept.items() if one not in ({}, [], "")}
