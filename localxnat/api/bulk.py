"""Objects with what is joined to them, for listings of any length.

A few hundred objects are read at a time, by a handful of queries whatever their number, so that
a listing takes neither a query an object nor memory for all of them.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from localxnat.api.columns import Held, Plan, Source
from localxnat.api.targets import Call
from localxnat.model import xsi
from localxnat.storage import listings
from localxnat.storage.store import Object, Share, scan_order

BATCH = 400
_CHILDREN = {"scans": "scan", "assessors": "assessor", "sessions": "experiment"}
Pair = tuple[Object, Object | None]


def joined(
    call: Call, things: Iterable[Object], plans: Sequence[Plan], into: str = ""
) -> Iterator[tuple[Object, Object | None, Held]]:
    """Each object with its parent and with all that the plans join to it.

    What is shared into the project `into` has parents by their names there.
    """
    remaining = iter(things)
    while batch := list(islice(remaining, BATCH)):
        parents = by_key(call, (one.parent for one in batch))
        _rename(call, parents, into)
        held = Held()
        for plan in plans:
            for key, source in plan.sources.items():
                found = _related(call, source, batch, parents) if key != "own" else {}
                held.related[key] = found
                _join_lists(call, source, held, batch if key == "own" else _all(found))
        for thing in batch:
            yield thing, parents.get(thing.parent or 0), held


def _rename(call: Call, parents: dict[int, Object], into: str) -> None:
    guests = [pk for pk, one in parents.items() if into and one.project != into]
    if guests:
        for pk, label in listings.labels_in(call.store.database, into, guests):
            parents[pk].label = label


def _all(found: dict[int, list[Pair]]) -> list[Object]:
    return [one for pairs in found.values() for one, _ in pairs]


def _join_lists(call: Call, source: Source, held: Held, owners: list[Object]) -> None:
    database = call.store.database
    if source.shares:
        shares: dict[int, list[Share]] = {}
        for pk, share in listings.shares(database, _keys(owners)):
            shares.setdefault(pk, []).append(share)
        held.shares |= shares
    if source.catalogs:
        catalogs = held.catalogs.setdefault(source.catalog_columns, {})
        new = _keys(one for one in owners if one.pk not in catalogs)
        for owner, values in listings.catalogs(database, new, source.catalog_columns):
            catalogs.setdefault(owner, []).append(values)


def _keys(things: Iterable[Object]) -> list[int]:
    return [one.pk for one in things]


def _related(
    call: Call, source: Source, batch: list[Object], parents: dict[int, Object]
) -> dict[int, list[Pair]]:
    """The objects that a source joins to each of a batch, with what those belong to."""
    if source.relation in _CHILDREN:
        return _children(call, source, batch)
    above = {one.pk: parents[one.parent] for one in batch if one.parent in parents}
    if source.relation == "project":
        known = {name: call.store.project(name) for name in {one.project for one in batch}}
        return {one.pk: [(home, None)] for one in batch if (home := known[one.project])}
    if source.relation == "session":
        fitting = {pk: one for pk, one in above.items() if xsi.is_a(one.xsi_type, source.xsi_type)}
        subjects = by_key(call, (one.parent for one in fitting.values()))
        return {pk: [(one, subjects.get(one.parent or 0))] for pk, one in fitting.items()}
    sessions = [one for one in above.values() if one.kind != "subject"]
    subjects = by_key(call, (one.parent for one in sessions))
    found = {pk: one if one.kind == "subject" else subjects.get(one.parent or 0)
             for pk, one in above.items()}  # fmt: skip
    return {pk: [(one, None)] for pk, one in found.items() if one}


def _children(call: Call, source: Source, batch: list[Object]) -> dict[int, list[Pair]]:
    kind = _CHILDREN[source.relation]
    owners = {one.pk: one for one in batch}
    found: dict[int, list[Pair]] = {}
    for child in listings.children(call.store.database, owners, kind):
        if xsi.is_a(child.xsi_type, source.xsi_type) and child.parent:
            found.setdefault(child.parent, []).append((child, owners.get(child.parent)))
    if kind == "scan":
        for pairs in found.values():
            pairs.sort(key=lambda pair: scan_order(pair[0].id))
    return found


def by_key(call: Call, pks: Iterable[int | None]) -> dict[int, Object]:
    """Objects by their keys."""
    return listings.objects(call.store.database, pks)
