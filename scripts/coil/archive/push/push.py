"""Put files into resources of the archive, and prove that they arrived.

A resource is created if it is absent. A file is replaced only if the archive still holds
bytes that this workflow wrote (see `coil.archive.push.receipt`). Whatever goes wrong in the
middle, the archive is looked at again before anything is sent again, and at the end
everything is read back and compared.
"""

import logging
import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from zipfile import ZipFile

import requests

from coil import files
from coil.archive.client import Archive
from coil.archive.push.plan import (
    Plan,
    Thing,
    Upload,
    digest_now,
    in_the_way,
    look,
    look_again,
    read_blank,
)
from coil.archive.push.receipt import Receipt, key, keys
from coil.archive.resources import ASSESSOR, Resource, ResourceFile
from coil.errors import ArchiveError, RefusedError
from coil.records.push import Action, EmptyFile, ForeignFiles, PushRecord
from coil.units import is_plain

logger = logging.getLogger(__name__)

# Seconds before the archive is looked at after an upload that failed.
PAUSES = (0.5, 2.0, 5.0)
MUCH = 10_000_000
"""Bytes that are not sent before the archive is seen to keep what it is sent."""
_REFUSAL = re.compile(r'\s*(<!doctype|<html|\{\s*"duplicates")', re.IGNORECASE)


def push(archive: Archive, base: str, upload: Upload) -> PushRecord:
    """Push to the session or the project at `base`; returns what was done, by file.

    `left` says in which scans nothing was written, because somebody else's files are there.
    Raises `DataError` where somebody else's file stands in the way at the session,
    `ArchiveError` where the archive did not take a file or reads back another.
    """
    plan = look(archive, base, upload)
    for file in plan.of("in the way"):
        if not file.resource.scan:
            raise in_the_way(file)
    sent, removed = plan.of("create", "replace"), plan.of("remove")
    if sent or removed:
        _carry_out(archive, base, upload, plan)
    if not plan.complete:
        _write_receipt(archive, base, plan, complete=True)
    logger.info("pushed %d files, %d were there", len(sent), len(plan.of("unchanged")))
    there = plan.of("create", "replace", "unchanged")
    return PushRecord(
        state="done",
        resource=upload.home,
        files={key(file, upload.home): plan.wanted[file] for file in sorted(there)},
        pushed=keys(sent, upload.home),
        unchanged=keys(plan.of("unchanged"), upload.home),
        removed=keys(removed, upload.home),
        left=(*_foreign(plan.of("in the way")), *_empty(plan)),
    )


def _carry_out(archive: Archive, base: str, upload: Upload, plan: Plan) -> None:
    """Send, replace and remove as planned, between a receipt that says so and reading back."""
    _write_receipt(archive, base, plan, complete=False)
    _check_kept(archive, base, upload, plan)
    begun = _deliver_zipped(archive, base, upload, plan) if upload.zipped else set()
    for file in plan.of("create", "replace"):
        if plan.held.get(file) == plan.wanted[file]:
            continue
        thing = upload.assessor if file == ASSESSOR else None
        thing = thing or _File(base, file, upload.files[file])
        known = plan.receipt.digests.get(file, [plan.wanted[file]] if file in begun else [])
        _deliver(archive, file, thing, plan.wanted[file], plan.held.get(file), known)
    for file in plan.of("remove"):
        archive.delete(file.resource.file_address(base, file.name))
    _read_back(archive, base, upload, plan)


def _empty(plan: Plan) -> tuple[EmptyFile, ...]:
    return tuple(EmptyFile(file=name) for name in keys(plan.empty, plan.receipt.home))


def _foreign(in_the_way: Iterable[ResourceFile]) -> tuple[ForeignFiles, ...]:
    """The resources of scans that are left alone, sorted by their names."""
    by_name = {str(file.resource): file.resource for file in in_the_way}
    return tuple(
        ForeignFiles(resource=one.label, scan=one.scan if is_plain(one.scan) else None)
        for _, one in sorted(by_name.items())
    )


def dry_run(archive: Archive, base: str, upload: Upload) -> PushRecord:
    """The actions of `push`, by file; the archive is only read."""
    plan = look(archive, base, upload)
    if not plan.held and not archive.exists(base):
        raise RefusedError(
            "the archive has no such session or project any more, or this login may not see it; "
            "check both"
        )
    would: dict[str, Action] = {
        key(file, upload.home): action for file, action in sorted(plan.actions.items())
    }
    return PushRecord(state="rehearsed", resource=upload.home, would=would, left=_empty(plan))


def _write_receipt(archive: Archive, base: str, plan: Plan, complete: bool) -> None:
    """Write down what is ours: before the first file is sent, and when all were read back."""
    old = plan.receipt.digests
    digests = {file: list(known) for file, known in old.items()}
    for file in plan.of("create", "replace"):
        # All that was ever begun, until the new file is there: an upload may arrive late.
        digests[file] = [*([] if complete else old.get(file, [])), plan.wanted[file]]
    for file in plan.of("unchanged"):
        if file in old:
            digests[file] = [plan.wanted[file]]
    if complete:
        for file in plan.of("remove"):
            digests.pop(file, None)
    receipt = Receipt(plan.receipt.home, digests)
    data = receipt.text(complete)
    before = plan.held.get(receipt.file)
    digest = files.md5_of([data])
    thing = _File(base, receipt.file, data)
    _deliver(archive, receipt.file, thing, digest, before, [before])
    plan.held[receipt.file] = digest


@dataclass(frozen=True)
class _File:
    """A file on its way; large ones are streamed from the disk."""

    base: str
    file: ResourceFile
    source: bytes | Path

    def send(self, archive: Archive, replace: bool) -> requests.Response:
        query = self.file.resource.attributes() | ({"overwrite": "true"} if replace else {})
        address = self.file.resource.file_address(self.base, self.file.name)
        return archive.put(address, data=self.source, **query)

    def held(self, archive: Archive) -> str | None:
        return digest_now(archive, self.base, self.file)


def _deliver(
    archive: Archive,
    file: ResourceFile,
    thing: Thing,
    wanted: str,
    before: str | None,
    ours: Sequence[str | None],
) -> None:
    """Send until it is there. After a failure the archive says what became of it.

    `before` is the digest that is there, None for nothing; only what is in `ours` is
    replaced. A file that the archive says is there and does not list is what an upload
    that broke off left on its disk: it is replaced if such an upload was ours.
    """
    trouble: ArchiveError | None = None
    begun, unlisted = bool(ours), False
    for pause in PAUSES:
        try:
            answer = thing.send(archive, replace=before is not None or (begun and unlisted))
            # XNAT leaves a file that exists as it is, and still answers 200; so may a login page.
            if answer.status_code != 409 and not _REFUSAL.match(answer.text[:200]):
                return
            trouble = ArchiveError(f"the archive did not take {file}; try again")
            unlisted = True
        except RefusedError:
            raise
        except ArchiveError as error:
            trouble, begun = error, True
        time.sleep(pause)
        before = thing.held(archive)
        if before == wanted:
            return
        if before is not None and before not in ours:
            raise in_the_way(file)
    assert trouble is not None
    raise trouble


def _check_kept(archive: Archive, base: str, upload: Upload, plan: Plan) -> None:
    """Whether the archive keeps what this login sends, before much of it is sent in vain."""
    paths = (upload.files[file] for file in plan.of("create", "replace") if file in upload.files)
    receipt = plan.receipt.file
    if sum(path.stat().st_size for path in paths) < MUCH:
        return  # all is read back in the end
    if digest_now(archive, base, receipt) != plan.held[receipt]:
        raise _not_kept(receipt)


def _deliver_zipped(archive: Archive, base: str, upload: Upload, plan: Plan) -> set[ResourceFile]:
    """Send the files of each place that holds nothing as one zip, and look at what arrived.

    A zip overwrites nothing. What did not arrive goes by itself afterwards; returned are the
    files of zips that went wrong, of which the archive may have a part on its disk.
    """
    begun: set[ResourceFile] = set()
    held = {file.resource for file in plan.held}
    by_resource: dict[Resource, list[ResourceFile]] = {}
    for file in plan.of("create"):
        if file.resource not in held:
            by_resource.setdefault(file.resource, []).append(file)
    for resource, wanted_files in by_resource.items():
        with TemporaryFile() as packed:  # without a name: a kill leaves nothing
            with ZipFile(packed, "w") as members:
                for file in wanted_files:
                    members.write(upload.files[file], file.name)
            packed.seek(0)
            query = resource.attributes() | {"extract": "true"}
            try:
                archive.put(resource.file_address(base, "files.zip"), data=packed, **query)
            except RefusedError:
                raise
            except ArchiveError as error:
                logger.info("%s", error)
                begun.update(wanted_files)
    if by_resource:
        here = look_again(archive, base, upload)
        read_blank(archive, base, here, plan.wanted)
        for file in plan.of("create"):
            if here.get(file) not in (None, plan.wanted[file]):
                raise in_the_way(file)
        plan.held.update(here)
    return begun


def _read_back(archive: Archive, base: str, upload: Upload, plan: Plan) -> None:
    """Compare what the archive holds now with what was sent."""
    here = look_again(archive, base, upload)
    read_blank(archive, base, here, plan.wanted)
    for file in plan.of("create", "replace", "unchanged"):
        if here.get(file) == plan.wanted[file]:
            continue
        if here.get(file) in (None, plan.held.get(file)):
            raise _not_kept(file)
        raise ArchiveError(
            f"{file} reads back from the archive with other bytes than were sent; try again"
        )
    if kept := [file for file in plan.of("remove") if file in here]:
        raise not_removed(str(kept[0]))
    plan.complete = False


def _not_kept(file: ResourceFile) -> RefusedError:
    """The error where XNAT answers 200 and writes nothing: so it does without the right."""
    return RefusedError(
        f"the archive accepted {file} and does not hold it: this login may not edit the project; "
        "ask one of its owners for the right"
    )


def not_removed(what: str) -> RefusedError:
    """The error about something that was to be deleted and is still there."""
    return RefusedError(
        f"the archive accepted to delete {what} and still holds it: this login may not delete in "
        "the project; ask one of its owners for the right"
    )
