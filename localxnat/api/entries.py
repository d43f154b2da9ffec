"""Lists among an object's fields as XNAT's queries join them: a row for each entry.

What a column's path has in brackets chooses nothing: the query builder drops it, and all entries
come (`fields/field[name=a]/field` gives the values of every custom variable).
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from localxnat.model import fields, types

Names = tuple[str, ...]
Marks = tuple[str, ...]


class Column(NamedTuple):
    """A path in a list: its names, how many of them are lists, and the outermost list."""

    names: Names
    lists: int
    outer: str
    """The names up to the outermost list, with slashes between."""


def column(xsi_type: str, path: str) -> Column | None:
    """The column of a path below a type; None for one that is in no list."""
    parts, _ = fields.spelled(xsi_type, path)
    known = types.fields_of(xsi_type)
    names: list[str] = []
    outer, lists = "", 0
    for name, _ in parts:
        found = known.get(name.lower())
        names.append(name.lower())
        if found and found.many:
            lists += 1
            outer = outer or "/".join(names)
        known = types.below(found)
    return Column(tuple(names), lists, outer) if lists else None


@lru_cache(maxsize=1 << 14)
def _parsed(key: str) -> tuple[Names, Marks]:
    """A stored key's names in lower case, and what tells the entries on its way."""
    parts = fields.steps(key)
    return tuple(name.lower() for name, _ in parts), tuple(mark for _, mark in parts if mark)


def rows(values: dict[str, str], columns: Iterable[Column]) -> list[tuple[str, ...]]:
    """The columns' values, a tuple for each entry of their list; none if it is empty.

    All columns are of one outermost list. Where it has lists in it, there is a tuple for each of
    their entries, with what surrounds it.
    """
    columns = list(columns)
    deepest = max(columns, key=lambda one: one.lists)
    outer = deepest.outer.count("/") + 1
    held: dict[tuple[Names, Marks], str] = {}
    marks: dict[Marks, None] = {}
    for key, value in values.items():
        names, found = _parsed(key)
        if names[:outer] == deepest.names[:outer] and found:
            held[names, found] = value
            # What a mark says (`name=a`) is a field of the entry, and in its path only.
            for number, mark in enumerate(found, start=1):
                word, equals, text = mark.partition("=")
                if equals:
                    held[(*_list(names, key, number), word.lower()), found[:number]] = text
            along = names[: len(deepest.names) - 1] == deepest.names[: len(names) - 1]
            marks[found[: deepest.lists] if along else found[:1]] = None
    inner = {one[:1] for one in marks if len(one) > 1}
    entries = [one for one in marks if len(one) > 1 or one not in inner]
    return [tuple(held.get((one.names, entry[: one.lists]), "") for one in columns)
            for entry in entries]  # fmt: skip


@lru_cache(maxsize=1 << 14)
def _list(names: Names, key: str, number: int) -> Names:
    """The names of a key up to its list of that number."""
    parts = fields.steps(key)
    ends = [number for number, (_, mark) in enumerate(parts, start=1) if mark]
    return names[: ends[number - 1]]
