"""JSON that clients send.

Values are taken as XNAT's Jackson takes them: null is nothing, a number or a truth may be written
as text and the other way round, and what is of another type is refused with 400.
"""

import json
from typing import Any

from localxnat.errors import Refused

MAX_DEPTH = 200
"""The depth to which objects and lists may lie in each other: far more than is ever meant."""


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


def _within(value: object) -> list[object]:
    """The values in an object or a list; none in anything else."""
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def read_object(text: str | bytes) -> dict[str, object]:
    """The object of a text; 400 for anything else."""
    value = read(text)
    if not isinstance(value, dict):
        raise Refused(400, "The body is no JSON object.")
    return value


# Values of a type, by the name that a refusal gives them ----------------------------------------


def as_text(value: object, name: str) -> str:
    """A text; a number or a truth as JSON writes it, null as an empty one."""
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    raise _wrong(name, "text")


def as_flag(value: object, name: str) -> bool:
    """A truth, or a number or a text that says one; null is false."""
    if value is None or isinstance(value, bool | int):
        return bool(value)
    if isinstance(value, str) and value.lower() in ("true", "false", ""):
        return value.lower() == "true"
    raise _wrong(name, "true or false")


def as_whole(value: object, name: str) -> int:
    """A whole number, what is behind a point cut off; null is 0."""
    return int(as_number(value, name))


def as_number(value: object, name: str) -> float:
    """A number, or a text that says one; null is 0."""
    if value is None or isinstance(value, int | float):
        number = float(value or 0)
    else:
        try:
            number = float(value) if isinstance(value, str) else float("nan")
        except ValueError:
            number = float("nan")
    if isinstance(value, bool) or not abs(number) < 1 << 53:
        raise _wrong(name, "number")
    return number


def as_list(value: object, name: str) -> list[object]:
    """A list; null is an empty one."""
    if value is None or isinstance(value, list):
        return value or []
    raise _wrong(name, "list")


def as_object(value: object, name: str) -> dict[str, object]:
    """An object; null is an empty one."""
    if value is None or isinstance(value, dict):
        return value or {}
    raise _wrong(name, "object")


def _wrong(name: str, kind: str) -> Refused:
    return Refused(400, f"The value of {name} is no {kind}.")
