"""Listings of which the archive may not know every column.

What an XNAT knows is a matter of its version and of the types that it has. One that does not
know a type or a column answers 500 to the whole listing, on a project's address even 200 with
nothing in it, and says of none of them which it is. So a listing says what it must have and
what it may lack; where it is refused, small questions (`limit=1`) find what is at fault, by
halves, and it is asked for without that. What was left out is told, and is not "empty".
"""

import itertools
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from coil.archive.client import Archive
from coil.errors import ArchiveError, EmptyError, FailedError, RefusedError
from coil.records.refused_columns import RefusedColumns

AGAIN = timedelta(days=7)
"""After so long the archive is asked again for what it refused: it may have been updated."""

_COMMON = {"id", "label", "name", "project", "type"}
"""Names of columns that tell nothing without their path."""

T = TypeVar("T")
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Listing:
    """A listing, and the columns to ask for.

    `what` is listed, in words; `query` holds filters and the type. `columns` must be there, the
    first of them is one that every XNAT has; `optional` may lack. Small questions go to `probe`
    where `path` takes no `limit`.
    """

    what: str
    path: str
    query: Mapping[str, str]
    columns: Sequence[str]
    optional: Sequence[str] = ()
    probe: str = ""

    @property
    def type(self) -> str:
        """The type that is asked for, in words."""
        return self.query.get("xsiType", "")


@dataclass
class Lister:
    """Asks for listings, goes on without optional columns that are refused, and knows which.

    `refused` has them by what was listed. What is `known` to be refused, from an earlier
    invocation, is not asked for. `notes` are what else is to be said of what was listed.
    """

    archive: Archive
    known: Mapping[str, Sequence[str]] = field(default_factory=dict)
    refused: dict[str, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    _otherwise: set[str] = field(default_factory=set)

    def ask(self, listing: Listing, take: Callable[[Iterable[Row]], T]) -> T:
        """The result of `take` for the rows, which it gets while they arrive.

        Raises `ArchiveError`, naming them, where columns are refused that must be there.
        """
        known = [c for c in self.known.get(listing.what, ()) if c in listing.optional]
        try:
            return self._ask(listing, known, take)
        except (FailedError, EmptyError, RefusedError) as error:
            if isinstance(error, RefusedError) and error.status in (403, 404):
                raise
            without = refused(self.archive, listing)
            if not set(without) - set(known):
                raise  # it knows each of them: the fault is another
            _check(listing, without)
            return self._ask(listing, without, take)

    def lacks(self, listing: Listing, name: str) -> bool:
        """Whether a column of that name was asked for in vain; the caller gets it otherwise."""
        lacking = [c for c in self.refused.get(listing.what, ()) if short(c) == name]
        self._otherwise.update(lacking)
        return bool(lacking)

    def remarks(self) -> list[str]:
        """The remarks on what was left out, a sentence each."""
        left_out = [
            f"{what} come without {', '.join(map(short, sorted(lacking)))}: the archive does not "
            "know or refuses that"
            for what, columns in sorted(self.refused.items())
            if (lacking := set(columns) - self._otherwise)
        ]
        return [*left_out, *self.notes]

    def _ask(
        self, listing: Listing, without: Collection[str], take: Callable[[Iterable[Row]], T]
    ) -> T:
        columns = [c for c in (*listing.columns, *listing.optional) if c not in without]
        query = {**listing.query, "columns": ",".join(columns)}

        def check_and_take(rows: Iterable[Row]) -> T:
            rows = iter(rows)
            head = list(itertools.islice(rows, 1))
            lacking = _lacking(columns, head[0]) if head else []
            _check(listing, lacking)
            self.refused[listing.what] = [*without, *lacking]
            return take(itertools.chain(head, rows))

        return self.archive.listing(listing.path, query, check_and_take)


def refused(archive: Archive, listing: Listing) -> list[str]:
    """The columns of a listing that the archive refuses, required ones too, in their order.

    All of them where it refuses the type, or the listing whatever is asked for. One small
    request where there is none; else some two for each halving, and one that confirms.
    """

    def answered(columns: Sequence[str]) -> bool:
        query = {**listing.query, "columns": ",".join((first, *columns)), "limit": "1"}
        return archive.lists(listing.probe or listing.path, **query)

    first, *others = (*listing.columns, *listing.optional)
    if answered(others):
        return []
    if not answered(()):
        return [first, *others]
    # Whatever passes by itself was refused by chance: a server may fail for other reasons.
    return [column for column in _at_fault(others, answered) if not answered([column])]


def _at_fault(columns: Sequence[str], answered: Callable[[Sequence[str]], bool]) -> list[str]:
    """Which of the columns are refused, where they are together."""
    if len(columns) == 1:
        return list(columns)
    one, other = columns[: len(columns) // 2], columns[len(columns) // 2 :]
    if answered(one):
        return _at_fault(other, answered)
    faulty = _at_fault(one, answered)
    return faulty if answered(other) else [*faulty, *_at_fault(other, answered)]


def id_of(row: Row) -> str:
    """The ID of what a row is of.

    XNAT calls it `ID`, but where columns of sessions are asked for `session_ID`, and where the
    type is that of the sessions by its path; the row's URI always ends in it.
    """
    return str(row.get("ID") or row.get("session_ID") or row.get("URI", "").rpartition("/")[2])


def _lacking(columns: Iterable[str], row: Row) -> list[str]:
    """The columns that were asked for and are not in a row: what XNAT does not know it may drop."""
    there = {key.lower() for key in row}

    def comes(column: str) -> bool:
        name = short(column).lower()
        by_another_path = name in there and name not in _COMMON
        return column.lower() in there or by_another_path or (column == "ID" and bool(id_of(row)))

    return [column for column in columns if not comes(column)]


def short(column: str) -> str:
    """A column's name as people know it: the last part of its path."""
    return column.rpartition("/")[2]


def _check(listing: Listing, left_out: Collection[str]) -> None:
    """Raise where what is refused must be there."""
    if listing.columns[0] in left_out:
        raise RefusedError(
            f"the archive refuses to list {listing.what}"
            + (f", of type {listing.type}" if listing.type else "")
            + ": it does not know the type, or its query fails; ask its administrator"
        )
    lacking = [column for column in listing.columns if column in left_out]
    if lacking:
        raise ArchiveError(
            f"the archive refuses to list {', '.join(lacking)} of {listing.what}, which must be "
            "known; ask its administrator which version and types of XNAT it has"
        )


def remembered(path: Path) -> dict[str, tuple[str, ...]]:
    """The columns in a file that the archive refused, if that is not long ago."""
    refused = RefusedColumns.read_or_none(path)
    if refused is None:
        return {}
    age = datetime.now(UTC) - refused.since
    return refused.columns if timedelta() <= age < AGAIN else {}


def remember(path: Path, columns: Mapping[str, Sequence[str]]) -> None:
    """Leave what the archive refused, so that the next invocation need not find it out."""
    refused = {what: tuple(names) for what, names in columns.items() if names}
    if refused != remembered(path):
        path.unlink(missing_ok=True)
        if refused:
            RefusedColumns(since=datetime.now(UTC), columns=refused).write(path, 0o600)
