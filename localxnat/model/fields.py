"""Fields of objects: XNAT's paths to them, as they come in a query and as they are stored.

A stored key is the path below the object's type, without predicates on the type:
`note`, `demographics/gender`, `scanner/manufacturer`, `fields/field[name=group]/field`.
"""

import re
from collections.abc import Callable, Iterable

from localxnat.model import types
from localxnat.model.types import Field

_TYPE_PREDICATE = re.compile(r"\[@xsi:type=[^\]]*\]")
_STEP = re.compile(r"(?P<name>[^/\[\]]+)(?:\[(?P<predicate>[^\]]*)\])?")

DEMOGRAPHICS = {
    "age", "birth_weight", "dob", "education", "educationDesc", "employment", "ethnicity",
    "gender", "gestational_age", "handedness", "height", "post_menstrual_age", "race", "ses",
    "weight", "yob",
}  # fmt: skip
_SHORT: dict[str, dict[str, str]] = {
    "project": {
        **{name: name for name in ("name", "description", "keywords", "secondary_ID")},
        "pi_firstname": "PI/firstname",
        "pi_lastname": "PI/lastname",
        "note": "fields/field[name=note]/field",
        "alias": "aliases/alias/alias",
    },
    "subject": {
        **{name: f"demographics/{name}" for name in DEMOGRAPHICS},
        **{name: name for name in ("group", "src")},
        "pi_firstname": "investigator/firstname",
        "pi_lastname": "investigator/lastname",
    },
    "experiment": {
        **{
            name: name
            for name in (
                "date", "time", "note", "visit_id", "scanner", "operator", "session_type",
                "modality", "UID", "dcmAccessionNumber", "dcmPatientId", "dcmPatientName", "coil",
                "fieldStrength", "marker", "stabilization",
            )
        },
        "pi_firstname": "investigator/firstname",
        "pi_lastname": "investigator/lastname",
        **{f"validation_{name}": f"validation/{name}" for name in ("method", "status", "date")},
    },
    "scan": {
        **{
            name: name
            for name in (
                "type", "UID", "note", "quality", "condition", "series_description",
                "documentation", "scanner", "modality", "frames", "coil", "fieldStrength",
                "marker", "stabilization", "operator", "startTime",
            )
        },
        **{f"validation_{name}": f"validation/{name}" for name in ("method", "status", "date")},
    },
}  # fmt: skip
_SHORT["assessor"] = _SHORT["experiment"]
_SHORT["reconstruction"] = {name: name for name in ("type", "baseScanType")}
SHORTCUTS = {
    kind: {name.lower(): path for name, path in names.items()} for kind, names in _SHORT.items()
}
# What is kept among a project's fields and is none of them.
SETTINGS = {
    "accessibility": "private",
    "prearchive_code": "4",
    "quarantine_code": "0",
    "current_arc": "arc001",
}
# What no client sets as a field.
IDENTITY = {
    "id", "label", "project", "subject_id", "image_session_id", "imagesession_id",
    "aliases/alias/alias", "status", "custom_fields", *SETTINGS,
}  # fmt: skip
Step = tuple[str, str]


def steps(path: str) -> list[Step]:
    """The parts of a path with their predicates: `a/b[name=c]/d` is a, b with name=c, d."""
    found = _STEP.finditer(_TYPE_PREDICATE.sub("", path))
    return [(match["name"], match["predicate"] or "") for match in found]


def join(parts: Iterable[Step]) -> str:
    return "/".join(f"{name}[{predicate}]" if predicate else name for name, predicate in parts)


def spelled(xsi_type: str, path: str) -> tuple[list[Step], Field | None]:
    """A path below a type in the schema's spelling, and the field that it ends in, if known."""
    known = types.fields_of(xsi_type) if xsi_type in types.TYPES else {}
    parts: list[Step] = []
    found: Field | None = None
    for name, predicate in steps(path):
        found = known.get(name.lower())
        parts.append((found.name if found else name, predicate))
        known = types.below(found)
    return parts, found


def relative(path: str) -> tuple[str, str] | None:
    """The type that a path begins with and the rest of it, or None if it has no type."""
    prefix, _, rest = path.partition("/")
    if ":" not in prefix or not rest:
        return None
    rest = rest.replace("fields/fieldname=", "fields/field[name=").strip("/")
    return types.spell(prefix) or prefix, rest


def stored_key(path: str) -> str | None:
    """The stored key of a path that begins with a type, or None if it has none.

    `xnat:subjectData/demographics[@xsi:type=xnat:demographicData]/gender` is
    `demographics/gender`.
    """
    parts = relative(path)
    return join(spelled(*parts)[0]) if parts else None


def updates(kind: str, xsi_type: str, query: Iterable[tuple[str, str]]) -> dict[str, str | None]:
    """The fields that a query sets on an object of a kind; None for one it deletes (`NULL`)."""
    changes: dict[str, str | None] = {}
    for name, value in query:
        parts = relative(name)
        path = parts[1] if parts else SHORTCUTS[kind].get(name.lower())
        if path is None or path.lower() in IDENTITY:
            continue
        # A path to another type's field sets nothing here: xnat:subjectData/... of a session.
        if parts and parts[0] in types.TYPES and not _related(parts[0], xsi_type):
            continue
        key, checked = change(xsi_type, path, value)
        changes[key] = None if value == "" and "/" not in name else checked
    return changes


def _related(one: str, other: str) -> bool:
    return types.is_a(one, other) or types.is_a(other, one)


def change(xsi_type: str, path: str, value: str) -> tuple[str, str | None]:
    """The key and the value, in the schema's form, of a field that is set."""
    parts, found = spelled(xsi_type, path)
    key = join(_indexed(xsi_type, parts))
    if value == "NULL":
        return key, None
    if found and found.many and (texts := types.text_names(found)):
        key = f"{key}/{texts[0]}"
    return key, found.checked(value) if found and value else value


def _indexed(xsi_type: str, parts: list[Step]) -> list[Step]:
    """A path whose lists all say which entry is meant: the first, unless it says another."""
    known = types.fields_of(xsi_type) if xsi_type in types.TYPES else {}
    indexed: list[Step] = []
    for name, predicate in parts:
        found = known.get(name.lower())
        indexed.append((name, predicate or ("0" if found and found.many else "")))
        known = types.below(found)
    return indexed


def apply(fields: dict[str, str], changes: dict[str, str | None]) -> dict[str, str]:
    """The fields after the changes. Deleting a list entry's path deletes all of the entry."""
    result = dict(fields)
    for key, value in changes.items():
        if value is not None:
            result[key] = value
            continue
        result.pop(key, None)
        if key.endswith("]"):
            result = {name: kept for name, kept in result.items() if not name.startswith(key)}
    return result


def simple_key(xsi_type: str, path: str) -> str | None:
    """The stored key of a path that has no list in it, None for any other."""
    parts = spelled(xsi_type, path)[0]
    key = join(parts)
    return key if "[" not in key and key == join(_indexed(xsi_type, parts)) else None


def reader(xsi_type: str, path: str) -> Callable[[dict[str, str]], str]:
    """The reader of a field of objects of a type; of a list, the first entry that has it."""
    if (simple := simple_key(xsi_type, path)) is not None:
        return lambda fields: fields.get(simple, "")
    parts = spelled(xsi_type, path)[0]
    key = join(parts)
    indexed = join(_indexed(xsi_type, parts))
    exact = key.lower()
    bare = [name.lower() for name, _ in parts] if key != indexed else None

    def read(fields: dict[str, str]) -> str:
        if key in fields:
            return fields[key]
        for name, value in fields.items():
            if name.lower() == exact or (
                bare and [step.lower() for step, _ in steps(name)] == bare
            ):
                return value
        return ""

    return read


def look_up(fields: dict[str, str], path: str) -> str | None:
    """A field by its path below the type, whatever the case it is spelled in."""
    if path in fields:
        return fields[path]
    wanted = path.lower()
    return next((value for key, value in fields.items() if key.lower() == wanted), None)
