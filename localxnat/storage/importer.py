"""DICOM files into the archive: one session, its scans by series, as XNAT's import does it."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from localxnat.errors import Refused
from localxnat.storage import archives, dicom, merging
from localxnat.storage.dicom import Instance, Series
from localxnat.storage.incoming import Arrived
from localxnat.storage.merging import Existing, Present
from localxnat.storage.names import check_label, check_scan_id
from localxnat.storage.resources import Resources
from localxnat.storage.store import Object, scan_order


@dataclass
class Imported:
    """The outcome of an import."""

    session: str
    label: str
    scans: int
    files: int
    present: int
    skipped: int

    def __str__(self) -> str:
        text = f"{self.label} ({self.session}): {self.scans} scans, {self.files} files"
        if self.present:
            text += f", {self.present} were there already"
        if self.skipped:
            text += f", {self.skipped} skipped that are no DICOM"
        return text


def import_session(
    resources: Resources,
    project: str,
    subject: str,
    session: str,
    folders: list[Path],
    user: str = "admin",
    *,
    existing: Existing = "keep",
    keep_names: bool = False,
) -> Imported:
    """Import files into a session; project, subject and session are made if absent.

    `existing` is for files that are there already, by their name or as the same instance under
    another: they stay, are refused (nothing is imported then), or are replaced. Unless files
    keep their names, they get those that XNAT gives to what its receiver takes.

    Raises Refused when a label cannot be one, a folder is missing, nothing is DICOM, or a file's
    name is that of another instance.
    """
    missing = next((folder for folder in folders if not folder.exists()), None)
    if missing is not None:
        raise Refused(400, f"{missing} does not exist; name folders with DICOM files.")
    for label, what in ((project, "project ID"), (subject, "label"), (session, "label")):
        check_label(label, what)
    collected, skipped = collect(folders)
    if not collected:
        raise Refused(400, f"No DICOM file was found ({len(skipped)} other files were skipped).")
    if not keep_names:
        for instance in (one for series in collected for one in series.instances):
            instance.name = instance.template
    return _take(resources, (project, subject, session), collected, len(skipped), user, existing)


def _take(
    resources: Resources,
    names: tuple[str, str, str],
    collected: list[Series],
    skipped: int,
    user: str,
    existing: Existing,
) -> Imported:
    home, fresh = _session(resources, *names, collected, user)
    known = {scan.fields.get("UID", ""): scan.id for scan in resources.store.children(home, "scan")}
    numbered = number(collected, known)
    kept = {} if fresh else merging.present(resources, home, numbered)
    merging.check(numbered, kept, existing)
    files, present = 0, 0
    for scan_id, series in numbered:
        new, old = _add_series(resources, home, scan_id, series, user, kept, existing)
        files, present = files + new, present + old
    return Imported(home.id, home.label, len(collected), files, present, skipped)


def collect(folders: list[Path]) -> tuple[list[Series], list[Path]]:
    """The series below folders, in the order of their numbers, and the files that are no DICOM."""
    found: dict[str, Series] = {}
    seen: set[str] = set()
    skipped: list[Path] = []
    for item in dicom.find(folders):
        if isinstance(item, Path):
            skipped.append(item)
            continue
        instance_uid = item.text("SOPInstanceUID")
        if instance_uid not in seen:
            seen.add(instance_uid)
            uid = item.text("SeriesInstanceUID")
            found.setdefault(uid, Series(uid)).instances.append(item)
    for series in found.values():
        series.instances.sort(key=_instance_order)
    ordered = sorted(
        found.values(),
        key=lambda one: (scan_order(one.number), one.first.text("SeriesTime"), one.uid),
    )
    return ordered, skipped


def _instance_order(instance: Instance) -> tuple[int, str]:
    number = instance.text("InstanceNumber")
    return (int(number) if number.isdecimal() else 0, instance.text("SOPInstanceUID"))


def _session(
    resources: Resources,
    project: str,
    subject: str,
    session: str,
    series: list[Series],
    user: str,
) -> tuple[Object, bool]:
    """The session, and whether it is new."""
    store = resources.store
    with store.database.write():
        owner = store.project(project) or store.create(
            "project", project, "xnat:projectData", project, None, user
        )
        person = store.subject(subject, project) or store.create(
            "subject", subject, "xnat:subjectData", project, owner, user
        )
        existing = store.experiment(session, project)
        if existing is None:
            made = store.create(
                "experiment",
                session,
                merging.session_type(store, owner.id, series),
                project,
                person,
                user,
                dicom.session_fields(series),
            )
            return made, True
        if existing.parent != person.pk:
            raise Refused(409, "The session exists and belongs to another subject.")
        return existing, False


def number(collected: list[Series], known: dict[str, str]) -> list[tuple[str, Series]]:
    """Scan IDs: the series number, with `-MR1` where several series share one.

    `known` has the IDs that series (by UID) have already; those stay.
    """
    taken = set(known.values())
    shared = Counter(series.number for series in collected if series.uid not in known)
    numbered: list[tuple[str, Series]] = []
    for series in collected:
        scan_id = known.get(series.uid, series.number)
        if series.uid not in known and (scan_id in taken or shared[series.number] > 1):
            stem = f"{series.number}-{series.modality}"
            suffix = 1
            while f"{stem}{suffix}" in taken:
                suffix += 1
            scan_id = f"{stem}{suffix}"
        taken.add(scan_id)
        numbered.append((check_scan_id(scan_id), series))
    return numbered


def _add_series(
    resources: Resources,
    session: Object,
    scan_id: str,
    series: Series,
    user: str,
    kept: Present,
    existing: Existing,
) -> tuple[int, int]:
    store = resources.store
    scan = store.part(session, "scan", scan_id) or store.create(
        "scan",
        scan_id,
        series.xsi_type,
        session.project,
        session,
        user,
        dicom.scan_fields(series),
    )
    new, present = 0, 0
    for label, content, chosen in series.parts():
        resource = resources.find(scan, label) or resources.create(
            scan, label, format="DICOM", content=content
        )
        here = kept.get((scan_id, label), {})
        wanted = [one for one in chosen if existing == "replace" or one.uid not in here]
        arrived = [_copy(resources, instance) for instance in wanted]
        duplicates = resources.commit(
            scan, resource, arrived, overwrite=existing == "replace", format="DICOM",
            content=content,
        )  # fmt: skip
        new += len(arrived) - len(duplicates)
        present += len(duplicates) + len(chosen) - len(wanted)
        # The same instance under another name is the same file.
        doomed = {here[one.uid] for one in wanted if one.uid in here} - {one.name for one in wanted}
        if doomed:
            resources.delete_files(scan, resource, sorted(doomed))
    return new, present


def _copy(resources: Resources, instance: Instance) -> Arrived:
    new = resources.incoming()
    try:
        with instance.path.open("rb") as source:
            while data := source.read(archives.CHUNK):
                new.write(data)
    except BaseException:
        new.drop()
        raise
    return new.finish(instance.name)
