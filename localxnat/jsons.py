"""JSON that clients send."""

import json
from typing import Any

from localxnat.errors import Refused

MAX_DEPTH = 200
"""How deep objects and lists may lie in each other: far more than anything has that is meant."""


def read(text: str | bytes) -> Any:
    """The value of a text; 400 for what is no JSON, or is too deep to be written again."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise Refused(400, "The body is no JSON.") from None
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [one for outer in level for one in _within(outer)]
        if not level:
            return value
    raise Refused(400, "The body is no JSON.")


def read_object(text: str | bytes) -> dict[str, Any]:
    """The object of a text; 400 for anything else."""
    value = read(text)
    if not isinstance(value, dict):
        raise Refused(400, "The body is no JSON object.")
    return value


def _within(value: Any) -> list[Any]:
    """What an object or a list holds."""
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
