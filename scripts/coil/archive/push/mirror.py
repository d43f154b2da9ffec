"""A session's de-identified copy in another project of an archive: found, made, taken back.

Ownership is proved twice. A mark, a keyed hash of the pseudonyms, stands in a custom variable of
the subject and of the session from the moment that they are made; and the receipt in the session
(see `coil.archive.push.receipt`) knows every file. Nothing of the archive's own names goes there.
"""

import logging
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from msgspec import structs

from coil.archive.client import Archive, part
from coil.archive.item import Item
from coil.archive.push import push
from coil.archive.push.plan import Upload, read_blank, read_receipt
from coil.archive.push.receipt import Receipt, keys
from coil.archive.push.scans import Scan, without_clash
from coil.archive.resources import Resource, ResourceFile, held
from coil.deid.identity.identities import keyed_digest
from coil.errors import ArchiveError, DataError, RefusedError
from coil.records.push import Action, ForeignSession, PushRecord

logger = logging.getLogger(__name__)

HOME, DICOM = "coil", "DICOM"
"""The resource with the receipt, and that of each scan with its files."""
_MARK = "fields/field[name=coil]/field"
_NOTE = "De-identified DICOM; the workflow that wrote it replaces and removes its own files"


@dataclass(frozen=True)
class Copy:
    """Whose copy it is (pseudonyms), in which project, and the marks of subject and session.

    `source` is the project that it is made of where both are of one archive.
    """

    project: str
    subject: str
    session: str
    marks: tuple[str, str]
    source: str | None = None

    @classmethod
    def of(
        cls, project: str, names: tuple[str, str], secret: bytes, origin: str, source: str | None
    ) -> "Copy":
        """The copy of a session, by its pseudonyms; `origin` is the project that it is made of."""
        marks = (
            _mark(secret, "copied subject", names[0]),
            _mark(secret, "copied session", origin, *names),
        )
        return cls(project, *names, marks, source)

    @property
    def label(self) -> str:
        """The session's label there: XNAT wants it to be its project's only one."""
        return f"{self.subject}_{self.session}"

    @property
    def home(self) -> str:
        """The address of the project."""
        return f"/data/projects/{part(self.project)}"

    @property
    def person(self) -> str:
        """The address of the subject."""
        return f"{self.home}/subjects/{part(self.subject)}"


@dataclass(frozen=True)
class CopyThere:
    """A copy that is there: its address by XNAT's ID, and its item as XNAT has it."""

    base: str
    item: Item

    @property
    def scans(self) -> dict[str, Item]:
        """The copy's scans by their ID."""
        return {scan.text("ID") or "": scan for scan in self.item.below("scans/scan")}


def find(archive: Archive, copy: Copy) -> CopyThere | None:
    """The copy that is there, or None.

    Raises `RefusedError` where there is no such project for this login, and `DataError` where
    a session of somebody else has the label.
    """
    item = archive.item(f"{copy.home}/experiments/{part(copy.label)}")
    if item is None:
        project = archive.item(copy.home)
        if project is None:
            raise RefusedError(
                f"{copy.project}: the archive has no such project, or this login may not see it; "
                "correct the ID or ask for access"
            )
        if project.text("ID") == copy.source:
            raise DataError(
                f"{copy.project}: another name of the project itself; name another project"
            )
        return None
    home = item.text("project") or copy.project
    if _read_mark(item) != copy.marks[1] or home != copy.project:
        raise DataError(
            f"{copy.project}: it has a session of this label that this workflow did not make; "
            "rename it there, or name another project"
        )
    return CopyThere(f"/data/experiments/{part(item.text('ID') or '')}", item)


def send(archive: Archive, copy: Copy, scans: list[Scan], about: Mapping[str, str]) -> PushRecord:
    """Make the copy what it is to be; returns what was done, as `coil.archive.push.push.push` does.

    `about` are fields of the session that are set when it is made; `xsiType` must be among
    them. Raises `DataError` where somebody else's subject or session has the label.
    """
    there = find(archive, copy) or _make(archive, copy, about)
    scans = without_clash(scans, there.scans)
    for scan in scans:
        if scan.id not in there.scans:
            fields = {"type": scan.description, "series_description": scan.description}
            fields |= {"UID": scan.uid, "quality": "usable"}
            _put(archive, f"{there.base}/scans/{part(scan.id)}", scan.xsi_type, fields)
    done = push.push(archive, there.base, _upload(scans))
    dropped = _drop_empty(archive, there, {scan.id for scan in scans})
    return structs.replace(done, removed=(*done.removed, *dropped))


def dry_run(archive: Archive, copy: Copy, scans: list[Scan]) -> PushRecord:
    """The actions of `send`, or with no scans of `withdraw`, by file; the archive is only read."""
    there = find(archive, copy)
    if there and not scans:
        return PushRecord(state="rehearsed", resource=HOME, would={copy.label: "remove"})
    upload = _upload(without_clash(scans, there.scans) if there else scans)
    if there:
        return push.dry_run(archive, there.base, upload)
    if scans:
        _check_person(archive, copy)
    would: dict[str, Action] = dict.fromkeys(keys(upload.files, HOME), "create")
    return PushRecord(state="rehearsed", resource=HOME, would=would)


def withdraw(archive: Archive, copy: Copy) -> PushRecord:
    """Remove the copy if it is there, and its subject if nothing else is left of that.

    Where somebody else put something beside it, only our files go, and `left` tells it.
    """
    there = find(archive, copy)
    if there is None:
        return PushRecord(state="done", resource=HOME)
    receipt, here = _receipt(archive, there)
    ours = {file for file, digest in here.items() if receipt.wrote(file, digest)}
    if here.keys() - ours - {receipt.file} or _has_more(there):
        for file in sorted(ours):
            archive.delete(file.resource.file_address(there.base, file.name))
        _drop_empty(archive, there, set())
        if receipt.file in here:
            archive.delete(receipt.file.resource.file_address(there.base, receipt.file.name))
        left = (ForeignSession(),) if ours else ()
        return PushRecord(state="done", resource=HOME, removed=keys(ours, HOME), left=left)
    archive.delete(there.base, removeFiles="true")
    if archive.exists(there.base):
        raise push.not_removed("the session")
    person = archive.item(copy.person)
    if person and _read_mark(person) == copy.marks[0] and not archive.rows(_sessions(copy)):
        archive.delete(copy.person, removeFiles="true")
    return PushRecord(state="done", resource=HOME, removed=(copy.label,))


def list_labels(archive: Archive, project: str) -> set[str]:
    """The labels of all sessions of a project, by one request."""
    address = f"/data/projects/{part(project)}/experiments"
    return {row["label"] for row in archive.rows(address, columns="ID,label")}


def _sessions(copy: Copy) -> str:
    return f"{copy.person}/experiments"


def _upload(scans: Iterable[Scan]) -> Upload:
    sources = {
        ResourceFile(Resource(DICOM, scan.id), path.name): path
        for scan in scans
        for path in scan.files
    }
    return Upload(HOME, sources, zipped=True)


def _make(archive: Archive, copy: Copy, about: Mapping[str, str]) -> CopyThere:
    """Make the subject, unless it is there, and the session, each with its mark at once."""
    if not _check_person(archive, copy):
        _put(archive, copy.person, "xnat:subjectData", {_MARK: copy.marks[0]})
        _check_person(archive, copy)
    fields = {key: value for key, value in about.items() if key != "xsiType"}
    fields |= {"note": _NOTE, _MARK: copy.marks[1]}
    _put(archive, f"{_sessions(copy)}/{part(copy.label)}", about["xsiType"], fields)
    made = find(archive, copy)
    if made is None:
        raise ArchiveError("the archive did not keep the session that was made; try again")
    return made


def _check_person(archive: Archive, copy: Copy) -> bool:
    """Whether the subject is there; `DataError` if it is not the one that this workflow made."""
    person = archive.item(copy.person)
    if person and _read_mark(person) != copy.marks[0]:
        raise DataError(
            f"{copy.project}: it has a subject of this label that this workflow did not make; "
            "rename it there, or name another project"
        )
    return person is not None


def _put(archive: Archive, address: str, xsi_type: str, fields: Mapping[str, str]) -> None:
    """Make something; after a failure the archive says whether it is there."""
    query = {f"{xsi_type}/{name}": value for name, value in fields.items() if value}
    for pause in push.PAUSES:
        try:
            if archive.put(address, None, xsiType=xsi_type, **query).status_code != 409:
                return
        except RefusedError:
            raise
        except ArchiveError as error:
            logger.info("%s", error)
        time.sleep(pause)
        if archive.exists(address):
            return
    raise ArchiveError("the archive did not make a subject, session or scan; try again")


def _receipt(archive: Archive, there: CopyThere) -> tuple[Receipt, dict[ResourceFile, str]]:
    """The receipt, empty before the first push, and the digests of what is there."""
    receipt = Receipt(HOME)
    here = held(archive, there.base, {Resource(HOME), Resource(DICOM, "every")})
    if receipt.file in here:
        receipt, _ = read_receipt(archive, there.base, receipt, here)
    read_blank(archive, there.base, here, receipt.digests)
    return receipt, here


def _has_more(there: CopyThere) -> bool:
    """Whether the session has more than what this workflow makes: our files are another matter."""
    labels = {node.text("label") or "" for node in there.item.below("resources/resource")}
    labels |= {
        (node.text("label") or "").replace(DICOM, HOME)
        for scan in there.scans.values()
        for node in scan.below("file")
    }
    others = ("assessors/assessor", "reconstructions/reconstructedImage")
    return bool(labels - {HOME} or any(True for name in others for _ in there.item.below(name)))


def _drop_empty(archive: Archive, there: CopyThere, wanted: Collection[str]) -> list[str]:
    """Delete the scans that lost all their files; returns what was deleted."""
    gone = []
    for scan in there.scans.keys() - wanted:
        base = f"{there.base}/scans/{part(scan)}"
        rows = archive.rows(f"{base}/resources", absent_ok=True)
        if all(row["label"] == DICOM for row in rows) and not archive.rows(
            f"{base}/resources/{DICOM}/files", absent_ok=True
        ):
            archive.delete(base, removeFiles="true")
            gone.append(f"scans/{scan}")
    return sorted(gone)


def _read_mark(item: Item) -> str | None:
    fields = item.below("fields/field")
    return next((one.text("field") for one in fields if one.text("name") == "coil"), None)


def _mark(secret: bytes, *parts: str) -> str:
    return keyed_digest(secret, *parts).hex()[:32]
