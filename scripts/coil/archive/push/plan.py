"""The plan of a push: the wanted files against what the archive holds, by reading only."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import requests

from coil import files
from coil.archive.client import Archive
from coil.archive.push.receipt import Receipt
from coil.archive.resources import ASSESSOR, Resource, ResourceFile, held, held_of
from coil.errors import DataError
from coil.records.push import Action

_NOTHING = files.md5_of([])


class Thing(Protocol):
    """Something that is sent, and whose digest the archive can tell."""

    def send(self, archive: Archive, replace: bool) -> requests.Response:
        """Create or replace it; the caller looks at the answer."""
        ...

    def held(self, archive: Archive) -> str | None:
        """The digest of what is there now, None for nothing."""
        ...


class Numbers(Thing, Protocol):
    """A thing that is no file: an assessor."""

    def digest(self) -> str:
        """The digest of what is to be there."""
        ...


@dataclass(frozen=True)
class Upload:
    """All that is to lie in the archive: files by where, and perhaps an assessor.

    `home` is the label of the resource with the receipt. Files of a place where nothing is yet
    go as one zip if it is to be `zipped`: a request, and a change of XNAT's catalog, for all.
    """

    home: str
    files: Mapping[ResourceFile, Path]
    assessor: Numbers | None = None
    zipped: bool = False

    def digests(self) -> dict[ResourceFile, str]:
        """The MD5 of everything, sorted."""
        of_files = {file: files.md5(path) for file, path in sorted(self.files.items())}
        return of_files | ({ASSESSOR: self.assessor.digest()} if self.assessor else {})


@dataclass
class Plan:
    """The actions of a push by file, and what is known for them.

    create, replace (ours, with other bytes), unchanged, remove (ours, not wanted any
    more) or in the way (somebody else's; nothing is written there). Files that are `empty` are
    not among them: XNAT fails at those.
    """

    wanted: dict[ResourceFile, str]
    held: dict[ResourceFile, str]
    receipt: Receipt
    empty: tuple[ResourceFile, ...] = ()
    actions: dict[ResourceFile, Action] = field(default_factory=dict)
    complete: bool = False

    def of(self, *actions: Action) -> list[ResourceFile]:
        """The files for which one of these actions is planned."""
        return [file for file, action in self.actions.items() if action in actions]


def look(archive: Archive, base: str, upload: Upload) -> Plan:
    """Compare what is wanted with what the archive holds, by reading only."""
    wanted = upload.digests()
    here = look_again(archive, base, upload)
    read_blank(archive, base, here, wanted)
    empty = tuple(file for file in wanted if wanted[file] == _NOTHING != here.get(file))
    wanted = {file: digest for file, digest in wanted.items() if file not in empty}
    receipt = Receipt(upload.home)
    plan = Plan(wanted, here, receipt, empty)
    complete = Receipt(upload.home, {file: [digest] for file, digest in wanted.items()})
    differs = any(here.get(file) != digest for file, digest in wanted.items())
    extra = here.keys() - wanted.keys() - {receipt.file}
    if receipt.file in here:
        written = {files.md5_of([text]) for text in complete.forms(complete=True)}
        plan.complete = here[receipt.file] in written
        if differs or extra or not plan.complete:
            plan.receipt, plan.complete = read_receipt(archive, base, receipt, here)
            read_blank(archive, base, here, plan.receipt.digests)
        else:
            plan.receipt = complete
    elif not differs:
        plan.complete = True  # somebody put the very same files there; they stay theirs
    _decide(plan)
    return plan


def look_again(archive: Archive, base: str, upload: Upload) -> dict[ResourceFile, str]:
    """The MD5 of everything in the places of the upload; empty where the archive has none."""
    resources = {Resource(upload.home), *(file.resource for file in upload.files)}
    here = held(archive, base, resources)
    if upload.assessor and (digest := upload.assessor.held(archive)) is not None:
        here[ASSESSOR] = digest
    return here


def read_blank(
    archive: Archive,
    base: str,
    here: dict[ResourceFile, str],
    files: Iterable[ResourceFile],
) -> None:
    """Read in full those of the files for which the archive has no digest."""
    for file in files:
        if here.get(file) == "":
            here[file] = _read_md5(archive, base, file)


def _read_md5(archive: Archive, base: str, file: ResourceFile) -> str:
    with archive.stream(file.resource.file_address(base, file.name)) as chunks:
        return files.md5_of(chunks)


def read_receipt(
    archive: Archive, base: str, receipt: Receipt, here: dict[ResourceFile, str]
) -> tuple[Receipt, bool]:
    """The receipt that lies there, and whether it says that the last push was completed."""
    with archive.stream(receipt.file.resource.file_address(base, receipt.file.name)) as chunks:
        data = b"".join(chunks)
    here[receipt.file] = files.md5_of([data])
    there = Receipt.parse(receipt.home, data)
    if there is None:
        raise in_the_way(receipt.file)
    return there, data in there.forms(complete=True)


def _decide(plan: Plan) -> None:
    """Fill in the actions."""
    here, receipt = plan.held, plan.receipt
    ours = {
        file
        for file, digest in here.items()
        if receipt.wrote(file, digest) or plan.wanted.get(file) == digest
    }
    resources = {file.resource for file in here}
    foreign = resources - {file.resource for file in ours}
    blocked = {resource.scan for resource in foreign if resource.scan}
    for file, digest in plan.wanted.items():
        if file not in here:
            plan.actions[file] = "create"
        elif here[file] == digest:
            plan.actions[file] = "unchanged"
        elif file in ours:
            plan.actions[file] = "replace"
        else:
            plan.actions[file] = "in the way"
            blocked |= {file.resource.scan} - {""}
    for file in plan.wanted:
        if file.resource.scan in blocked:
            plan.actions[file] = "in the way"
    for file, digest in here.items():
        if file not in plan.wanted and receipt.wrote(file, digest):
            plan.actions[file] = "remove"


def digest_now(archive: Archive, base: str, file: ResourceFile) -> str | None:
    """The MD5 of one file as it is now, None if it is not there."""
    digest = held_of(archive, base, file)
    return _read_md5(archive, base, file) if digest == "" else digest


def in_the_way(file: ResourceFile) -> DataError:
    """The error about somebody else's file where one of ours should be."""
    if file == ASSESSOR:
        return DataError(
            "the session's assessor holds numbers that this workflow did not write; rename it "
            "there, or set push.resource to another label"
        )
    return DataError(
        f"the archive's resource {file.resource} holds a {file.name} that this workflow did not "
        "write; rename it there, or set push.resource to another label"
    )
