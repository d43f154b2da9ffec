"""Sidecars by allow-list: a key that is not in the table, or a value that its rule does not
know, does not leave."""

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from coil.deid.allow_list.sidecar_keys import RULES
from coil.errors import DataError
from coil.files import JsonObject, is_object, read_json


def read_object(path: Path) -> JsonObject:
    """The object in a JSON file of a converted session; `DataError` if there is none."""
    try:
        value = read_json(path)
    except ValueError:
        value = None
    if not is_object(value):
        raise DataError(f"{path.name}: not a JSON object; convert the session again")
    return value


def clean_sidecar(
    sidecar: JsonObject, allow: Collection[str] = (), *, task: str | None = None
) -> tuple[JsonObject, list[str]]:
    """The keys of a sidecar that may leave, sorted, and the names of those that may not.

    A key in `allow` passes whatever it holds: the config names it, and the leak check still
    reads it. A TaskName must be the file's `task` entity, give or take what a label cannot hold.
    """
    kept = {
        key: value
        for key, value in sorted(sidecar.items())
        if key in allow or (key in RULES and RULES[key](value) and _fits(key, value, task))
    }
    return kept, sorted(sidecar.keys() - kept.keys())


def dump_sidecar(sidecar: JsonObject) -> bytes:
    """The bytes of a JSON file: sorted keys, the same for the same values."""
    return (json.dumps(sidecar, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def _fits(key: str, value: Any, task: str | None) -> bool:
    if key != "TaskName" or task is None:
        return True
    return "".join(c for c in value if c.isalnum()) == task
