"""One object as XNAT's item JSON has it: `{"items": [{"data_fields": ..., "children": ...}]}`."""

from collections.abc import Iterator
from typing import Any

import msgspec

from coil.errors import ArchiveError


class Children(msgspec.Struct, frozen=True):
    """The objects below one, by the path of XNAT's schema that they are at."""

    field: str
    items: tuple["Item", ...] = ()


class Meta(msgspec.Struct, frozen=True):
    """The type of an object, as XNAT calls it."""

    xsi_type: str = msgspec.field(name="xsi:type", default="")


class Item(msgspec.Struct, frozen=True):
    """An object's fields that are filled in, and the objects below it."""

    data_fields: dict[str, Any]
    children: tuple[Children, ...] = ()
    meta: Meta = Meta()

    def text(self, field: str) -> str | None:
        """A field's value; None where it is not filled in."""
        value = self.data_fields.get(field)
        return None if value is None else str(value)

    def below(self, field: str) -> Iterator["Item"]:
        """The objects at a path of XNAT's schema."""
        return (item for child in self.children if child.field == field for item in child.items)


class _Answer(msgspec.Struct, frozen=True):
    items: tuple[Item, ...]


def read(answer: bytes) -> Item:
    """The object in an answer; `ArchiveError` where that holds none."""
    try:
        return msgspec.json.decode(answer, type=_Answer).items[0]
    except (msgspec.DecodeError, IndexError):
        raise ArchiveError(
            "the archive answered with something else than the object; try again"
        ) from None
