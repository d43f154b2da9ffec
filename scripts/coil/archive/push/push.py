"""Put files into resources of the archive, and prove that they arrived.

A resource is created if it is absent. A file is replaced only if the archive still holds
bytes that this workflow wrote (see `coil.archive.push.receipt`). Whatever goes wrong in the
middle, the archive is looked at again before anything is sent again, and at the end
everything is read back and compared.
"""

import logging
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any
from zipfile import ZipFile

import requests

from coil import files
from coil.archive.client import Archive
from coil.archive.push.plan import (
    Parcel,
    Plan,
    Thing,
    digest_now,
    in_the_way,
    look,
    look_again,
    read_blank,
)
from coil.archive.push.receipt import Receipt, key, keys
from coil.archive.resources import ASSESSOR, Place, Spot
from coil.errors import ArchiveError, RefusedError

logger = logging.getLogger(__name__)

# Seconds before the archive is looked at after an upload that failed.
PAUSES = (0.5, 2.0, 5.0)
MUCH = 10_000_000
"""Bytes that are not sent before the archive is seen to keep what it is sent."""
_REFUSAL = re.compile(r'\s*(<!doctype|<html|\{\s*"duplicates")', re.IGNORECASE)


def push(archive: Archive, base: str, parcel: Parcel) -> dict[str, Any]:
    """Push to the session or the project at `base`; returns what was done, by file.

    `files` are the MD5s that the archive reports; `left` says of which scans nothing was
    written, because somebody else's files are there. Raises `DataError` where somebody
    else's file stands in the way at the session, `ArchiveError` where the archive did not
    take a file or reads back another.
    """
    plan = look(archive, base, parcel)
    for spot in plan.of("in the way"):
        if not spot.place.scan:
            raise in_the_way(spot)
    sent, removed = plan.of("create", "replace"), plan.of("remove")
    if sent or removed:
        _write_receipt(archive, base, plan, complete=False)
        _check_kept(archive, base, parcel, plan)
        begun = _deliver_zipped(archive, base, parcel, plan) if parcel.zipped else set()
        for spot in sent:
            if plan.held.get(spot) == plan.wanted[spot]:
                continue
            thing = parcel.assessor if spot == ASSESSOR else None
            thing = thing or _File(base, spot, parcel.files[spot])
            known = plan.receipt.digests.get(spot, [plan.wanted[spot]] if spot in begun else [])
            _deliver(archive, spot, thing, plan.wanted[spot], plan.held.get(spot), known)
        for spot in removed:
            archive.delete(spot.place.file(base, spot.name))
        _read_back(archive, base, parcel, plan)
    if not plan.settled:
        _write_receipt(archive, base, plan, complete=True)
    logger.info("pushed %d files, %d were there", len(sent), len(plan.of("unchanged")))
    there = plan.of("create", "replace", "unchanged")
    return {
        "resource": parcel.home,
        "files": {key(spot, parcel.home): plan.wanted[spot] for spot in sorted(there)},
        "pushed": keys(sent, parcel.home),
        "unchanged": keys(plan.of("unchanged"), parcel.home),
        "removed": keys(removed, parcel.home),
        "left": sorted({_left(spot) for spot in plan.of("in the way")}),
    }


def _left(spot: Spot) -> str:
    return f"{spot.place}: somebody else's files are there"


def rehearse(archive: Archive, base: str, parcel: Parcel) -> dict[str, Any]:
    """What `push` would do, by file; the archive is only read."""
    plan = look(archive, base, parcel)
    if not plan.held and not archive.exists(base):
        raise RefusedError(
            "the archive has no such session or project any more, or this login may not see it; "
            "check both"
        )
    would = {key(spot, parcel.home): action for spot, action in sorted(plan.actions.items())}
    return {"resource": parcel.home, "would": would}


def withheld(session: Mapping[str, Any], verdict: Mapping[str, Any]) -> str | None:
    """Why a session's results are not pushed, if they are not: only what is valid goes back."""
    if session["state"] != "done":
        return "the session is not in the dataset"
    if verdict["errors"]:
        return f"the validator has {verdict['errors']} errors for the dataset"
    return None


def _write_receipt(archive: Archive, base: str, plan: Plan, complete: bool) -> None:
    """Write down what is ours: before the first file is sent, and when all were read back."""
    old = plan.receipt.digests
    digests = {spot: list(known) for spot, known in old.items()}
    for spot in plan.of("create", "replace"):
        # All that was ever begun, until the new file is there: an upload may arrive late.
        digests[spot] = [*([] if complete else old.get(spot, [])), plan.wanted[spot]]
    for spot in plan.of("unchanged"):
        if spot in old:
            digests[spot] = [plan.wanted[spot]]
    if complete:
        for spot in plan.of("remove"):
            digests.pop(spot, None)
    receipt = Receipt(plan.receipt.home, digests)
    data = receipt.text(complete)
    before = plan.held.get(receipt.spot)
    digest = files.md5_of([data])
    thing = _File(base, receipt.spot, data)
    _deliver(archive, receipt.spot, thing, digest, before, [before])
    plan.held[receipt.spot] = digest


@dataclass(frozen=True)
class _File:
    """A file on its way; large ones are streamed from the disk."""

    base: str
    spot: Spot
    source: bytes | Path

    def send(self, archive: Archive, replace: bool) -> requests.Response:
        query = self.spot.place.attributes() | ({"overwrite": "true"} if replace else {})
        address = self.spot.place.file(self.base, self.spot.name)
        return archive.put(address, data=self.source, **query)

    def held(self, archive: Archive) -> str | None:
        return digest_now(archive, self.base, self.spot)


def _deliver(
    archive: Archive,
    spot: Spot,
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
            trouble = ArchiveError(f"the archive did not take {spot}; try again")
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
            raise in_the_way(spot)
    assert trouble is not None
    raise trouble


def _check_kept(archive: Archive, base: str, parcel: Parcel, plan: Plan) -> None:
    """Whether the archive keeps what this login sends, before much of it is sent in vain."""
    paths = (parcel.files[spot] for spot in plan.of("create", "replace") if spot in parcel.files)
    receipt = plan.receipt.spot
    if sum(path.stat().st_size for path in paths) < MUCH:
        return  # all is read back in the end
    if digest_now(archive, base, receipt) != plan.held[receipt]:
        raise _not_kept(receipt)


def _deliver_zipped(archive: Archive, base: str, parcel: Parcel, plan: Plan) -> set[Spot]:
    """Send the files of each place that holds nothing as one zip, and look at what arrived.

    A zip overwrites nothing. What did not arrive goes by itself afterwards; returned are the
    files of zips that went wrong, of which the archive may have a part on its disk.
    """
    begun: set[Spot] = set()
    held = {spot.place for spot in plan.held}
    by_place: dict[Place, list[Spot]] = {}
    for spot in plan.of("create"):
        if spot.place not in held:
            by_place.setdefault(spot.place, []).append(spot)
    for place, spots in by_place.items():
        with TemporaryFile() as packed:  # without a name: a kill leaves nothing
            with ZipFile(packed, "w") as members:
                for spot in spots:
                    members.write(parcel.files[spot], spot.name)
            packed.seek(0)
            query = place.attributes() | {"extract": "true"}
            try:
                archive.put(place.file(base, "files.zip"), data=packed, **query)
            except RefusedError:
                raise
            except ArchiveError as error:
                logger.info("%s", error)
                begun.update(spots)
    if by_place:
        here = look_again(archive, base, parcel)
        read_blank(archive, base, here, plan.wanted)
        for spot in plan.of("create"):
            if here.get(spot) not in (None, plan.wanted[spot]):
                raise in_the_way(spot)
        plan.held.update(here)
    return begun


def _read_back(archive: Archive, base: str, parcel: Parcel, plan: Plan) -> None:
    """Compare what the archive holds now with what was sent."""
    here = look_again(archive, base, parcel)
    read_blank(archive, base, here, plan.wanted)
    for spot in plan.of("create", "replace", "unchanged"):
        if here.get(spot) == plan.wanted[spot]:
            continue
        if here.get(spot) in (None, plan.held.get(spot)):
            raise _not_kept(spot)
        raise ArchiveError(
            f"{spot} reads back from the archive with other bytes than were sent; try again"
        )
    if kept := [spot for spot in plan.of("remove") if spot in here]:
        raise not_removed(str(kept[0]))
    plan.settled = False


def _not_kept(spot: Spot) -> RefusedError:
    """What is said where XNAT answers 200 and writes nothing: so it does without the right."""
    return RefusedError(
        f"the archive accepted {spot} and does not hold it: this login may not edit the project; "
        "ask one of its owners for the right"
    )


def not_removed(what: str) -> RefusedError:
    """What is said of something that was to be deleted and is still there."""
    return RefusedError(
        f"the archive accepted to delete {what} and still holds it: this login may not delete in "
        "the project; ask one of its owners for the right"
    )
