"""The values of custom variables, forms and other fields, from the rows of a listing.

XNAT keeps custom variables, and the variables of some assessors, as a list of names and values.
In a column it drops the choice of a name (`fields/field[name=site]/field`): the values of all
come, a row each, under the one name that was asked for. So names and values are asked for
beside each other, and paired here by row. What custom forms hold (XNAT 1.8 and later) is one
text of JSON for each owner.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from unicodedata import normalize

Row = Mapping[str, Any]
FORMS = "forms/"
"""The beginning of the name of a field that custom forms hold."""

CUSTOM_FIELDS = "custom_fields"
_NAMED = re.compile(r"(?P<list>.+)\[(?P<key>\w+)=(?P<name>.+)\]/(?P<value>[\w/]+)")


@dataclass(frozen=True)
class Field:
    """A field: its `name` in the config, the columns to ask for, and what a row tells of it.

    `values` are texts; a name that differs from the one wanted in capitals only is `like` it.
    """

    name: str
    columns: tuple[str, ...]
    values: Callable[[Row], Iterable[tuple[bool, str]]]


@dataclass
class Fields:
    """Collects the values of fields by owner.

    `unclear` counts the owners of whom a field has several values, or one that is no text or
    number: it is left out there.
    """

    wanted: Iterable[Field]
    unclear: dict[str, int] = field(default_factory=dict)

    @property
    def columns(self) -> list[str]:
        """The columns to ask for, each once."""
        return list(dict.fromkeys(column for one in self.wanted for column in one.columns))

    def take(self, rows: Iterable[Row], owner: Callable[[Row], str]) -> dict[str, dict[str, str]]:
        """The values by the owner of a row and by field; there may be many rows of one owner."""
        values_of: dict[str, dict[str, dict[str, bool]]] = {}
        for row in rows:
            held = {key.lower(): value for key, value in row.items()}
            of_owner = values_of.setdefault(owner(row), {})
            for one in self.wanted:
                for exact, value in one.values(held):
                    values = of_owner.setdefault(one.name, {})
                    values[value] = values.get(value, False) or exact
        return {key: dict(self._single(of_owner)) for key, of_owner in values_of.items()}

    def _single(self, values_of: Mapping[str, Mapping[str, bool]]) -> Iterator[tuple[str, str]]:
        for name, values in values_of.items():
            exact = [value for value, is_exact in values.items() if is_exact] or list(values)
            if len(exact) == 1 and exact[0]:
                yield name, exact[0]
            else:
                self.unclear[name] = self.unclear.get(name, 0) + 1

    def remarks(self, owners: str) -> list[str]:
        """The remarks on fields that were left out, of owners in words."""
        return [
            f"{name}: left out of {count} of the {owners}, whose values of it differ or are lists"
            for name, count in sorted(self.unclear.items())
        ]


def plain(name: str, *paths: str) -> Field:
    """A field that is a column of its own: the first of `paths`, which may come as another."""
    keys = [path.lower() for path in paths]

    def values(row: Row) -> Iterator[tuple[bool, str]]:
        value = next((row[key] for key in keys if row.get(key)), None)
        if value:
            yield True, str(value)

    return Field(name, paths[:1], values)


def at(name: str, path: str) -> Field:
    """A field by XNAT's path of it, which may choose one of a list by its name."""
    chosen = _NAMED.fullmatch(path)
    if chosen is None or chosen["key"].startswith("xsi"):
        return plain(name, path)
    path_of_list = chosen["list"]
    return _of_list(
        name, chosen["name"], f"{path_of_list}/{chosen['key']}", f"{path_of_list}/{chosen['value']}"
    )


def variable(name: str, path: str) -> Field:
    """The custom variable of that name, of the list at `place`."""
    return _of_list(name, name, f"{path}/name", f"{path}/{path.rpartition('/')[2]}")


def _of_list(field: str, name: str, names: str, values: str) -> Field:
    wanted, like = normalize("NFC", name), folded(name)

    def paired(row: Row) -> Iterator[tuple[bool, str]]:
        key, value = str(row.get(names.lower()) or ""), row.get(values.lower())
        if value and folded(key) == like:
            yield normalize("NFC", key) == wanted, str(value)

    return Field(field, (names, values), paired)


def of_form(name: str, xsi_type: str) -> Field:
    """A field `forms/KEY` or `forms/FORM/KEY` of custom forms, FORM being XNAT's ID of one."""
    form, _, key = name.removeprefix(FORMS).rpartition("/")
    column = f"{xsi_type}/{CUSTOM_FIELDS}"

    def values(row: Row) -> Iterator[tuple[bool, str]]:
        for held in _forms(row.get(column.lower()), form):
            value = held.get(key)
            if value not in (None, "", [], {}):
                yield True, _text(value)

    return Field(name, (column,), values)


def _forms(text: Any, form: str) -> Iterator[Mapping[str, Any]]:
    """The forms in XNAT's JSON, each a mapping; only that of the ID `form` if one is named."""
    try:
        held = json.loads(text) if isinstance(text, str) and text else text
    except ValueError:
        return
    if isinstance(held, dict):
        yield from ([held] if not form else [])  # what was set without a form
        yield from (one for key, one in held.items() if isinstance(one, dict) and form in ("", key))


def _text(value: Any) -> str:
    """A value of JSON as text; nothing for a list or a mapping, which is no single value."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int | float) else ""


def folded(name: str) -> str:
    """A name by which two that differ in capitals or in how accents are coded are one."""
    return normalize("NFC", name).casefold().strip()
