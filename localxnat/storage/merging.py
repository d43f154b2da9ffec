"""Additions to sessions that exist: the part that is there already, and the part that may come."""

from pathlib import Path
from typing import Literal

from localxnat.errors import Refused
from localxnat.storage import dicom
from localxnat.storage.dicom import Instance, Series
from localxnat.storage.resources import Resource, Resources
from localxnat.storage.store import Object, Store

# What becomes of files that are there already.
Existing = Literal["keep", "refuse", "replace"]
# By scan and resource: the names of the files that are there, by their instances.
Present = dict[tuple[str, str], dict[str, str]]
_TAKEN = "Session already contains the file {}, retry with overwrite_files or overwrite=delete."
_OTHER = "A file of the name {} exists and is another image."


def how(overwrite: str, overwrite_files: bool) -> Existing | None:
    """The rule that an import's `overwrite` names for a session that exists; None to refuse it.

    As in XNAT, any word but none, append, delete and override means append.
    """
    if overwrite.lower() in ("", "none"):
        return None
    replaces = overwrite_files or overwrite.lower() in ("delete", "override")
    return "replace" if replaces else "refuse"


def present(resources: Resources, session: Object, numbered: list[tuple[str, Series]]) -> Present:
    """The files that a session has already of the scans that are to be added to."""
    found: Present = {}
    for scan_id, series in numbered:
        scan = resources.store.part(session, "scan", scan_id)
        for label, _, _ in series.parts() if scan else ():
            resource = resources.find(scan, label) if scan else None
            if resource is not None:
                found[scan_id, label] = _names(resources, resource)
    return found


def _names(resources: Resources, resource: Resource) -> dict[str, str]:
    """The paths of a resource's files by their instances; what is no DICOM stands for itself."""
    by_uid = resources.store.settings.get("useSopInstanceUidToUniquelyIdentifyDicom")
    found: dict[str, str] = {}
    for file in resources.files(resource):
        on_disk = resources.path_of(resource, file.path)
        first = next(dicom.find([on_disk]), None) if by_uid and on_disk.is_file() else None
        found[first.uid if isinstance(first, Instance) else f"/{file.path}"] = file.path
    return found


def check(numbered: list[tuple[str, Series]], kept: Present, existing: Existing) -> None:
    """409 for what cannot be added: another image of a name or, if refused, what is there."""
    for scan_id, series in numbered:
        for label, _, chosen in series.parts():
            here = kept.get((scan_id, label), {})
            owners = {path: uid for uid, path in here.items()}
            for instance in chosen:
                owner = owners.get(instance.name, instance.uid)
                # A name that no instance is known of is the same file again.
                if owner != instance.uid and not owner.startswith("/"):
                    raise Refused(409, _OTHER.format(instance.name))
                there = instance.uid in here or instance.name in owners
                if there and existing == "refuse":
                    raise Refused(409, _TAKEN.format(instance.name))


def session_type(store: Store, project: str, series: list[Series]) -> str:
    """The type of a new session; PET and MR together are petmr where the project says so."""
    row = store.database.connection.execute(
        "SELECT contents FROM configs WHERE tool = 'separatePETMR' AND path = 'config'"
        " AND project = ? AND status = 'enabled' ORDER BY id DESC LIMIT 1",
        (project,),
    ).fetchone()
    petmr = row is not None and row["contents"].strip() == "petmr"
    return dicom.session_type({one.modality for one in series}, petmr=petmr)


def check_modality(store: Store, existing: Object, series: list[Series]) -> None:
    """409 for a session of another type, unless the site lets them be merged."""
    if store.settings.get("preventCrossModalityMerge") and (
        session_type(store, existing.project, series) != existing.xsi_type
    ):
        raise Refused(409, "Invalid modification of session modality via archive process.")


def free_name(instance: Instance, folder: Path, planned: dict[Path, Instance]) -> str:
    """A name that no other instance has: x.dcm, x.dcm_1, x.dcm_2, ... as XNAT counts them."""
    name, number = instance.name, 0
    while (folder / name).exists() or folder / name in planned:
        number += 1
        name = f"{instance.name}_{number}"
    return name
