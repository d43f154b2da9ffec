"""What a push would do: the wanted files compared with what the archive holds, by reading only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import requests

from coil import files
from coil.archive.client import Archive
from coil.archive.push.receipt import Receipt
from coil.archive.resources import ASSESSOR, Place, Spot, held, held_of
from coil.errors import DataError


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
class Parcel:
    """What is to lie in the archive: files by where, and perhaps an assessor.

    `home` is the label of the resource with the receipt. Files of a place where nothing is yet
    go as one zip if it is to be `zipped`: a request, and a change of XNAT's catalog, for all.
    """

    home: str
    files: Mapping[Spot, Path]
    assessor: Numbers | None = None
    zipped: bool = False

    def digests(self) -> dict[Spot, str]:
        """The MD5 of everything, sorted."""
        found = {spot: files.md5(path) for spot, path in sorted(self.files.items())}
        return found | ({ASSESSOR: self.assessor.digest()} if self.assessor else {})


@dataclass
class Plan:
    """What a push does, and what it knows: `actions` says it for each file.

    create, replace (ours, with other bytes), unchanged, remove (ours, not wanted any
    more) or in the way (somebody else's; nothing is written there).
    """

    wanted: dict[Spot, str]
    held: dict[Spot, str]
    receipt: Receipt
    actions: dict[Spot, str] = field(default_factory=dict)
    settled: bool = False

    def of(self, *actions: str) -> list[Spot]:
        return [spot for spot, action in self.actions.items() if action in actions]


def look(archive: Archive, base: str, parcel: Parcel) -> Plan:
    """Compare what is wanted with what the archive holds, by reading only."""
    wanted = parcel.digests()
    here = look_again(archive, base, parcel)
    read_blank(archive, base, here, wanted)
    receipt = Receipt(parcel.home)
    plan = Plan(wanted, here, receipt)
    settled = Receipt(parcel.home, {spot: [digest] for spot, digest in wanted.items()})
    differs = any(here.get(spot) != digest for spot, digest in wanted.items())
    extra = here.keys() - wanted.keys() - {receipt.spot}
    if receipt.spot in here:
        plan.settled = here[receipt.spot] == files.md5_of([settled.text(complete=True)])
        if differs or extra or not plan.settled:
            plan.receipt, plan.settled = read_receipt(archive, base, receipt, here)
            read_blank(archive, base, here, plan.receipt.digests)
        else:
            plan.receipt = settled
    elif not differs:
        plan.settled = True  # somebody put the very same files there; they stay theirs
    _decide(plan)
    return plan


def look_again(archive: Archive, base: str, parcel: Parcel) -> dict[Spot, str]:
    """The MD5 of everything in the places of the parcel; empty where the archive has none."""
    places = {Place(parcel.home), *(spot.place for spot in parcel.files)}
    here = held(archive, base, places)
    if parcel.assessor and (digest := parcel.assessor.held(archive)) is not None:
        here[ASSESSOR] = digest
    return here


def read_blank(
    archive: Archive, base: str, here: dict[Spot, str], spots: Mapping[Spot, Any]
) -> None:
    """Read in full those of the files for which the archive has no digest."""
    for spot in spots:
        if here.get(spot) == "":
            here[spot] = _read_md5(archive, base, spot)


def _read_md5(archive: Archive, base: str, spot: Spot) -> str:
    with archive.stream(spot.place.file(base, spot.name)) as chunks:
        return files.md5_of(chunks)


def read_receipt(
    archive: Archive, base: str, receipt: Receipt, here: dict[Spot, str]
) -> tuple[Receipt, bool]:
    """The receipt that lies there, and whether it says that the last push was completed."""
    with archive.stream(receipt.spot.place.file(base, receipt.spot.name)) as chunks:
        data = b"".join(chunks)
    here[receipt.spot] = files.md5_of([data])
    found = Receipt.parse(receipt.home, data)
    if found is None:
        raise in_the_way(receipt.spot)
    return found, data == found.text(complete=True)


def _decide(plan: Plan) -> None:
    """Fill in the actions."""
    here, receipt = plan.held, plan.receipt
    ours = {
        spot
        for spot, digest in here.items()
        if receipt.wrote(spot, digest) or plan.wanted.get(spot) == digest
    }
    places = {spot.place for spot in here}
    foreign = places - {spot.place for spot in ours}
    blocked = {place.scan for place in foreign if place.scan}
    for spot, digest in plan.wanted.items():
        if spot not in here:
            plan.actions[spot] = "create"
        elif here[spot] == digest:
            plan.actions[spot] = "unchanged"
        elif spot in ours:
            plan.actions[spot] = "replace"
        else:
            plan.actions[spot] = "in the way"
            blocked |= {spot.place.scan} - {""}
    for spot in plan.wanted:
        if spot.place.scan in blocked:
            plan.actions[spot] = "in the way"
    for spot, digest in here.items():
        if spot not in plan.wanted and receipt.wrote(spot, digest):
            plan.actions[spot] = "remove"


def digest_now(archive: Archive, base: str, spot: Spot) -> str | None:
    """The MD5 of one file as it is now, None if it is not there."""
    digest = held_of(archive, base, spot)
    return _read_md5(archive, base, spot) if digest == "" else digest


def in_the_way(spot: Spot) -> DataError:
    """What is said of somebody else's file where one of ours should be."""
    if spot == ASSESSOR:
        return DataError(
            "the session's assessor holds numbers that this workflow did not write; rename it "
            "there, or set push.resource to another label"
        )
    return DataError(
        f"the archive's resource {spot.place} holds a {spot.name} that this workflow did not "
        "write; rename it there, or set push.resource to another label"
    )
