"""The scans of an export: what each is called beside those that are there."""

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from coil.archive.item import Item


@dataclass(frozen=True)
class Scan:
    """One series as it leaves: XNAT's ID, type and description of it, and its files.

    `number` is what its ID would be if it were alone, `later` what begins it where another series
    of that number came before.
    """

    id: str
    xsi_type: str
    description: str
    uid: str
    files: tuple[Path, ...]
    number: str = ""
    later: str = ""


def without_clash(scans: Iterable[Scan], there: Mapping[str, Item]) -> list[Scan]:
    """The scans with their IDs beside those that are `there`, XNAT's items by ID.

    One that was sent before keeps its ID. Of a number that is taken the next is `6-MR1`, as XNAT
    calls it on import.
    """
    uids = {ident: item.text("UID") for ident, item in there.items()}
    known = {uid: ident for ident, uid in uids.items() if uid}
    taken, named = set(there), []
    for scan in scans:
        ident = known.get(scan.uid, scan.id)
        if scan.uid not in known and uids.get(ident, "unknown") and _is_taken(scan, there):
            later = (f"{scan.later}{number}" for number in itertools.count(1))
            ident = next(one for one in later if one not in taken)
        taken.add(ident)
        named.append(replace(scan, id=ident))
    return named


def _is_taken(scan: Scan, there: Iterable[str]) -> bool:
    return bool(scan.number) and any(
        ident == scan.number or ident.startswith(scan.later) for ident in there
    )
