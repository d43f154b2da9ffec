"""`fixScanTypes=true`: scans take the type that scans of their description have."""

from localxnat.storage.store import Object, Store
from localxnat.storage.summaries import ScanType, described_scan_types

_FILLING = str.maketrans("", "", " _-*")


def fix(store: Store, session: Object) -> None:
    """Give each scan without a type that of the scans of its description in the project.

    Where they have several types, the number of frames decides; where they have none, the
    description is the type. Descriptions differ neither by case nor by blanks, `_`, `-`, `*`.
    """
    found: dict[str, list[ScanType]] = {}
    for scan in store.children(session, "scan"):
        description = scan.fields.get("series_description", "")
        if not description or scan.fields.get("type"):
            continue
        found = found or _known(store, session.project)
        types = found.get(_plain(description), [])
        store.set_fields(scan, {"type": _match(types, scan.fields.get("frames", ""), description)})


def _plain(description: str) -> str:
    return description.upper().translate(_FILLING)


def _known(store: Store, project: str) -> dict[str, list[ScanType]]:
    """The types that scans have in a project, by their plain descriptions."""
    found: dict[str, list[ScanType]] = {}
    for one in described_scan_types(store.database, project):
        found.setdefault(_plain(one.description), []).append(one)
    return found


def _match(types: list[ScanType], frames: str, otherwise: str) -> str:
    alike = [one.type for one in types if one.frames == frames]
    return next(iter([*alike, *(one.type for one in types), otherwise]))
