"""`fixScanTypes=true`: scans take the type that scans of their description have."""

from localxnat.storage.store import Object, Store

# The type that a description has in a project, and the frames of the scans that have it.
Known = list[tuple[str, str]]
_FILLING = str.maketrans("", "", " _-*")


def fix(store: Store, session: Object) -> None:
    """Give each scan without a type that of the scans of its description in the project.

    Where they have several types, the number of frames decides; where they have none, the
    description is the type. Descriptions differ neither by case nor by blanks, `_`, `-`, `*`.
    """
    found: dict[str, Known] = {}
    for scan in store.children(session, "scan"):
        description = scan.fields.get("series_description", "")
        if not description or scan.fields.get("type"):
            continue
        found = found or _known(store, session.project)
        types = found.get(_plain(description), [])
        store.set_fields(scan, {"type": _match(types, scan.fields.get("frames", ""), description)})


def _plain(description: str) -> str:
    return description.upper().translate(_FILLING)


def _known(store: Store, project: str) -> dict[str, Known]:
    rows = store.database.connection.execute(
        "SELECT DISTINCT json_extract(fields, '$.series_description') AS description,"
        " json_extract(fields, '$.type') AS type, json_extract(fields, '$.frames') AS frames"
        " FROM objects WHERE project = ? AND kind = 'scan' AND description != '' AND type != ''",
        (project,),
    )
    found: dict[str, Known] = {}
    for description, scan_type, frames in rows:
        found.setdefault(_plain(description), []).append((scan_type, frames or ""))
    return found


def _match(types: Known, frames: str, otherwise: str) -> str:
    alike = [name for name, number in types if number == frames]
    return next(iter([*alike, *(name for name, _ in types), otherwise]))
