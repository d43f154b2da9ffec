"""Fields of objects: XNAT's paths to them, as they come in a query and as they are stored.

A stored key is the path below the object's type, without predicates on the type:
`note`, `demographics/gender`, `scanner/manufacturer`, `fields/field[name=group]/field`.
"""

import re
from collections.abc import Iterable

_TYPE_PREDICATE = re.compile(r"\[@xsi:type=[^\]]*\]")
_LIST_KEY = re.compile(r"(?P<list>[^\[\]]+)\[(?P<key>\w+)=(?P<value>[^\]]*)\]/(?P<part>\w+)")

DEMOGRAPHICS = {
    "age", "birth_weight", "dob", "education", "educationDesc", "employment", "ethnicity",
    "gender", "gestational_age", "handedness", "height", "post_menstrual_age", "race", "ses",
    "weight", "yob",
}  # fmt: skip
CHILD_TYPES = {
    "demographics": "xnat:demographicData",
    "investigator": "xnat:investigatorData",
    "PI": "xnat:investigatorData",
    "validation": "xnat:validationData",
}
_SHORT: dict[str, dict[str, str]] = {
    "project": {
        **{name: name for name in ("name", "description", "keywords", "secondary_ID")},
        "pi_firstname": "PI/firstname",
        "pi_lastname": "PI/lastname",
        "note": "fields/field[name=note]/field",
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
SHORTCUTS = {
    kind: {name.lower(): path for name, path in names.items()} for kind, names in _SHORT.items()
}
_SPELLING = {
    path.lower(): path
    for path in [path for names in _SHORT.values() for path in names.values()]
    + ["startTime", "parameters/imageType", "parameters/voxelRes/x", "parameters/voxelRes/y"]
    + ["parameters/voxelRes/z", "parameters/scanSequence", "parameters/seqVariant"]
    + ["parameters/acqType", "parameters/readoutSampleSpacing", "acquisition_site"]
}
IDENTITY = {"id", "label", "project", "subject_id", "image_session_id", "imagesession_id"}


def stored_key(path: str) -> str | None:
    """The stored key of a path that begins with a type, or None if it has none.

    `xnat:subjectData/demographics[@xsi:type=xnat:demographicData]/gender` is
    `demographics/gender`.
    """
    path = _TYPE_PREDICATE.sub("", path)
    prefix, _, rest = path.partition("/")
    if ":" not in prefix or not rest:
        return None
    rest = rest.replace("fields/fieldname=", "fields/field[name=").strip("/")
    return _SPELLING.get(rest.lower(), rest)


def updates(kind: str, query: Iterable[tuple[str, str]]) -> dict[str, str | None]:
    """The fields that a query sets on an object of a kind; None for one it deletes (`NULL`)."""
    changes: dict[str, str | None] = {}
    for name, value in query:
        key = stored_key(name) or SHORTCUTS[kind].get(name.lower())
        if key is None or key.lower() in IDENTITY:
            continue
        if value == "NULL" or (value == "" and "/" not in name):
            changes[key] = None
        else:
            changes[key] = value
    return changes


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


def look_up(fields: dict[str, str], path: str) -> str | None:
    """A field by its path below the type, whatever the case it is spelled in."""
    if path in fields:
        return fields[path]
    spelled = _SPELLING.get(path.lower())
    if spelled is not None:
        return fields.get(spelled)
    wanted = path.lower()
    for key, value in fields.items():
        if key.lower() == wanted:
            return value
    return None


def split(
    fields: dict[str, str],
) -> tuple[dict[str, str], dict[str, dict[str, str]], dict[str, list[dict[str, str]]]]:
    """Fields as an item has them: plain ones, those of typed children, entries of lists."""
    plain: dict[str, str] = {}
    children: dict[str, dict[str, str]] = {}
    entries: dict[tuple[str, str, str], dict[str, str]] = {}
    for key, value in fields.items():
        match = _LIST_KEY.fullmatch(key)
        head, _, rest = key.partition("/")
        if match:
            entry = entries.setdefault(
                (match["list"], match["key"], match["value"]), {match["key"]: match["value"]}
            )
            entry[match["part"]] = value
        elif head in CHILD_TYPES and rest:
            children.setdefault(head, {})[rest] = value
        else:
            plain[key] = value
    lists: dict[str, list[dict[str, str]]] = {}
    for (name, _, _), entry in entries.items():
        lists.setdefault(name, []).append(entry)
    return plain, children, lists
